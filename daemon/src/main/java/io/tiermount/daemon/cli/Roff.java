package io.tiermount.daemon.cli;

import java.util.Locale;

/** A page of the manual in man(7)'s macros. One thread. */
final class Roff {
  private final StringBuilder page = new StringBuilder();

  /**
   * @param title as in {@code tiermount(8)}
   */
  Roff(String title, int section, String version) {
    page.append(".\\\" Written by `tiermount manual` from the program itself: don't edit.\n");
    page.append(
        ".TH %s %d \"\" \"tiermount %s\"\n"
            .formatted(title.toUpperCase(Locale.ROOT), section, version));
  }

  /** A heading. */
  Roff section(String name) {
    page.append(".SH ").append(escaped(name)).append('\n');
    return this;
  }

  /** A smaller one. */
  Roff part(String name) {
    page.append(".SS ").append(escaped(name)).append('\n');
    return this;
  }

  Roff paragraph(String text) {
    page.append(".PP\n").append(escaped(text)).append('\n');
    return this;
  }

  /** A word and what it means. */
  Roff item(String word, String meaning) {
    page.append(".TP\n\\fB").append(escaped(word)).append("\\fR\n");
    page.append(escaped(meaning)).append('\n');
    return this;
  }

  /** Lines as they are. */
  Roff example(String text) {
    page.append(".PP\n.nf\n");
    text.lines().forEach(line -> page.append(escaped(line)).append('\n'));
    page.append(".fi\n");
    return this;
  }

  /** man(7): a dot or quote at a line's beginning is a request, a backslash an escape. */
  static String escaped(String text) {
    StringBuilder escaped = new StringBuilder();
    for (String line : text.strip().isEmpty() ? new String[] {""} : text.split("\n", -1)) {
      String safe = line.replace("\\", "\\e").replace("-", "\\-");
      boolean request = safe.startsWith(".") || safe.startsWith("'");
      escaped.append(escaped.isEmpty() ? "" : "\n").append(request ? "\\&" : "").append(safe);
    }
    return escaped.toString();
  }

  @Override
  public String toString() {
    return page.toString();
  }
}
