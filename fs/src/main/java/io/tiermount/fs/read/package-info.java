/** Reading ahead of a reader. */
@NullMarked
package io.tiermount.fs.read;

import org.jspecify.annotations.NullMarked;
