package io.tiermount.daemon.config;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * How much is logged.
 *
 * @param levels by logger; "" is all that no other names
 */
public record LogLevels(Map<String, String> levels) {
  private static final Set<String> KNOWN = Set.of("off", "error", "warn", "info", "debug", "trace");

  public LogLevels {
    levels = Map.copyOf(levels);
  }

  /** {@code info,io.tiermount.fs=debug}. */
  static LogLevels parse(String text) throws BadValueException {
    Map<String, String> levels = new LinkedHashMap<>();
    for (String part : text.split(",", -1)) {
      int equals = part.indexOf('=');
      String logger = equals < 0 ? "" : part.substring(0, equals).strip();
      String level = part.substring(equals + 1).strip().toLowerCase(Locale.ROOT);
      if (!KNOWN.contains(level) || (equals >= 0 && logger.isEmpty())) {
        throw new BadValueException("");
      }
      if (levels.put(logger, level) != null) {
        throw new BadValueException((logger.isEmpty() ? "all" : logger) + " has two levels");
      }
    }
    return new LogLevels(levels);
  }
}
