package io.tiermount.daemon.config;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A configuration after loading, merging and substitution: what every reader works on, so that no
 * reader knows the file's syntax. Other forms that people paste are translated into this tree.
 */
sealed interface Node {
  Position position();

  /**
   * A string, number or boolean, as written.
   *
   * @param quoted kinds were told apart by the syntax: false for numbers and booleans
   * @param variables the environment's variables that the text is made of
   * @param undefined those of them that are not set (optional substitutions) or empty
   */
  record Scalar(
      String text, boolean quoted, Set<String> variables, Set<String> undefined, Position position)
      implements Node {
    public Scalar {
      variables = Set.copyOf(variables);
      undefined = Set.copyOf(undefined);
    }

    public Scalar(String text, Position position) {
      this(text, true, Set.of(), Set.of(), position);
    }
  }

  /** {@code null}, or a value that is nothing but an undefined {@code ${?…}}. */
  record Absent(Set<String> undefined, Position position) implements Node {
    public Absent {
      undefined = Set.copyOf(undefined);
    }
  }

  /** Wrong in a way that was reported already: readers pass over it in silence. */
  record Broken(Position position) implements Node {}

  /** A list. */
  record Items(List<Node> items, Position position) implements Node {
    public Items {
      items = List.copyOf(items);
    }
  }

  /** A section, its keys in the order of their names. */
  record Section(Map<String, Node> entries, Position position) implements Node {
    public Section {
      entries = Collections.unmodifiableMap(new LinkedHashMap<>(entries));
    }
  }
}
