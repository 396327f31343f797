package io.tiermount.backends.strict;

/** Text of an XML document. */
final class S3Xml {
  private S3Xml() {}

  /** As S3 does it: control characters as references, which XML 1.0 parsers refuse. */
  static String escape(String text) {
    StringBuilder escaped = new StringBuilder(text.length());
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '<' -> escaped.append("&lt;");
        case '>' -> escaped.append("&gt;");
        case '&' -> escaped.append("&amp;");
        case '"' -> escaped.append("&quot;");
        default -> {
          if (c < 0x20 || c == 0x7f || c >= 0xfffe) {
            escaped.append("&#x").append(Integer.toHexString(c)).append(';');
          } else {
            escaped.append(c);
          }
        }
      }
    }
    return escaped.toString();
  }

  static String element(String name, Object value) {
    return "<" + name + ">" + escape(value.toString()) + "</" + name + ">";
  }
}
