package io.tiermount.daemon.cli;

import io.tiermount.backends.ObjectStore;
import io.tiermount.daemon.admin.AdminApi.Progress;
import io.tiermount.daemon.config.MountConfig;
import io.tiermount.daemon.config.TiermountConfig;
import io.tiermount.daemon.scopes.Purge;
import io.tiermount.daemon.scopes.ScopeStore;
import io.tiermount.daemon.scopes.ScopeStore.Found;
import io.tiermount.daemon.scopes.ScopeStore.Usage;
import io.tiermount.fs.scope.ScopeKind;
import io.tiermount.fs.scope.ScopeLayout;
import io.tiermount.fs.scope.ScopeLayout.Scope;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
    name = "scope",
    description = {
      "Look at the scopes in the buckets of the configuration, and delete those of ended clusters.",
      "Needs credentials that may list <org>/<cloud>/: an operator's, not those of one cluster."
    })
final class ScopeCommand implements Runnable {
  @Spec private CommandSpec spec = CommandSpec.create();

  private ScopeCommand() {}

  static CommandLine line(Context context) {
    return new CommandLine(new ScopeCommand())
        .addSubcommand(new ListScopes(context))
        .addSubcommand(new Du(context))
        .addSubcommand(new End(context))
        .addSubcommand(new PurgeScopes(context));
  }

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "what of the scopes? list, du, end, purge");
  }

  /** A bucket with scopes in it. */
  record Home(ObjectStore bucket, ScopeLayout layout) implements AutoCloseable {
    ScopeStore scopes() {
      return new ScopeStore(bucket, layout);
    }

    @Override
    public void close() {
      bucket.close();
    }
  }

  /** What the commands share: which buckets. */
  abstract static class Work implements Callable<Integer> {
    private final Context context;
    @Mixin private Output output = new Output();
    @Mixin private ConfigOption config = new ConfigOption();

    Work(Context context) {
      this.context = context;
    }

    /** What is done with each bucket that scopes lie in. */
    interface Step {
      void run(Home home, TiermountConfig config) throws Exception;
    }

    final void forEachHome(Step step) throws Exception {
      TiermountConfig read = config.read(context);
      Map<String, MountConfig> homes = new LinkedHashMap<>();
      for (MountConfig mount : read.mounts()) {
        ScopeLayout layout = mount.access().root().layout();
        if (layout != null) {
          try (ObjectStore bucket = context.program().bucket(mount)) {
            homes.putIfAbsent(bucket.id() + " " + layout.home(), mount);
          }
        }
      }
      if (homes.isEmpty()) {
        throw new CommandException(
            ExitCode.FAILED,
            "no mount of the configuration has a scope's usual prefix (<org>/<cloud>/clusters/…):"
                + " where prefix or the source name another, delete with the store's own tools");
      }
      for (MountConfig mount : homes.values()) {
        ScopeLayout layout = mount.access().root().layout();
        if (layout != null) {
          try (Home home = new Home(context.program().bucket(mount), layout)) {
            step.run(home, read);
          }
        }
      }
    }

    final Context context() {
      return context;
    }

    /** As JSON where that was asked for, else as a table of the same. */
    final void print(List<Map<String, Object>> rows, String... columns) {
      if (output.json()) {
        context.out().println(context.json().pretty(Map.of("scopes", rows)));
        return;
      }
      Table table = new Table(columns);
      for (Map<String, Object> row : rows) {
        String[] cells = new String[columns.length];
        for (int i = 0; i < columns.length; i++) {
          Object value = row.get(columns[i].toLowerCase(Locale.ROOT));
          cells[i] =
              columns[i].equals("BYTES") && value instanceof Long bytes
                  ? Amounts.bytes(bytes)
                  : value == null ? "" : value.toString();
        }
        table.row(cells);
      }
      table.print(context.out());
    }

    static Map<String, Object> row(Home home, Found found) {
      Map<String, Object> row = new LinkedHashMap<>();
      Instant ended = found.ended();
      row.put("kind", found.scope().kind().name().toLowerCase(Locale.ROOT));
      row.put("name", found.scope().name());
      row.put("prefix", found.scope().prefix());
      row.put("store", home.bucket().id());
      if (ended != null) {
        row.put("ended", ended.toString());
      }
      return row;
    }

    static Scope cluster(Home home, String name) throws CommandException {
      try {
        return home.layout().cluster(name);
      } catch (IllegalArgumentException e) {
        throw new CommandException(ExitCode.USAGE, String.valueOf(e.getMessage()), e);
      }
    }
  }

  @Command(name = "list", description = "List the scopes, and since when a cluster has ended.")
  static final class ListScopes extends Work {
    ListScopes(Context context) {
      super(context);
    }

    @Override
    public Integer call() throws Exception {
      List<Map<String, Object>> rows = new ArrayList<>();
      forEachHome((home, _) -> {
        for (Found found : home.scopes().list()) {
          rows.add(row(home, found));
        }
      });
      print(rows, "KIND", "NAME", "ENDED", "PREFIX", "STORE");
      return ExitCode.OK.code();
    }
  }

  @Command(
      name = "du",
      description = "Count objects and bytes of each scope: a LIST for each thousand objects.")
  static final class Du extends Work {
    @Parameters(
        paramLabel = "NAME",
        arity = "0..*",
        description = "Clusters and users; all scopes where none is named.")
    private List<String> names = List.of();

    Du(Context context) {
      super(context);
    }

    @Override
    public Integer call() throws Exception {
      List<Map<String, Object>> rows = new ArrayList<>();
      forEachHome((home, _) -> {
        for (Found found : home.scopes().list()) {
          if (names.isEmpty() || names.contains(found.scope().name())) {
            Usage usage = home.scopes().usage(found.scope());
            Map<String, Object> row = row(home, found);
            row.put("objects", usage.objects());
            row.put("bytes", usage.bytes());
            rows.add(row);
          }
        }
      });
      print(rows, "KIND", "NAME", "OBJECTS", "BYTES", "ENDED", "PREFIX", "STORE");
      return ExitCode.OK.code();
    }
  }

  @Command(
      name = "end",
      description = {
        "Note that a cluster has ended: purge --ended finds it by that. For the last step of taking"
            + " a cluster down.",
        "A node of the cluster that mounts its storage again takes the note back."
      })
  static final class End extends Work {
    @Parameters(paramLabel = "CLUSTER", description = "Its identity.cluster.")
    private String name = "";

    End(Context context) {
      super(context);
    }

    @Override
    public Integer call() throws Exception {
      List<Map<String, Object>> rows = new ArrayList<>();
      forEachHome((home, _) -> {
        Scope scope = cluster(home, name);
        rows.add(row(home, new Found(scope, home.scopes().end(scope, context().program().now()))));
      });
      print(rows, "KIND", "NAME", "ENDED", "PREFIX", "STORE");
      return ExitCode.OK.code();
    }
  }

  @Command(
      name = "purge",
      description = {
        "Delete everything that ended clusters left in their scopes. A dry run, which counts,"
            + " unless --yes is given.",
        "An interrupted purge goes on when it is run again. Nothing outside a cluster's scope is"
            + " ever deleted, and nothing of this node's own cluster."
      })
  static final class PurgeScopes extends Work {
    @Parameters(paramLabel = "CLUSTER", arity = "0..*", description = "Clusters by name.")
    private List<String> names = List.of();

    @Option(
        names = "--ended",
        description = "All clusters that have ended: see tiermount scope end.")
    private boolean ended;

    @Option(
        names = "--live",
        paramLabel = "FILE",
        description =
            "With --ended: the clusters that live, a name a line; every other one has ended.")
    private @Nullable Path live;

    @Option(names = "--yes", description = "Really delete.")
    private boolean yes;

    @Option(names = "--progress", description = "Show progress, also where it is no terminal.")
    private boolean progress;

    @Spec private CommandSpec spec = CommandSpec.create();

    PurgeScopes(Context context) {
      super(context);
    }

    @Override
    public Integer call() throws Exception {
      if (names.isEmpty() != ended || (live != null && !ended)) {
        throw new ParameterException(
            spec.commandLine(), "which clusters? CLUSTER …, or --ended (with or without --live)");
      }
      Set<String> living = live == null ? Set.of() : living(live);
      List<Map<String, Object>> rows = new ArrayList<>();
      ProgressLine line = new ProgressLine(context().err(), progress || context().terminal());
      forEachHome((home, config) -> {
        for (Found found : chosen(home, config, living)) {
          Usage usage =
              yes
                  ? new Purge(home.bucket(), home.layout())
                      .run(
                          found.scope(),
                          (objects, bytes) -> line.report(new Progress(objects, bytes, 0, 0)))
                  : home.scopes().usage(found.scope());
          Map<String, Object> row = row(home, found);
          row.put("objects", usage.objects());
          row.put("bytes", usage.bytes());
          row.put("deleted", yes);
          rows.add(row);
        }
      });
      line.end();
      print(rows, "NAME", "OBJECTS", "BYTES", "DELETED", "ENDED", "PREFIX", "STORE");
      if (!yes) {
        context().err().println("Nothing was deleted: this was a dry run. Add --yes to delete.");
      }
      return ExitCode.OK.code();
    }

    private List<Found> chosen(Home home, TiermountConfig config, Set<String> living)
        throws Exception {
      String own = config.identity().cluster();
      List<Found> chosen = new ArrayList<>();
      for (String name : names) {
        if (name.equals(own)) {
          throw new CommandException(
              ExitCode.FAILED,
              name + " is this node's own cluster (identity.cluster): purge it from another node");
        }
        chosen.add(new Found(cluster(home, name), null));
      }
      if (ended) {
        for (Found found : home.scopes().list()) {
          Scope scope = found.scope();
          boolean over = live == null ? found.ended() != null : !living.contains(scope.name());
          if (scope.kind() == ScopeKind.CLUSTER && over && !scope.name().equals(own)) {
            chosen.add(found);
          }
        }
      }
      return chosen;
    }

    private static Set<String> living(Path file) throws IOException, CommandException {
      Set<String> names =
          Files.readString(file)
              .lines()
              .map(String::strip)
              .filter(name -> !name.isEmpty() && !name.startsWith("#"))
              .collect(Collectors.toCollection(TreeSet::new));
      if (names.isEmpty()) {
        throw new CommandException(
            ExitCode.USAGE, file + " names no living cluster: then all of them would have ended");
      }
      return names;
    }
  }
}
