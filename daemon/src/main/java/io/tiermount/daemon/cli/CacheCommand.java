package io.tiermount.daemon.cli;

import com.fasterxml.jackson.databind.JsonNode;
import io.tiermount.daemon.admin.AdminApi.CacheOrder;
import io.tiermount.daemon.admin.AdminApi.CacheOrder.Action;
import io.tiermount.daemon.admin.AdminApi.CacheResult;
import io.tiermount.daemon.admin.AdminClient;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(name = "cache", description = "Look at the cache, fill it, empty it, check it.")
final class CacheCommand implements Runnable {
  @Spec private CommandSpec spec = CommandSpec.create();

  private CacheCommand() {}

  static CommandLine line(Context context) {
    return new CommandLine(new CacheCommand())
        .addSubcommand(new Status(context))
        .addSubcommand(new Warm(context))
        .addSubcommand(new Evict(context))
        .addSubcommand(new Verify(context));
  }

  @Override
  public void run() {
    throw new ParameterException(
        spec.commandLine(), "what of the cache? status, warm, evict, verify");
  }

  @Command(name = "status", description = "Show each cache: directory, sizes, hits.")
  static final class Status implements Callable<Integer> {
    private final Context context;
    @Mixin private Output output = new Output();

    Status(Context context) {
      this.context = context;
    }

    @Override
    public Integer call() throws Exception {
      List<JsonNode> caches =
          new Daemons(context).all().stream().map(found -> found.report().path("cache")).toList();
      if (output.json()) {
        context.out().println(context.json().pretty(Map.of("caches", caches)));
      } else {
        for (JsonNode cache : caches) {
          context.out().println(cache.path("directory").asText());
          cache
              .properties()
              .forEach(field -> {
                String name = field.getKey();
                JsonNode value = field.getValue();
                if (!name.equals("directory")) {
                  String text =
                      name.endsWith("_bytes") && value.isNumber()
                          ? Amounts.bytes(value.asLong())
                          : value.asText();
                  context.out().printf("  %-24s %s%n", name, text);
                }
              });
        }
      }
      return (caches.isEmpty() ? ExitCode.NOT_MOUNTED : ExitCode.OK).code();
    }
  }

  @Command(name = "warm", description = "Read files, or all that directories hold, into the cache.")
  static final class Warm extends Work {
    @Parameters(paramLabel = "PATH", arity = "1..*", description = "In a mount.")
    private List<Path> paths = List.of();

    Warm(Context context) {
      super(context);
    }

    @Override
    public Integer call() throws Exception {
      return run(Action.WARM, byDaemon(paths));
    }
  }

  @Command(
      name = "evict",
      description =
          "Drop files, or all that directories hold, from the cache. The store keeps them.")
  static final class Evict extends Work {
    @Parameters(paramLabel = "PATH", arity = "1..*", description = "In a mount.")
    private List<Path> paths = List.of();

    Evict(Context context) {
      super(context);
    }

    @Override
    public Integer call() throws Exception {
      return run(Action.EVICT, byDaemon(paths));
    }
  }

  @Command(
      name = "verify",
      description = "Read everything cached against its checksums; what is bad is dropped.")
  static final class Verify extends Work {
    Verify(Context context) {
      super(context);
    }

    @Override
    public Integer call() throws Exception {
      Map<AdminClient, List<String>> all = new LinkedHashMap<>();
      new Daemons(context()).all().forEach(found -> all.put(found.client(), List.of()));
      if (all.isEmpty()) {
        throw new CommandException(ExitCode.NOT_MOUNTED, "no daemon runs here");
      }
      return run(Action.VERIFY, all);
    }
  }

  /** What the three long ones share: where, progress, and a result at the end. */
  abstract static class Work implements Callable<Integer> {
    private final Context context;
    @Mixin private Output output = new Output();

    @Option(
        names = "--progress",
        description = "Show rate and time left on standard error, also where it is no terminal.")
    private boolean progress;

    Work(Context context) {
      this.context = context;
    }

    Context context() {
      return context;
    }

    final Map<AdminClient, List<String>> byDaemon(List<Path> paths) throws Exception {
      return new Daemons(context).byDaemon(paths);
    }

    final int run(Action action, Map<AdminClient, List<String>> orders) throws Exception {
      ProgressLine line = new ProgressLine(context.err(), progress || context.terminal());
      long files = 0;
      long bytes = 0;
      List<String> problems = new ArrayList<>();
      for (Map.Entry<AdminClient, List<String>> order : orders.entrySet()) {
        CacheResult result = order.getKey().cache(new CacheOrder(action, order.getValue()), line);
        files += result.files();
        bytes += result.bytes();
        problems.addAll(result.problems());
      }
      line.end();
      if (output.json()) {
        context.out().println(context.json().pretty(new CacheResult(files, bytes, problems)));
      } else {
        context
            .out()
            .printf(
                "%s: %d files, %s%n",
                action.name().toLowerCase(Locale.ROOT), files, Amounts.bytes(bytes));
        problems.forEach(context.err()::println);
      }
      return (problems.isEmpty() ? ExitCode.OK : ExitCode.FAILED).code();
    }
  }
}
