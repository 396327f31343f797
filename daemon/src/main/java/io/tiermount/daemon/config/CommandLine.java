package io.tiermount.daemon.config;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** {@code tiermount mount SOURCE DIR -o KEY=VALUE,…} as values of the tree. */
final class CommandLine {
  private static final String MOUNT = "mounts." + Schema.ANY_NAME + ".";
  private static final String CACHE = "storage.cache.";
  private static final List<String> OF_OTHER_MOUNTS = List.of("mounts", "persistence");
  private static final Set<String> OF_ARGUMENTS = Set.of("path", "source");
  // What the environment may override here: the rest of its names belong to files.
  private static final Set<String> NODE_SECTIONS = Set.of("storage", "fuse", "memory", "identity");

  private CommandLine() {}

  /** The mount's own values; each names its option in messages. */
  static List<HoconDocument.Setting> overrides(
      String source, Path directory, List<String> options, Problems problems) {
    Path path = directory.toAbsolutePath().normalize();
    String name = mountName(path);
    Map<String, List<String>> known = known(name);
    List<HoconDocument.Setting> overrides = new ArrayList<>();
    overrides.add(
        HoconDocument.Setting.ofText(
            List.of("mounts", name, "path"), path.toString(), "the directory"));
    overrides.add(
        HoconDocument.Setting.ofText(List.of("mounts", name, "source"), source, "the source"));
    for (String option : options) {
      for (String setting : split(option)) {
        int equals = setting.indexOf('=');
        String key = equals < 0 ? setting : setting.substring(0, equals);
        List<String> target = known.get(key);
        if (target == null) {
          unknown(key, known.keySet(), problems);
        } else {
          String value = equals < 0 ? "true" : setting.substring(equals + 1);
          overrides.add(HoconDocument.Setting.ofJson(target, value, "-o " + key));
        }
      }
    }
    return overrides;
  }

  /** True where an option sets a key of the mount. */
  static boolean sets(List<HoconDocument.Setting> overrides, String mountKey) {
    String last = mountKey.substring(MOUNT.length());
    return overrides.stream()
        .map(override -> override.path())
        .filter(path -> path.getFirst().equals("mounts"))
        .anyMatch(path -> String.join(".", path.subList(2, path.size())).equals(last));
  }

  /** What of the node's files does not hold for this mount. */
  static List<String> replaced(List<HoconDocument.Setting> overrides) {
    List<String> paths = new ArrayList<>(OF_OTHER_MOUNTS);
    // Another place for the cache is another daemon: it has this one directory.
    if (overrides.stream()
        .anyMatch(override -> override.path().equals(NodeKeys.CACHE_BASE_DIR.elements()))) {
      paths.add(NodeKeys.CACHE_DIRS.path());
    }
    return paths;
  }

  /**
   * The environment's values for the node as a whole.
   *
   * @param files what they override; null where it can't be read
   */
  static List<HoconDocument.Setting> fromEnvironment(
      Map<String, String> environment, Node.@Nullable Section files, Problems problems) {
    Node.Section tree =
        files == null ? new Node.Section(Map.of(), new Position("command line", 0)) : files;
    return Overrides.fromEnvironment(environment, tree, problems).stream()
        .filter(override -> NODE_SECTIONS.contains(override.path().getFirst()))
        .toList();
  }

  private static void unknown(String key, Set<String> known, Problems problems) {
    boolean argument = OF_ARGUMENTS.contains(key);
    problems.add(
        new Position("-o " + key, 0),
        "",
        argument ? "an option that the arguments say already" : "an unknown option",
        argument ? "tiermount mount SOURCE DIR" : "one of " + String.join(", ", known),
        argument ? "" : Nearest.to(key, known).map(n -> "did you mean " + n + "?").orElse(""));
  }

  /** Every option with the path that it sets. */
  static Map<String, List<String>> known(String mount) {
    Map<String, List<String>> known = new TreeMap<>();
    for (Key<?> key : Schema.KEYS) {
      if (key.path().startsWith(CACHE) && !key.path().contains(Schema.ELEMENT)) {
        known.put("cache." + key.path().substring(CACHE.length()), key.elements());
      } else if (key.path().startsWith("memory.")) {
        known.put(key.path(), key.elements());
      }
    }
    known.put("cache.dir", NodeKeys.CACHE_BASE_DIR.elements());
    known.put("cache.max_used_bytes", NodeKeys.CACHE_MAX_USED.elements());
    for (Key<?> key : MountKeys.ALL) {
      List<String> target = new ArrayList<>(key.elements());
      target.set(1, mount);
      known.put(key.path().substring(MOUNT.length()), target);
    }
    known.keySet().removeAll(OF_ARGUMENTS);
    return known;
  }

  private static String mountName(Path path) {
    String last = path.getFileName() == null ? "" : path.getFileName().toString();
    String name = last.replaceAll("[^A-Za-z0-9_-]", "_");
    String shown = name.substring(0, Math.min(64, name.length()));
    return shown.isEmpty() ? "mount" : shown;
  }

  /** At commas outside of quotes and brackets; a backslash keeps the one behind it. */
  static List<String> split(String option) {
    List<String> settings = new ArrayList<>();
    StringBuilder current = new StringBuilder();
    int depth = 0;
    boolean quotes = false;
    for (int i = 0; i < option.length(); i++) {
      char c = option.charAt(i);
      if (c == '\\' && i + 1 < option.length() && option.charAt(i + 1) == ',') {
        current.append(',');
        i++;
      } else if (c == ',' && depth == 0 && !quotes) {
        settings.add(current.toString());
        current.setLength(0);
      } else {
        quotes ^= c == '"';
        depth += quotes ? 0 : c == '[' || c == '{' ? 1 : c == ']' || c == '}' ? -1 : 0;
        current.append(c);
      }
    }
    settings.add(current.toString());
    settings.removeIf(String::isBlank);
    return settings;
  }
}
