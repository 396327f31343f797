package io.tiermount.daemon.config;

import java.util.Comparator;
import java.util.List;

/**
 * One thing that is wrong with a configuration. No part of it ever holds a secret.
 *
 * @param file as the operator named it; "environment" or "command line" where it is no file
 * @param line from 1; 0 where there are no lines
 * @param key the full path, {@code mounts.data.scope}; "" where the file as a whole is meant
 * @param found what is there
 * @param accepted what may be there; "" where that says nothing
 * @param hint what to do about it, the nearest known key for a typo; "" for none
 */
public record ConfigError(
    String file, int line, String key, String found, String accepted, String hint) {
  /** By file, line, key; files in the order of their names. */
  static final Comparator<ConfigError> ORDER =
      Comparator.comparing(ConfigError::file)
          .thenComparingInt(ConfigError::line)
          .thenComparing(ConfigError::key)
          .thenComparing(ConfigError::found);

  /** A block of lines without a final newline: where, then what was found, accepted, and a hint. */
  public String text() {
    StringBuilder text = new StringBuilder(file);
    if (line > 0) {
      text.append(':').append(line);
    }
    if (!key.isEmpty()) {
      text.append(": ").append(key);
    }
    append(text, "found:   ", found);
    append(text, "accepted:", accepted);
    append(text, "hint:    ", hint);
    return text.toString();
  }

  /** One block per error, an empty line between two. */
  static String text(List<ConfigError> errors) {
    return String.join("\n\n", errors.stream().map(ConfigError::text).toList());
  }

  private static void append(StringBuilder text, String label, String value) {
    if (!value.isEmpty()) {
      text.append("\n  ").append(label).append(' ').append(value);
    }
  }
}
