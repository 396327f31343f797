package io.tiermount.daemon.config;

import com.typesafe.config.ConfigUtil;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * {@code persistence} of a Polyaxon chart's {@code values.yaml} as HOCON: the same keys and values,
 * in the file's order.
 *
 * @param hocon a whole configuration
 * @param notices what was left aside
 */
public record ValuesImport(String hocon, List<String> notices) {
  private static final String SECTION = "persistence";

  /** Volumes of the platform itself, not of jobs. */
  private static final Set<String> OF_THE_PLATFORM = Set.of("logs", "repos", "upload");

  /** What today's Polyaxon has in its place. */
  private static final List<String> OF_TODAY = List.of("connections", "artifactsStore");

  public ValuesImport {
    notices = List.copyOf(notices);
  }

  /**
   * Reads and checks a file; the secrets' own files are not looked at.
   *
   * @throws InvalidConfigException with everything that is wrong, and where
   */
  public static ValuesImport read(Path file) throws InvalidConfigException {
    Problems problems = new Problems();
    List<String> notices = new ArrayList<>();
    Node.Section root = YamlTree.read(file, problems);
    problems.throwIfAny();
    if (root == null) {
      throw new IllegalStateException("a file that can't be read was not reported");
    }
    Node persistence = root.entries().get(SECTION);
    if (!(persistence instanceof Node.Section section)) {
      report(root, persistence, problems);
      problems.throwIfAny();
      throw new IllegalStateException("a file without persistence was not reported");
    }
    leaveAside("", root, Set.of(SECTION), notices);
    Map<String, Node> kept = new LinkedHashMap<>(section.entries());
    Set<String> ofJobs = new TreeSet<>(kept.keySet());
    ofJobs.removeAll(OF_THE_PLATFORM);
    leaveAside(SECTION + ".", section, ofJobs, notices);
    kept.keySet().retainAll(ofJobs);
    Node.Section volumes = new Node.Section(kept, section.position());
    Node.Section tree = new Node.Section(Map.of(SECTION, volumes), root.position());
    Schema.check(tree, problems);
    PersistenceReader.translate(tree, Map.of("HOME", "/"), false, problems);
    problems.throwIfAny();
    StringBuilder hocon = new StringBuilder();
    hocon.append("# From ").append(file.getFileName()).append(".\n");
    write(hocon, SECTION, volumes, 0);
    return new ValuesImport(hocon.toString(), notices);
  }

  private static void report(
      Node.Section root, @org.jspecify.annotations.Nullable Node persistence, Problems problems) {
    List<String> today = OF_TODAY.stream().filter(root.entries()::containsKey).toList();
    problems.add(
        persistence == null ? root.position() : persistence.position(),
        SECTION,
        persistence == null ? "nothing" : Found.text(persistence, false),
        "a section persistence { data, outputs }, as Polyaxon's charts had it before 1.0",
        today.isEmpty()
            ? ""
            : String.join(" and ", today)
                + " is today's form, which is not read: write each as an entry of persistence.data");
  }

  private static void leaveAside(
      String parent, Node.Section section, Set<String> kept, List<String> notices) {
    List<String> others =
        section.entries().keySet().stream().filter(name -> !kept.contains(name)).toList();
    if (!others.isEmpty()) {
      notices.add("left aside: " + parent + String.join(", " + parent, others));
    }
  }

  private static void write(StringBuilder to, String name, Node node, int depth) {
    String indent = "  ".repeat(depth);
    String key = name.matches("[A-Za-z0-9_-]+") ? name : ConfigUtil.quoteString(name);
    switch (node) {
      case Node.Section section -> {
        to.append(indent).append(key).append(" {\n");
        section.entries().forEach((child, inner) -> write(to, child, inner, depth + 1));
        to.append(indent).append("}\n");
      }
      case Node.Scalar scalar ->
          to.append(indent)
              .append(key)
              .append(" = ")
              .append(scalar.quoted() ? ConfigUtil.quoteString(scalar.text()) : scalar.text())
              .append('\n');
      // The schema has no lists here, and what is broken was reported.
      case Node.Absent _, Node.Items _, Node.Broken _ -> {}
    }
  }
}
