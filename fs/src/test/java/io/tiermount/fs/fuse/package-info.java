/** What every transport must do, and the file system in memory it is tested over. */
@NullMarked
package io.tiermount.fs.fuse;

import org.jspecify.annotations.NullMarked;
