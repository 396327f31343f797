package io.tiermount.daemon.config;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What an Anyscale node's environment says, as defaults of a tree: sources and regions of scopes
 * that name none, organisation and cloud. The values carry the variables that they come from, as if
 * they were written {@code ${ANYSCALE_…}}: so scopes stay below {@code artifact_storage/}.
 *
 * <p>Beside that, where a local scope lies that does not say so.
 */
final class AnyscaleDefaults {
  private static final String ARTIFACT_DIRECTORY = "artifact_storage";
  private static final Path ROOT_DISK = Path.of("/var/lib/tiermount/local_storage");
  private static final Set<String> SHARED_SCOPES = Set.of("cluster", "user", "shared");

  private final Node.Section tree;
  private final Map<String, String> environment;
  private final NodeFacts node;
  private final Problems problems;
  private final List<String> notices;

  private AnyscaleDefaults(
      Node.Section tree,
      Map<String, String> environment,
      NodeFacts node,
      List<String> notices,
      Problems problems) {
    this.tree = tree;
    this.environment = environment;
    this.node = node;
    this.notices = notices;
    this.problems = problems;
  }

  /** The tree with defaults where nothing is written. */
  static Node.Section translate(
      Node.Section tree,
      Map<String, String> environment,
      NodeFacts node,
      List<String> notices,
      Problems problems) {
    return new AnyscaleDefaults(tree, environment, node, notices, problems).translated();
  }

  private Node.Section translated() {
    Map<String, Node> entries = new LinkedHashMap<>(tree.entries());
    SourceUrl artifacts = artifacts();
    identity(entries, artifacts);
    if (entries.get("mounts") instanceof Node.Section mounts) {
      Node.@Nullable Scalar source = source(artifacts);
      Map<String, Node> translated = new TreeMap<>();
      mounts
          .entries()
          .forEach((name, mount) ->
              translated.put(
                  name,
                  mount instanceof Node.Section section ? mount(name, section, source) : mount));
      entries.put("mounts", new Node.Section(translated, mounts.position()));
    }
    return new Node.Section(entries, tree.position());
  }

  private Node mount(String name, Node.Section mount, Node.@Nullable Scalar bucket) {
    Map<String, Node> entries = new TreeMap<>(mount.entries());
    String scope = entries.get("scope") instanceof Node.Scalar scalar ? scalar.text() : "";
    if (!entries.containsKey("source")) {
      if (scope.equals("local")) {
        entries.put("source", new Node.Scalar("file://" + local(name), mount.position()));
      } else if (bucket != null && SHARED_SCOPES.contains(scope)) {
        entries.put("source", bucket);
      }
    }
    String region = environment.getOrDefault(AnyscaleVariables.REGION, "");
    boolean s3 =
        entries.get("source") instanceof Node.Scalar source && source.text().startsWith("s3://");
    if (!region.isEmpty()
        && s3
        && IdentityReader.isAnyscale(entries.get("source"))
        && !entries.containsKey("region")) {
      entries.put("region", scalar(region, AnyscaleVariables.REGION));
    }
    return new Node.Section(entries, mount.position());
  }

  private Path local(String name) {
    Optional<Path> nvme = node.nvmeDirectory();
    if (nvme.isPresent()) {
      // Beside the cache.
      return nvme.get().resolveSibling("local_storage");
    }
    notices.add(
        "warning: "
            + name
            + " lies on the root disk, in "
            + ROOT_DISK
            + ": no local NVMe is mounted (scripts/prepare-nvme formats and mounts it)");
    return ROOT_DISK;
  }

  /** The bucket of all scopes; null where the environment names none. */
  private Node.@Nullable Scalar source(@Nullable SourceUrl artifacts) {
    String text = environment.getOrDefault(AnyscaleVariables.BUCKET, "");
    if (text.isEmpty()) {
      return artifacts == null ? null : scalar(root(artifacts), AnyscaleVariables.ARTIFACTS);
    }
    String url = text.contains("://") ? text : scheme(artifacts) + text;
    try {
      if (SourceUrl.parse(url).prefix().isEmpty()) {
        return scalar(url, AnyscaleVariables.BUCKET);
      }
      report(
          AnyscaleVariables.BUCKET,
          text,
          "a bucket without a path: scopes lie at paths of their own in it",
          "");
    } catch (BadValueException e) {
      report(
          AnyscaleVariables.BUCKET,
          text,
          "a bucket: its name, s3://bucket or gs://bucket",
          e.hint());
    }
    return null;
  }

  private static String scheme(@Nullable SourceUrl artifacts) {
    return artifacts != null && artifacts.kind() == SourceUrl.Kind.GCS ? "gs://" : "s3://";
  }

  /** Without its path. */
  private static String root(SourceUrl artifacts) {
    String url = SourceUrl.withSlash(artifacts.url());
    return url.substring(0, url.length() - artifacts.prefix().length() - 1);
  }

  private void identity(Map<String, Node> entries, @Nullable SourceUrl artifacts) {
    if (artifacts == null) {
      return;
    }
    List<String> path = List.of(artifacts.prefix().split("/"));
    if (path.size() != 3 || !path.getLast().equals(ARTIFACT_DIRECTORY)) {
      return;
    }
    Node there = entries.get("identity");
    if (there != null && !(there instanceof Node.Section)) {
      return;
    }
    Map<String, Node> identity =
        new TreeMap<>(there instanceof Node.Section section ? section.entries() : Map.of());
    for (int i = 0; i < 2; i++) {
      String part = i == 0 ? "org" : "cloud";
      Node written = identity.get(part);
      boolean given = written != null && !(written instanceof Node.Absent);
      String own =
          environment.getOrDefault("TIERMOUNT_" + part.toUpperCase(java.util.Locale.ROOT), "");
      if (!given && own.isEmpty()) {
        identity.put(part, scalar(path.get(i), AnyscaleVariables.ARTIFACTS));
      }
    }
    entries.put(
        "identity", new Node.Section(identity, there == null ? tree.position() : there.position()));
  }

  private @Nullable SourceUrl artifacts() {
    String text = environment.getOrDefault(AnyscaleVariables.ARTIFACTS, "");
    if (text.isEmpty()) {
      return null;
    }
    try {
      return SourceUrl.parse(text);
    } catch (BadValueException e) {
      report(
          AnyscaleVariables.ARTIFACTS,
          text,
          "the URL of a folder: s3://bucket/org/cloud/artifact_storage",
          e.hint());
      return null;
    }
  }

  private void report(String variable, String found, String accepted, String hint) {
    problems.add(
        new Position("environment " + variable, 0),
        "",
        Found.text(SourceUrl.shown(found)),
        accepted,
        hint);
  }

  private static Node.Scalar scalar(String text, String variable) {
    return new Node.Scalar(
        text, true, Set.of(variable), Set.of(), new Position("environment " + variable, 0));
  }
}
