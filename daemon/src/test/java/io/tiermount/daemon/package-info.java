@NullMarked
package io.tiermount.daemon;

import org.jspecify.annotations.NullMarked;
