package io.tiermount.daemon.cli;

import io.tiermount.daemon.admin.AdminApi.NotSent;
import io.tiermount.daemon.admin.AdminApi.SyncOrder;
import io.tiermount.daemon.admin.AdminApi.SyncResult;
import io.tiermount.daemon.admin.AdminClient;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
    name = "sync",
    description = {
      "Wait until what was written is in the store: below the paths, or on all mounts.",
      "What is pending when it begins is sent at once. Files that their writers have neither closed"
          + " nor synced are left out. Ends with 1, and why, once an attempt has failed; with"
          + " --timeout it goes on through failures, and ends with 6 when that time is over. What is"
          + " not in the store stays here and is sent later."
    })
final class SyncCommand implements Callable<Integer> {
  private final Context context;
  @Spec private CommandSpec spec = CommandSpec.create();
  @Mixin private Output output = new Output();

  @Parameters(
      arity = "0..*",
      paramLabel = "PATH",
      description = "In a mount; all mounts where there is none.")
  private List<Path> paths = List.of();

  @Option(
      names = "--timeout",
      paramLabel = "SECONDS",
      description = "Wait so long, whatever fails meanwhile.")
  private double timeoutSeconds;

  @Option(
      names = "--progress",
      description = "Show rate and time left on standard error, also where it is no terminal.")
  private boolean progress;

  SyncCommand(Context context) {
    this.context = context;
  }

  @Override
  public Integer call() throws Exception {
    boolean limited = spec.commandLine().getParseResult().hasMatchedOption("--timeout");
    if (limited && !(timeoutSeconds > 0 && timeoutSeconds <= Duration.ofDays(365).toSeconds())) {
      throw new ParameterException(spec.commandLine(), "--timeout takes more than 0 seconds");
    }
    Map<AdminClient, List<String>> orders = orders();
    long endNanos = System.nanoTime() + (long) (timeoutSeconds * 1e9);
    ProgressLine line = new ProgressLine(context.err(), progress || context.terminal());
    SyncResult all = new SyncResult(0, 0, 0, false, 0, List.of());
    for (Map.Entry<AdminClient, List<String>> order : orders.entrySet()) {
      long millis = limited ? Math.max(1, (endNanos - System.nanoTime()) / 1_000_000) : 0;
      all = sum(all, order.getKey().sync(new SyncOrder(order.getValue(), millis), line));
    }
    line.end();
    print(all);
    return (all.left() == 0 ? ExitCode.OK : all.timedOut() ? ExitCode.TIMEOUT : ExitCode.FAILED)
        .code();
  }

  private Map<AdminClient, List<String>> orders() throws Exception {
    Daemons daemons = new Daemons(context);
    if (!paths.isEmpty()) {
      return daemons.byDaemon(paths);
    }
    Map<AdminClient, List<String>> orders = new LinkedHashMap<>();
    daemons.all().forEach(found -> orders.put(found.client(), List.of()));
    if (orders.isEmpty()) {
      throw new CommandException(ExitCode.NOT_MOUNTED, "no daemon runs here");
    }
    return orders;
  }

  private static SyncResult sum(SyncResult a, SyncResult b) {
    List<NotSent> failed = new ArrayList<>(a.failed());
    failed.addAll(b.failed());
    return new SyncResult(
        a.changes() + b.changes(),
        a.bytes() + b.bytes(),
        a.unfinished() + b.unfinished(),
        a.timedOut() || b.timedOut(),
        a.left() + b.left(),
        failed);
  }

  private void print(SyncResult result) {
    if (output.json()) {
      context.out().println(context.json().pretty(result));
    } else {
      context
          .out()
          .printf("sync: %d changes, %s%n", result.changes(), Amounts.bytes(result.bytes()));
      if (result.unfinished() > 0) {
        context
            .out()
            .printf(
                "%d files are being written, and were neither closed nor synced: left out%n",
                result.unfinished());
      }
    }
    if (result.left() > 0) {
      context
          .err()
          .printf(
              "tiermount: %d changes are not in the store; they stay here and are sent later:%n",
              result.left());
      result.failed().forEach(each -> context.err().println(each.path() + ": " + each.reason()));
    }
  }
}
