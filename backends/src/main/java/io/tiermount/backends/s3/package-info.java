/** S3 and everything that speaks its protocol, over aws-sdk-java-v2. */
@NullMarked
package io.tiermount.backends.s3;

import org.jspecify.annotations.NullMarked;
