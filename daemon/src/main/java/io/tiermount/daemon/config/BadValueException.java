package io.tiermount.daemon.config;

/** A value that its key does not accept; becomes a {@link ConfigError} where it is caught. */
final class BadValueException extends Exception {
  private static final long serialVersionUID = 1L;

  private final String hint;

  /**
   * @param hint what to write instead; "" where what is accepted says it all
   */
  BadValueException(String hint) {
    super(hint, null, false, false);
    this.hint = hint;
  }

  String hint() {
    return hint;
  }
}
