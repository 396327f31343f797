package io.tiermount.backends.s3;

import java.io.IOException;

/** A body that failed its checksum before any of it was delivered; it may be fetched again. */
final class S3CorruptBodyException extends IOException {
  private static final long serialVersionUID = 1L;

  S3CorruptBodyException(Throwable cause) {
    super(cause.getMessage(), cause);
  }
}
