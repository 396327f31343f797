package io.tiermount.backends.s3;

/** No keys to sign with; the message says which way was tried and what to do. */
final class S3CredentialsException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  S3CredentialsException(String message, Throwable cause) {
    super(message, cause);
  }
}
