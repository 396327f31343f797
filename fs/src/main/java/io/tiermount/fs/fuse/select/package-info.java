/** Which transport a mount gets, and why. */
@NullMarked
package io.tiermount.fs.fuse.select;

import org.jspecify.annotations.NullMarked;
