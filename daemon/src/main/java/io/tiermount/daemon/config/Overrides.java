package io.tiermount.daemon.config;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Values that win over files: {@code TIERMOUNT__A__B=…} in the environment. */
final class Overrides {
  static final String PREFIX = "TIERMOUNT__";

  private Overrides() {}

  /** Finds them, in the order of their names; the tree tells which names exist. */
  static List<HoconDocument.Setting> fromEnvironment(
      Map<String, String> environment, Node.Section tree, Problems problems) {
    List<HoconDocument.Setting> overrides = new ArrayList<>();
    new TreeMap<>(environment)
        .forEach((variable, value) -> {
          if (variable.startsWith(PREFIX)) {
            List<String> path = path(variable, tree, problems);
            if (path != null) {
              overrides.add(HoconDocument.Setting.ofJson(path, value, "environment " + variable));
            }
          }
        });
    return overrides;
  }

  private static @Nullable List<String> path(
      String variable, Node.Section tree, Problems problems) {
    List<String> path = new ArrayList<>();
    Node node = tree;
    Schema.Level level = Schema.root();
    List<String> elements = List.of(variable.substring(PREFIX.length()).split("__", -1));
    boolean pasted = elements.size() > 1 && PastedRoot.isRoot(plain(elements.getFirst()));
    for (String element : pasted ? elements.subList(1, elements.size()) : elements) {
      Set<String> matches = matches(element, node, level);
      if (element.isEmpty() || matches.size() > 1) {
        problems.add(
            new Position("environment " + variable, 0),
            String.join(".", path),
            element.isEmpty()
                ? "an empty element between __"
                : element + ", which is " + String.join(" and ", matches),
            "the names of one key, joined by __",
            matches.size() > 1 ? "change it in the file instead" : "");
        return null;
      }
      String name =
          matches.isEmpty() ? element.toLowerCase(Locale.ROOT) : matches.iterator().next();
      path.add(name);
      node = node instanceof Node.Section section ? section.entries().get(name) : null;
      level = level == null ? null : level.child(name);
    }
    return path;
  }

  /** Existing and known names that an element may mean. */
  private static Set<String> matches(
      String element, @Nullable Node node, Schema.@Nullable Level level) {
    Set<String> names = new TreeSet<>();
    if (node instanceof Node.Section section) {
      names.addAll(section.entries().keySet());
    }
    if (level != null) {
      names.addAll(level.children().keySet());
    }
    names.removeIf(name -> !plain(name).equals(plain(element)));
    return names;
  }

  private static String plain(String name) {
    return name.toLowerCase(Locale.ROOT).replace('-', '_');
  }
}
