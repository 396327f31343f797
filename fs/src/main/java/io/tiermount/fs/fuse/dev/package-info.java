/**
 * The kernel's protocol on /dev/fuse, spoken directly (include/uapi/linux/fuse.h, protocol 7.31 to
 * 7.45): mount, INIT, reader threads, decoding in place, one write(2) per answer.
 */
@NullMarked
package io.tiermount.fs.fuse.dev;

import org.jspecify.annotations.NullMarked;
