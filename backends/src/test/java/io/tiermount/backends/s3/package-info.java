/** Tests of the S3 store. */
@NullMarked
package io.tiermount.backends.s3;

import org.jspecify.annotations.NullMarked;
