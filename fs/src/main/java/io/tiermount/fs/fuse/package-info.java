/**
 * The seam to the kernel: typed requests in, typed replies out, whichever transport carries them.
 */
@NullMarked
package io.tiermount.fs.fuse;

import org.jspecify.annotations.NullMarked;
