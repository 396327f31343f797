package io.tiermount.daemon.cli;

import io.tiermount.daemon.config.Explanation;
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
import picocli.CommandLine.Option;
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

  @Option(
      names = "--explain",
      arity = "1..*",
      paramLabel = "URL",
      description = {
        "Say which mount, credentials, endpoint and cache settings apply to URLs, and where each stands.",
        "Secrets are shown as their last four characters."
      })
  private List<String> urls = List.of();

  CheckConfigCommand(Context context) {
    this.context = context;
  }

  @Override
  public Integer call() throws Exception {
    if (!urls.isEmpty()) {
      explain(context.program().explain(file, urls));
      return ExitCode.OK.code();
    }
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

  private void explain(List<Explanation> explanations) {
    if (output.json()) {
      context
          .out()
          .println(
              context
                  .json()
                  .pretty(Map.of("urls", explanations.stream().map(this::json).toList())));
      return;
    }
    for (Explanation explanation : explanations) {
      context.out().println(explanation.url());
      Table table = new Table("SETTING", "VALUE", "WHY");
      explanation
          .settings()
          .forEach(setting -> table.row(setting.name(), setting.value(), setting.why()));
      table.print(context.out());
      context.out().println();
    }
  }

  private Map<String, Object> json(Explanation explanation) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("url", explanation.url());
    json.put("mount", explanation.mount());
    Map<String, Object> settings = new LinkedHashMap<>();
    for (Explanation.Setting setting : explanation.settings()) {
      settings.put(setting.name(), Map.of("value", setting.value(), "why", setting.why()));
    }
    json.put("settings", settings);
    return json;
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
