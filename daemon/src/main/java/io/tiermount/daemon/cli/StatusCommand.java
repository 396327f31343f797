package io.tiermount.daemon.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

@Command(
    name = "status",
    description = {
      "Show the daemons that run here, their caches and mounts.",
      "Ends with 3 where no daemon runs; the JSON is then {\"daemons\":[]}."
    })
final class StatusCommand implements Callable<Integer> {
  private final Context context;
  @Mixin private Output output = new Output();

  StatusCommand(Context context) {
    this.context = context;
  }

  @Override
  public Integer call() throws Exception {
    List<JsonNode> daemons =
        new Daemons(context).all().stream().map(Daemons.Found::report).toList();
    if (output.json()) {
      context.out().println(context.json().pretty(Map.of("daemons", daemons)));
    } else if (daemons.isEmpty()) {
      context.out().println("no daemon runs here: start one with tiermount daemon or mount");
    } else {
      daemons.forEach(this::print);
    }
    return (daemons.isEmpty() ? ExitCode.NOT_MOUNTED : ExitCode.OK).code();
  }

  private void print(JsonNode daemon) {
    JsonNode cache = daemon.path("cache");
    context
        .out()
        .printf(
            "daemon %d, tiermount %s, cache in %s%n",
            daemon.path("pid").asLong(),
            daemon.path("version").asText(),
            cache.path("directory").asText());
    String sizes = CacheText.line(cache);
    if (!sizes.isEmpty()) {
      context.out().println("  " + sizes);
    }
    if (daemon.has("error")) {
      context.out().println("  does not answer: " + daemon.get("error").asText());
    }
    Table table = new Table("PATH", "SOURCE", "SCOPE", "STATE", "TRANSPORT", "PASSTHROUGH");
    List<String> remarks = new ArrayList<>();
    for (JsonNode mount : daemon.path("mounts")) {
      String name =
          mount.path("path").asText().isEmpty()
              ? mount.path("name").asText()
              : mount.path("path").asText();
      table.row(
          name,
          mount.path("source").asText(),
          mount.path("scope").asText(),
          mount.path("state").asText(),
          mount.path("transport").asText(""),
          mount.has("transport") ? (mount.path("passthrough").asBoolean() ? "on" : "off") : "");
      if (mount.has("reason")) {
        remarks.add(name + ": " + mount.get("reason").asText());
      }
      remarks.addAll(unsent(name, mount));
      if (mount.has("passthrough_off") && !mount.path("transport").asText().equals("bind")) {
        remarks.add(name + ": passthrough is off: " + mount.get("passthrough_off").asText());
      }
    }
    table.print(context.out());
    remarks.forEach(context.out()::println);
  }

  /** What the store does not have yet. */
  private static List<String> unsent(String name, JsonNode mount) {
    List<String> lines = new ArrayList<>();
    long changes = mount.path("pending_changes").asLong();
    if (changes > 0) {
      lines.add(
          "%s: %d %s not in the store yet, %s, the oldest for %s"
              .formatted(
                  name,
                  changes,
                  changes == 1 ? "change is" : "changes are",
                  Amounts.bytes(mount.path("dirty_bytes").asLong()),
                  Amounts.time(Duration.ofSeconds(mount.path("oldest_dirty_seconds").asLong()))));
    }
    for (JsonNode each : mount.path("failing_uploads")) {
      lines.add(
          "%s: %s could not be sent: %s"
              .formatted(name, each.path("path").asText(), each.path("reason").asText()));
    }
    return lines;
  }
}
