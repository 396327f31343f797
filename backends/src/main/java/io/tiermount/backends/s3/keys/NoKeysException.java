package io.tiermount.backends.s3.keys;

/**
 * A source gave no keys. The message says which, why and what to do, and holds no part of a secret:
 * no cause is attached, since parsers quote what they read.
 */
final class NoKeysException extends Exception {
  private static final long serialVersionUID = 1L;

  private final boolean unset;

  private NoKeysException(String message, boolean unset) {
    super(message);
    this.unset = unset;
  }

  /** The source should have given some. */
  static NoKeysException failed(String message) {
    return new NoKeysException(message, false);
  }

  /** Nobody set this source up: a chain goes on to the next. */
  static NoKeysException unset(String message) {
    return new NoKeysException(message, true);
  }

  boolean isUnset() {
    return unset;
  }

  String text() {
    return String.valueOf(getMessage());
  }
}
