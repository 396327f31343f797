package io.tiermount.daemon.config;

import java.util.List;

/** Every key of a configuration, for mounts.conf(5). */
public final class KeyManual {
  private KeyManual() {}

  /**
   * One key.
   *
   * @param path with {@code *} for a name chosen by the operator, {@code []} for an element of a
   *     list
   * @param note from when on it does something; "" where it does
   */
  public record Entry(
      String path, String accepted, String defaultText, String meaning, String note) {}

  /** In the order in which mounts.conf.example has them. */
  public static List<Entry> entries() {
    return Schema.KEYS.stream()
        .map(key ->
            new Entry(
                key.path(),
                key.type().accepted(),
                key.defaultText(),
                key.meaning(),
                key.effect().text()))
        .toList();
  }
}
