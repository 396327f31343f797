/** A small S3 server for tests, stricter than the real ones, and a harness for s3proxy. */
@NullMarked
package io.tiermount.backends.strict;

import org.jspecify.annotations.NullMarked;
