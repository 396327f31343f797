package io.tiermount.daemon.config;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** All known keys as a tree, and the check that a configuration holds no others. */
final class Schema {
  /** Stands for a name that the operator chooses. */
  static final String ANY_NAME = "*";

  /** Stands for an element of a list. */
  static final String ELEMENT = "[]";

  static final List<Key<?>> KEYS =
      Stream.of(
              NodeKeys.ALL,
              StorageKeys.ALL,
              CredentialKeys.ALL,
              ClearmlKeys.ALL,
              MountKeys.ALL,
              PersistenceKeys.ALL,
              AdminKeys.ALL)
          .flatMap(List::stream)
          .toList();

  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_-]{1,64}");

  /** Where a value at the wrong place may be a secret. */
  private static final Pattern SECRETIVE =
      Pattern.compile("(credentials|aws|azure|google|persistence|secure)\\b");

  private static final Level ROOT = build();

  private Schema() {}

  /** A section, or a key where {@link #key} is set. */
  static final class Level {
    private final Map<String, Level> children = new TreeMap<>();
    private @Nullable Key<?> key;

    Map<String, Level> children() {
      return children;
    }

    @Nullable Key<?> key() {
      return key;
    }

    /** The child that a written name means; null for an unknown one. */
    @Nullable Level child(String name) {
      Level known = children.get(name);
      return known != null ? known : children.get(ANY_NAME);
    }
  }

  static Level root() {
    return ROOT;
  }

  /** The sections at the root: what a file may be named after. */
  static List<String> sections() {
    return List.copyOf(ROOT.children.keySet());
  }

  /** Reports every unknown key, and everything that stands where a section belongs. */
  static void check(Node.Section root, Problems problems) {
    checkSection(root, ROOT, "", problems);
  }

  private static void checkSection(
      Node.Section section, Level level, String path, Problems problems) {
    section
        .entries()
        .forEach((name, node) -> {
          String child = KeyReader.join(path, name);
          Level next = level.child(name);
          if (next == null) {
            unknown(node, name, path, level, problems);
          } else if (level.children.containsKey(ANY_NAME) && !NAME.matcher(name).matches()) {
            problems.add(
                node.position(),
                child,
                Found.text(name),
                "a name of letters, digits, _ and - (at most 64)",
                "");
          } else {
            checkNode(node, next, child, problems);
          }
        });
  }

  private static void checkNode(Node node, Level level, String path, Problems problems) {
    Level elements = level.children.get(ELEMENT);
    if (elements != null && node instanceof Node.Items list) {
      for (int i = 0; i < list.items().size(); i++) {
        if (list.items().get(i) instanceof Node.Section item) {
          checkSection(item, elements, path + "[" + i + "]", problems);
        }
      }
    } else if (level.key == null) {
      switch (node) {
        case Node.Section section -> checkSection(section, level, path, problems);
        case Node.Absent _, Node.Broken _ -> {}
        case Node.Scalar _, Node.Items _ ->
            // A key pasted where its entry belongs must not be printed.
            problems.add(
                node.position(),
                path,
                Found.text(node, SECRETIVE.matcher(path).lookingAt()),
                sectionOf(level),
                "");
      }
    }
  }

  private static String sectionOf(Level level) {
    return level.children.containsKey(ANY_NAME)
        ? "a section of named entries: { NAME { … } }"
        : "a section: { " + String.join(", ", level.children.keySet()) + " }";
  }

  private static void unknown(Node node, String name, String path, Level level, Problems problems) {
    problems.add(
        node.position(),
        KeyReader.join(path, name),
        "an unknown key",
        "one of " + String.join(", ", level.children.keySet()),
        suggestion(name, path, level).map(known -> "did you mean " + known + "?").orElse(""));
  }

  /** A sibling first; else the same word elsewhere: a key in the wrong section. */
  private static Optional<String> suggestion(String name, String path, Level level) {
    Optional<String> sibling = Nearest.to(name, level.children.keySet());
    if (sibling.isPresent()) {
      return sibling.map(known -> KeyReader.join(path, known));
    }
    List<String> elsewhere = new ArrayList<>();
    collect(level, path, elsewhere);
    collect(ROOT, "", elsewhere);
    // A single value before one of a list.
    return elsewhere.stream()
        .sorted(Comparator.comparing(known -> known.contains(ELEMENT)))
        .filter(known -> known.substring(known.lastIndexOf('.') + 1).equals(name))
        .findFirst();
  }

  private static void collect(Level level, String path, List<String> paths) {
    level.children.forEach((name, child) -> {
      String childPath = KeyReader.join(path, name.equals(ANY_NAME) ? "NAME" : name);
      paths.add(childPath);
      collect(child, childPath, paths);
    });
  }

  private static Level build() {
    Level root = new Level();
    for (Key<?> key : KEYS) {
      Level level = root;
      for (String element : key.elements()) {
        level = level.children.computeIfAbsent(element, _ -> new Level());
      }
      level.key = key;
    }
    return root;
  }
}
