package io.tiermount.daemon.config;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Reads {@code storage.path_substitution}, and what stands at its other place behind it. */
final class PathReader {
  private final KeyReader root;

  PathReader(KeyReader root) {
    this.root = root;
  }

  PathSubstitution read() {
    List<PathSubstitution.Rule> rules = new ArrayList<>();
    for (StorageKeys.PathKeys keys : List.of(StorageKeys.PATHS, StorageKeys.CACHE_PATHS)) {
      for (KeyReader entry : root.elements(keys.list())) {
        PathSubstitution.@Nullable Rule rule = rule(entry, keys);
        if (rule != null) {
          rules.add(rule);
        }
      }
    }
    return new PathSubstitution(rules);
  }

  private static PathSubstitution.@Nullable Rule rule(KeyReader entry, StorageKeys.PathKeys keys) {
    String registered = entry.required(keys.registered());
    String local = entry.required(keys.local());
    boolean windows = entry.read(keys.windows());
    boolean linux = entry.read(keys.linux());
    PathSubstitution.Match match = entry.read(keys.match());
    if (windows && linux) {
      entry.wrong(
          keys.linux(),
          "true, beside replace_windows_sep = true",
          "one of the two",
          "separators are replaced one way only");
      return null;
    }
    return registered == null || local == null
        ? null
        : new PathSubstitution.Rule(registered, local, windows, linux, match);
  }
}
