/** Keys to sign requests to S3 with: where they come from, how they are renewed. */
@NullMarked
package io.tiermount.backends.s3.keys;

import org.jspecify.annotations.NullMarked;
