package io.tiermount.daemon.config;

import java.util.regex.Pattern;

/** How a value that was found is shown to a person: short, on one line, and never a secret. */
final class Found {
  private static final int MAX_LENGTH = 80;
  private static final Pattern CONTROL = Pattern.compile("\\p{Cntrl}");

  private Found() {}

  static String text(Node node, boolean secret) {
    return switch (node) {
      case Node.Scalar scalar when secret -> scalar.text().isEmpty() ? "an empty text" : "(hidden)";
      case Node.Scalar scalar -> text(scalar.text());
      case Node.Absent _ -> "nothing";
      case Node.Broken _ -> "a value that can't be read";
      case Node.Items _ -> "a list";
      case Node.Section _ -> "a section";
    };
  }

  static String text(String value) {
    if (value.isEmpty()) {
      return "an empty text";
    }
    String line = CONTROL.matcher(value).replaceAll("?");
    return line.length() <= MAX_LENGTH ? line : line.substring(0, MAX_LENGTH - 1) + "…";
  }
}
