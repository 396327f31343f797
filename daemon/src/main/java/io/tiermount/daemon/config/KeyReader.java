package io.tiermount.daemon.config;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Reads the keys of one section by type and reports what is wrong with them.
 *
 * @param section what is read
 * @param pattern the section's own path in the schema, {@code mounts.*}; "" for the root
 * @param path the section's own path in the file, {@code mounts.data}; "" for the root
 */
record KeyReader(Node.Section section, String pattern, String path, Problems problems) {
  private static final Pattern PLAIN = Pattern.compile("[A-Za-z0-9_*\\[\\]-]+");

  static KeyReader root(Node.Section section, Problems problems) {
    return new KeyReader(section, "", "", problems);
  }

  /** The sections below {@code parent.*}; those that are not sections were reported already. */
  List<KeyReader> named(String parent) {
    List<KeyReader> readers = new ArrayList<>();
    if (find(List.of(parent.split("\\.", -1))) instanceof Node.Section names) {
      names
          .entries()
          .forEach((name, node) -> {
            if (node instanceof Node.Section entry) {
              readers.add(new KeyReader(entry, parent + ".*", join(parent, name), problems));
            }
          });
    }
    return readers;
  }

  /** The sections of a list; what is no section is reported here. */
  List<KeyReader> elements(Key<List<Node.Section>> list) {
    List<KeyReader> readers = new ArrayList<>();
    // Reports; the sections it answers with have lost their place in the list.
    boolean unread = readOrNull(list) == null;
    if (!unread && node(list) instanceof Node.Items written) {
      for (int i = 0; i < written.items().size(); i++) {
        if (written.items().get(i) instanceof Node.Section section) {
          String below = list.path() + "." + Schema.ELEMENT;
          readers.add(new KeyReader(section, below, pathOf(list) + "[" + i + "]", problems));
        }
      }
    }
    return readers;
  }

  /** Null after reporting that the key is absent or wrong. */
  <T> @Nullable T required(Key<T> key) {
    T value = readOrNull(key);
    if (value == null && !has(key)) {
      wrong(key, Undefined.nothing(node(key)), key.type().accepted(), "");
    }
    return value;
  }

  /** The last element of {@link #path}. */
  String name() {
    return path.substring(path.lastIndexOf('.') + 1);
  }

  /** Null where the key is absent or its value was reported as wrong. */
  <T> @Nullable T readOrNull(Key<T> key) {
    Node node = node(key);
    if (node == null || node instanceof Node.Absent || node instanceof Node.Broken) {
      return null;
    }
    return key.type().read(node, pathOf(key), key.secret(), problems);
  }

  /** The key's default where it is absent or its value was reported as wrong. */
  <T> T read(Key<T> key) {
    T value = readOrNull(key);
    return value == null ? key.defaultValue() : value;
  }

  /** True where something is written, right or wrong. */
  boolean has(Key<?> key) {
    Node node = node(key);
    return node != null && !(node instanceof Node.Absent);
  }

  @Nullable Node node(Key<?> key) {
    return find(below(key));
  }

  /** Where the key is, or its section where it is absent. */
  Position positionOf(Key<?> key) {
    Node node = node(key);
    return node == null ? section.position() : node.position();
  }

  String pathOf(Key<?> key) {
    String below = String.join(".", below(key));
    return path.isEmpty() ? below : path + "." + below;
  }

  /** Reports a key. */
  void wrong(Key<?> key, String found, String accepted, String hint) {
    problems.add(positionOf(key), pathOf(key), found, accepted, hint);
  }

  /** Reports the value of a key as one that does not go together with others. */
  void wrongValue(Key<?> key, String accepted, String hint) {
    Node node = node(key);
    wrong(key, node == null ? "nothing" : Found.text(node, key.secret()), accepted, hint);
  }

  private List<String> below(Key<?> key) {
    if (!pattern.isEmpty() && !key.path().startsWith(pattern + ".")) {
      throw new IllegalArgumentException(key.path() + " is not below " + pattern);
    }
    String rest = pattern.isEmpty() ? key.path() : key.path().substring(pattern.length() + 1);
    return List.of(rest.split("\\.", -1));
  }

  private @Nullable Node find(List<String> elements) {
    Node node = section;
    for (String element : elements) {
      if (!(node instanceof Node.Section inner)) {
        // What stands in a section's place was reported by the schema.
        return null;
      }
      Node next = inner.entries().get(element);
      if (next == null) {
        return null;
      }
      node = next;
    }
    return node;
  }

  /** A path with one element more; names with signs of their own are quoted, as in HOCON. */
  static String join(String parent, String child) {
    String element = PLAIN.matcher(child).matches() ? child : "\"" + child + "\"";
    return parent.isEmpty() ? element : parent + "." + element;
  }
}
