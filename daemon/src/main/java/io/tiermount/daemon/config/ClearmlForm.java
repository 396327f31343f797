package io.tiermount.daemon.config;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Turns what people paste from a clearml.conf into the form of this program's own tree: sections
 * that only ClearML needs are left aside, bare sizes get the unit that they mean there. Everything
 * else stands in {@link Schema} as it is.
 */
final class ClearmlForm {
  /** Known to ClearML, without meaning for mounts; as paths without the {@code sdk} root. */
  private static final Set<String> LEFT_ASIDE =
      Set.of(
          "development",
          "metrics",
          "log",
          "logging",
          "dataset",
          "environment",
          "http",
          "files",
          "apply_environment",
          "apply_files",
          "storage.http",
          "storage.block_pickled_artifacts",
          "storage.log",
          "storage.cache.default_cache_manager_size",
          "storage.cache.zero_file_size_check",
          "storage.cache.file_entry_lookup_size",
          "storage.cache.secondary",
          "storage.cache.enable",
          "storage.cache.cleanup_seconds_threshold",
          "storage.cache.max_cleanup_attempts",
          "network.file_upload_retries",
          "aws.s3.extra_args",
          "aws.s3.credentials.[].extra_args",
          "aws.s3.credentials.[].acl",
          "aws.boto3.multipart_threshold",
          "aws.boto3.multipart_chunksize",
          "google.storage.pool_connections",
          "google.storage.pool_maxsize",
          "google.storage.credentials.[].pool_connections",
          "google.storage.credentials.[].pool_maxsize",
          "azure.storage.max_connections");

  /** Sections of which one key counts; all others in them are ClearML's. */
  private static final Map<String, String> ALL_BUT =
      Map.of("api", "verify_certificate", "agent", "reload_config");

  private static final String STRATEGY = "storage.cache.disk_space_file_size_strategy";
  private static final Set<String> SIZES =
      Set.of(
          "storage.cache.size.max_used_bytes",
          "storage.cache.size.min_free_bytes",
          "storage.cache.size.max_file_bytes",
          "storage.cache.dirs.[].max_used_bytes");
  private static final Pattern BARE = Pattern.compile("\\d{1,18}(\\.\\d{1,9})?");
  private static final double GIGABYTES_BELOW = 10_000;
  private static final double BYTES_FROM = 1_000_000;

  private final Predicate<String> pasted;
  private final Problems problems;
  private final List<String> notices;
  private final Set<String> leftAside = new TreeSet<>();

  /**
   * @param pasted whether a file holds sections of a clearml.conf
   * @param notices what was understood is added
   */
  ClearmlForm(Predicate<String> pasted, Problems problems, List<String> notices) {
    this.pasted = pasted;
    this.problems = problems;
    this.notices = notices;
  }

  Node.Section translate(Node.Section tree) {
    Map<String, Node> entries = new LinkedHashMap<>(tree.entries());
    // Their content stands at the root already; what is no section is an error.
    for (String name : List.of(PastedRoot.SDK, PastedRoot.SECURE)) {
      if (entries.get(name) instanceof Node.Section) {
        entries.remove(name);
      }
    }
    Node.Section result = section(new Node.Section(entries, tree.position()), "", "");
    if (!leftAside.isEmpty()) {
      notices.add("left aside, for ClearML alone: " + String.join(", ", leftAside));
    }
    return result;
  }

  private Node.Section section(Node.Section section, String pattern, String path) {
    Map<String, Node> entries = new LinkedHashMap<>();
    section
        .entries()
        .forEach((name, node) -> {
          String childPattern = pattern.isEmpty() ? name : pattern + "." + name;
          String childPath = KeyReader.join(path, name);
          if (isLeftAside(pattern, name, childPattern)) {
            leftAside.add(ALL_BUT.containsKey(pattern) ? pattern : childPattern);
          } else if (childPattern.equals(STRATEGY) && node instanceof Node.Section strategy) {
            leftAside.add(STRATEGY + " (its size counts as storage.cache.size)");
            addStrategySize(strategy, section, entries);
          } else {
            entries.put(name, node(node, childPattern, childPath));
          }
        });
    return new Node.Section(entries, section.position());
  }

  /** A slip of the hand beside the one key that counts must not pass as one of the others. */
  private static boolean isLeftAside(String pattern, String name, String child) {
    String only = ALL_BUT.get(pattern);
    if (only != null) {
      return !name.equals(only) && Nearest.to(name, Set.of(only)).isEmpty();
    }
    boolean ours = pattern.isEmpty() && Schema.root().child(name) != null;
    return LEFT_ASIDE.contains(child) && !ours;
  }

  /** Where today's ClearML keeps the sizes that its older files have in {@code cache.size}. */
  private void addStrategySize(
      Node.Section strategy, Node.Section cache, Map<String, Node> entries) {
    Node size = strategy.entries().get("size");
    if (size instanceof Node.Section && !cache.entries().containsKey("size")) {
      entries.put("size", node(size, "storage.cache.size", "storage.cache.size"));
    }
  }

  private Node node(Node node, String pattern, String path) {
    return switch (node) {
      case Node.Section section -> section(section, pattern, path);
      case Node.Items items -> items(items, pattern, path);
      case Node.Scalar scalar when SIZES.contains(pattern) -> size(scalar, path);
      case Node.Scalar _, Node.Absent _, Node.Broken _ -> node;
    };
  }

  private Node.Items items(Node.Items list, String pattern, String path) {
    List<Node> items = new ArrayList<>();
    for (int i = 0; i < list.items().size(); i++) {
      items.add(node(list.items().get(i), pattern + "." + Schema.ELEMENT, path + "[" + i + "]"));
    }
    return new Node.Items(items, list.position());
  }

  /** ClearML's reference counts a bare number in gigabytes, its code in bytes. */
  private Node size(Node.Scalar scalar, String path) {
    String text = scalar.text().strip();
    if (!BARE.matcher(text).matches() || !pasted.test(scalar.position().file())) {
      return scalar;
    }
    double number = Double.parseDouble(text);
    if (number <= 0) {
      return scalar;
    }
    @Nullable String unit = number < GIGABYTES_BELOW ? "G" : number >= BYTES_FROM ? "B" : null;
    if (unit == null) {
      problems.add(
          scalar.position(),
          path,
          text,
          "a size with a unit; bare, below 10000 (gigabytes) or from 1000000 on (bytes)",
          "too many for gigabytes, too few for bytes: which is meant?");
      return new Node.Broken(scalar.position());
    }
    notices.add(
        scalar.position().text()
            + ": "
            + path
            + " = "
            + text
            + " is read as "
            + text
            + (unit.equals("G") ? " GiB" : " bytes"));
    return new Node.Scalar(
        text + unit, scalar.quoted(), scalar.variables(), scalar.undefined(), scalar.position());
  }
}
