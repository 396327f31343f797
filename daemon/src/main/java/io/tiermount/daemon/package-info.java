/** Commands, wiring and the life of mounts. */
@NullMarked
package io.tiermount.daemon;

import org.jspecify.annotations.NullMarked;
