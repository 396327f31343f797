package io.tiermount.daemon.config;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Says which of the keys that are written have no effect in this version: no key lies. */
final class LaterKeys {
  private final Map<Key.Effect, List<String>> found = new TreeMap<>();

  private LaterKeys() {}

  /** One line for each reason. */
  static List<String> notices(Node.Section tree) {
    LaterKeys keys = new LaterKeys();
    keys.walk(tree, Schema.root(), "");
    return keys.found.entrySet().stream()
        .map(entry -> String.join(", ", entry.getValue()) + ": " + entry.getKey().text())
        .toList();
  }

  private void walk(Node.Section section, Schema.Level level, String path) {
    section
        .entries()
        .forEach((name, node) -> {
          Schema.Level next = level.child(name);
          String child = KeyReader.join(path, name);
          Key<?> key = next == null ? null : next.key();
          if (key != null && !key.effect().text().isEmpty() && !(node instanceof Node.Absent)) {
            found
                .computeIfAbsent(key.effect(), _ -> new ArrayList<>())
                .add(child + " (" + node.position().text() + ")");
          } else if (next != null && node instanceof Node.Section inner) {
            walk(inner, next, child);
          }
        });
  }
}
