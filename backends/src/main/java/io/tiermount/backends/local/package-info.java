/** A local directory as a bucket. */
@NullMarked
package io.tiermount.backends.local;

import org.jspecify.annotations.NullMarked;
