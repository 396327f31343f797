/**
 * The same file system through libfuse 2, where /dev/fuse can't be driven directly: paths come in,
 * requests on nodes go out.
 */
@NullMarked
package io.tiermount.fs.fuse.libfuse;

import org.jspecify.annotations.NullMarked;
