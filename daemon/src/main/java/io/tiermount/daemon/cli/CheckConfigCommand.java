package io.tiermount.daemon.cli;

import io.tiermount.daemon.config.MountConfig;
import io.tiermount.daemon.config.TiermountConfig;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

@Command(
    name = "check-config",
    description = {
      "Read a configuration as the daemon would, and say what it means.",
      "Nothing is mounted and no store is asked; every error is listed at once (exit code 4)."
    })
final class CheckConfigCommand implements Callable<Integer> {
  private final Context context;
  @Mixin private Output output = new Output();

  @Parameters(paramLabel = "FILE", description = "mounts.conf")
  private Path file = Path.of("");

  CheckConfigCommand(Context context) {
    this.context = context;
  }

  @Override
  public Integer call() throws Exception {
    TiermountConfig config = context.program().configuration(file);
    Path cache = config.cache().directories().getFirst().path();
    if (output.json()) {
      Map<String, Object> json = new LinkedHashMap<>();
      json.put("valid", true);
      json.put("cache_directory", cache.toString());
      json.put(
          "cache_directories",
          config.cache().directories().stream().map(each -> each.path().toString()).toList());
      json.put("memory_max_bytes", config.memoryMaxBytes());
      json.put("mounts", config.mounts().stream().map(CheckConfigCommand::mount).toList());
      json.put("skipped", config.skipped());
      json.put("notices", config.notices());
      context.out().println(context.json().pretty(json));
      return ExitCode.OK.code();
    }
    context.out().printf("%s is valid; cache in %s%n", file, cache);
    Table table = new Table("NAME", "PATH", "SOURCE", "PREFIX", "SCOPE");
    for (MountConfig mount : config.mounts()) {
      Map<String, Object> row = mount(mount);
      table.row(
          List.of("name", "path", "source", "prefix", "scope").stream()
              .map(column -> String.valueOf(row.get(column)))
              .toArray(String[]::new));
    }
    table.print(context.out());
    config.skipped().forEach((name, why) -> context.out().printf("%s: skipped: %s%n", name, why));
    config.notices().forEach(context.out()::println);
    return ExitCode.OK.code();
  }

  private static Map<String, Object> mount(MountConfig mount) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("name", mount.name());
    json.put("path", mount.path().toString());
    json.put("source", mount.source().url());
    json.put("prefix", mount.volume().prefix());
    json.put("scope", mount.scope().name().toLowerCase(Locale.ROOT));
    json.put("read_only", mount.volume().readOnly());
    return json;
  }
}
