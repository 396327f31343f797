/** Tests of where keys come from. */
@NullMarked
package io.tiermount.backends.s3.keys;

import org.jspecify.annotations.NullMarked;
