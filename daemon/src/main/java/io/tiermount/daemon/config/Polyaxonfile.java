package io.tiermount.daemon.config;

import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Which volumes a polyaxonfile's job names: {@code environment.persistence}.
 *
 * @param data null where it names none
 * @param outputs null where it names none
 */
public record Polyaxonfile(@Nullable List<String> data, @Nullable String outputs) {
  private static final String PERSISTENCE = "environment.persistence";
  private static final Set<String> KNOWN = Set.of("data", "outputs");

  /**
   * Reads a file; all of it that is not {@code environment.persistence} is of no concern.
   *
   * @throws InvalidConfigException with everything that is wrong, and where
   */
  public static Polyaxonfile read(Path file) throws InvalidConfigException {
    Problems problems = new Problems();
    Node.Section root = YamlTree.read(file, problems);
    problems.throwIfAny();
    Node.Section persistence = below(below(root, "environment", problems), "persistence", problems);
    Polyaxonfile result = new Polyaxonfile(null, null);
    if (persistence != null) {
      unknown(persistence, problems);
      result =
          new Polyaxonfile(
              data(persistence.entries().get("data"), problems),
              outputs(persistence.entries().get("outputs"), problems));
    }
    problems.throwIfAny();
    return result;
  }

  private static Node.@Nullable Section below(
      Node.@Nullable Section parent, String name, Problems problems) {
    Node node = parent == null ? null : parent.entries().get(name);
    if (node == null || node instanceof Node.Absent) {
      return null;
    }
    if (node instanceof Node.Section section) {
      return section;
    }
    problems.add(node.position(), name, Found.text(node, false), "a section", "");
    return null;
  }

  private static void unknown(Node.Section persistence, Problems problems) {
    for (String name : new TreeSet<>(persistence.entries().keySet())) {
      if (!KNOWN.contains(name)) {
        Node node = persistence.entries().get(name);
        problems.add(
            node == null ? persistence.position() : node.position(),
            PERSISTENCE + "." + name,
            "an unknown key",
            "data, outputs",
            "");
      }
    }
  }

  private static @Nullable List<String> data(@Nullable Node node, Problems problems) {
    if (node == null || node instanceof Node.Absent) {
      return null;
    }
    return ValueTypes.TEXTS.read(node, PERSISTENCE + ".data", false, problems);
  }

  private static @Nullable String outputs(@Nullable Node node, Problems problems) {
    if (node == null || node instanceof Node.Absent) {
      return null;
    }
    return ValueTypes.TEXT.read(node, PERSISTENCE + ".outputs", false, problems);
  }
}
