package io.tiermount.backends.s3.keys;

import org.jspecify.annotations.Nullable;

/** No keys to sign with; the message says which way was tried and what to do. */
public final class S3CredentialsException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  S3CredentialsException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
