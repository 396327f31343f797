/** Tests of the transport on /dev/fuse. */
@NullMarked
package io.tiermount.fs.fuse.dev;

import org.jspecify.annotations.NullMarked;
