package io.tiermount.backends.strict;

/** An answer with S3's error document. */
final class S3Refusal extends Exception {
  private static final long serialVersionUID = 1L;

  private final int status;
  private final String code;
  private final String detail;

  S3Refusal(int status, String code, String message) {
    this(status, code, message, "");
  }

  /**
   * A refusal.
   *
   * @param detail further XML elements
   */
  S3Refusal(int status, String code, String message, String detail) {
    super(message);
    this.status = status;
    this.code = code;
    this.detail = detail;
  }

  int status() {
    return status;
  }

  WireResponse response() {
    String text = getMessage() == null ? "" : getMessage();
    return WireResponse.xml(
        status,
        "<Error><Code>"
            + code
            + "</Code><Message>"
            + S3Xml.escape(text)
            + "</Message>"
            + detail
            + "</Error>");
  }
}
