package io.tiermount.daemon.admin;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;

/**
 * The numbers of a daemon's report as Prometheus reads them (text format 0.0.4): every number of
 * {@code status --json} under its own name, mounts and stores' operations told apart by labels.
 */
final class Metrics {
  private static final Pattern NOT_A_NAME = Pattern.compile("[^a-zA-Z0-9_]");

  /** Name → lines: samples of one name stand together. */
  private final Map<String, StringBuilder> lines = new TreeMap<>();

  private Metrics() {}

  static String of(DaemonReport report, Json json) {
    Metrics metrics = new Metrics();
    JsonNode tree = json.tree(report);
    metrics.add("tiermount_up", "", 1);
    metrics.walk("tiermount_cache", "", tree.path("cache"));
    for (JsonNode mount : tree.path("mounts")) {
      String labels =
          "mount=\"%s\",path=\"%s\""
              .formatted(label(mount.path("name").asText()), label(mount.path("path").asText()));
      String state = mount.path("state").asText();
      metrics.add("tiermount_mount_state", labels + ",state=\"" + label(state) + "\"", 1);
      metrics.walk("tiermount_mount", labels, mount);
    }
    StringBuilder text = new StringBuilder();
    metrics.lines.forEach((name, samples) ->
        text.append("# TYPE ").append(name).append(" untyped\n").append(samples));
    return text.toString();
  }

  private void walk(String name, String labels, JsonNode node) {
    node.properties()
        .forEach(field -> {
          JsonNode value = field.getValue();
          String child = name + "_" + NOT_A_NAME.matcher(field.getKey()).replaceAll("_");
          boolean kinds = field.getKey().equals("requests") || isOperation(value);
          if (value.isNumber()) {
            add(child, labels, value.numberValue());
          } else if (value.isBoolean()) {
            add(child, labels, value.asBoolean() ? 1 : 0);
          } else if (value.isObject() && kinds) {
            labelled(name, child, field.getKey(), labels, value);
          } else if (value.isObject()) {
            walk(child, labels, value);
          }
        });
  }

  /** Counters of one kind each become one name with a label. */
  private void labelled(String name, String child, String key, String labels, JsonNode counters) {
    counters
        .properties()
        .forEach(counter -> {
          if (counter.getValue().isNumber() && key.equals("requests")) {
            add(child, with(labels, "kind", counter.getKey()), counter.getValue().numberValue());
          } else if (counter.getValue().isNumber()) {
            add(
                name + "_" + counter.getKey(),
                with(labels, "operation", key),
                counter.getValue().numberValue());
          }
        });
  }

  private static boolean isOperation(JsonNode value) {
    return value.has("calls") && value.has("failures");
  }

  private static String with(String labels, String name, String value) {
    return (labels.isEmpty() ? "" : labels + ",") + name + "=\"" + label(value) + "\"";
  }

  private void add(String name, String labels, Number value) {
    StringBuilder samples = lines.computeIfAbsent(name, _ -> new StringBuilder());
    samples.append(name);
    if (!labels.isEmpty()) {
      samples.append('{').append(labels).append('}');
    }
    samples.append(' ').append(value).append('\n');
  }

  private static String label(String text) {
    return text.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n");
  }
}
