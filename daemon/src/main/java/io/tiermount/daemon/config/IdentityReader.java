package io.tiermount.daemon.config;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.StringJoiner;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Reads {@code identity}; a part is missed only where a mounted prefix uses it. */
final class IdentityReader {
  private static final Map<String, Key<String>> PARTS = parts();
  // A part becomes one element of object keys and of local paths.
  private static final Pattern PART = Pattern.compile("[^/<>\\p{Cntrl}]{1,128}");

  private final KeyReader root;
  private final Map<String, String> environment;
  private final Map<String, String> values = new TreeMap<>();
  private final Map<String, Set<String>> missedBy = new TreeMap<>();
  private final Set<String> refused = new TreeSet<>();

  IdentityReader(KeyReader root, Map<String, String> environment, NodeFacts node) {
    this.root = root;
    this.environment = environment;
    PARTS.forEach(this::readPart);
    if (!values.containsKey("node") && !refused.contains("node")) {
      values.put("node", node.hostname());
    }
  }

  Identity identity() {
    return new Identity(
        values.get("org"),
        values.get("cloud"),
        values.get("cluster"),
        values.get("user"),
        values.getOrDefault("node", ""));
  }

  /** The words that may stand in a prefix as {@code <org>}. */
  static Set<String> names() {
    return PARTS.keySet();
  }

  /** A part's value; null after noting that a mount's prefix misses it. */
  @Nullable String require(String part, String mount) {
    String value = values.get(part);
    if (value == null && !refused.contains(part)) {
      missedBy.computeIfAbsent(part, _ -> new TreeSet<>()).add(mount);
    }
    return value;
  }

  /** True where organisation or cloud come from the variables of an Anyscale node. */
  boolean comesFromAnyscale() {
    return isAnyscale(root.node(NodeKeys.ORG)) || isAnyscale(root.node(NodeKeys.CLOUD));
  }

  static boolean isAnyscale(@Nullable Node node) {
    return node instanceof Node.Scalar scalar
        && scalar.variables().stream().anyMatch(name -> name.startsWith("ANYSCALE_"));
  }

  /** Reports what mounts missed, once per part. */
  void reportMissed() {
    missedBy.forEach((part, mounts) -> {
      Key<String> key = key(part);
      String variable = "TIERMOUNT_" + part.toUpperCase(java.util.Locale.ROOT);
      root.wrong(
          key,
          Undefined.nothing(root.node(key)),
          "a text: the prefix of " + String.join(", ", mounts) + " has <" + part + "> in it",
          "set "
              + key.path()
              + " or the variable "
              + variable
              + ", or give the mount a prefix of its own");
    });
  }

  private void readPart(String part, Key<String> key) {
    String value = root.readOrNull(key);
    if (value == null || value.isEmpty()) {
      value = part.equals("node") ? null : environment.get(variable(part));
    }
    if (value == null || value.isEmpty()) {
      return;
    }
    if (PART.matcher(value).matches() && !value.equals(".") && !value.equals("..")) {
      values.put(part, value);
    } else {
      refused.add(part);
      root.wrong(
          key,
          Found.text(value),
          "a text that can be one element of a path: no /, <, > or control characters",
          "");
    }
  }

  private static String variable(String part) {
    return new StringJoiner("_")
        .add("TIERMOUNT")
        .add(part.toUpperCase(java.util.Locale.ROOT))
        .toString();
  }

  private static Key<String> key(String part) {
    Key<String> key = PARTS.get(part);
    if (key == null) {
      throw new IllegalArgumentException(part);
    }
    return key;
  }

  private static Map<String, Key<String>> parts() {
    Map<String, Key<String>> parts = new LinkedHashMap<>();
    parts.put("org", NodeKeys.ORG);
    parts.put("cloud", NodeKeys.CLOUD);
    parts.put("cluster", NodeKeys.CLUSTER);
    parts.put("user", NodeKeys.USER);
    parts.put("node", NodeKeys.NODE);
    return parts;
  }
}
