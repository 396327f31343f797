package io.tiermount.daemon.config;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** How the values of a key are written, and what they become. */
sealed interface ValueType<T> {
  /** For a person: what may be written. */
  String accepted();

  /**
   * Reads a value, which is neither {@code Absent} nor {@code Broken}.
   *
   * @param key its full path, for messages
   * @param secret messages leave out what was found
   * @return null after reporting what is wrong
   */
  @Nullable T read(Node node, String key, boolean secret, Problems problems);

  /** Turns a text into a value. */
  @FunctionalInterface
  interface Parse<T> {
    T parse(String text) throws BadValueException;
  }

  /** One word. */
  record Single<T>(String accepted, Parse<T> parse) implements ValueType<T> {
    @Override
    public @Nullable T read(Node node, String key, boolean secret, Problems problems) {
      String hint = "";
      if (node instanceof Node.Scalar scalar) {
        try {
          return parse.parse(scalar.text());
        } catch (BadValueException e) {
          hint = secret ? "" : e.hint();
        }
      }
      problems.add(node.position(), key, Found.text(node, secret), accepted, hint);
      return null;
    }
  }

  /** A list of words. */
  record ListOf<T>(String accepted, Single<T> element) implements ValueType<List<T>> {
    @Override
    public @Nullable List<T> read(Node node, String key, boolean secret, Problems problems) {
      if (!(node instanceof Node.Items list)) {
        problems.add(node.position(), key, Found.text(node, secret), accepted, "");
        return null;
      }
      List<T> values = new ArrayList<>();
      int before = problems.count();
      for (Node item : list.items()) {
        T value = item instanceof Node.Broken ? null : element.read(item, key, secret, problems);
        if (value != null) {
          values.add(value);
        }
      }
      return problems.count() == before ? values : null;
    }
  }

  /** A word, or a list of them. */
  record OneOrMore<T>(String accepted, Single<T> element) implements ValueType<List<T>> {
    @Override
    public @Nullable List<T> read(Node node, String key, boolean secret, Problems problems) {
      if (node instanceof Node.Items) {
        return new ListOf<>(accepted, element).read(node, key, secret, problems);
      }
      T value = element.read(node, key, secret, problems);
      return value == null ? null : List.of(value);
    }
  }

  /** Names chosen by the operator, each with a word. */
  record MapOf<T>(String accepted, Single<T> element) implements ValueType<Map<String, T>> {
    @Override
    public @Nullable Map<String, T> read(Node node, String key, boolean secret, Problems problems) {
      if (!(node instanceof Node.Section section)) {
        problems.add(node.position(), key, Found.text(node, secret), accepted, "");
        return null;
      }
      Map<String, T> values = new LinkedHashMap<>();
      section
          .entries()
          .forEach((name, entry) -> {
            String child = key + "." + name;
            T value =
                entry instanceof Node.Broken ? null : element.read(entry, child, secret, problems);
            if (value != null) {
              values.put(name, value);
            }
          });
      return values;
    }
  }

  /** A list of sections, whose keys are keys of their own below {@code []}. */
  record Sections(String accepted) implements ValueType<List<Node.Section>> {
    @Override
    public @Nullable List<Node.Section> read(
        Node node, String key, boolean secret, Problems problems) {
      if (!(node instanceof Node.Items list)) {
        problems.add(node.position(), key, Found.text(node, secret), accepted, "");
        return null;
      }
      List<Node.Section> sections = new ArrayList<>();
      for (Node item : list.items()) {
        if (item instanceof Node.Section section) {
          sections.add(section);
        } else if (!(item instanceof Node.Broken)) {
          problems.add(item.position(), key, Found.text(item, secret), accepted, "");
        }
      }
      return sections;
    }
  }
}
