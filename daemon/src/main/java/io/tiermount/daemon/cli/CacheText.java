package io.tiermount.daemon.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** A cache's counters in one line; what a daemon does not report is left out. */
final class CacheText {
  private CacheText() {}

  static String line(JsonNode cache) {
    List<String> parts = new ArrayList<>();
    if (cache.has("used_bytes")) {
      String used = Amounts.bytes(cache.get("used_bytes").asLong()) + " used";
      parts.add(
          cache.path("max_used_bytes").isNumber()
              ? used + " of " + Amounts.bytes(cache.get("max_used_bytes").asLong())
              : used);
    }
    if (cache.has("hit_bytes") && cache.has("miss_bytes")) {
      long hits = cache.get("hit_bytes").asLong();
      long all = hits + cache.get("miss_bytes").asLong();
      if (all > 0) {
        parts.add(
            String.format(Locale.ROOT, "%.1f %% of bytes read were hits", 100.0 * hits / all));
      }
    }
    return String.join(", ", parts);
  }
}
