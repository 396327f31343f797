package io.tiermount.daemon.config;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a configuration means for one URL. Secrets are in it as their last four characters only.
 *
 * @param url as asked
 * @param mount the name of the mount that shows it; null where none does
 * @param settings in the order in which they are shown
 */
public record Explanation(String url, @Nullable String mount, List<Setting> settings) {
  public Explanation {
    settings = List.copyOf(settings);
  }

  /**
   * One thing that holds.
   *
   * @param name {@code region}
   * @param value as it is in force
   * @param why the key and its file and line, or what the default depends on
   */
  public record Setting(String name, String value, String why) {}
}
