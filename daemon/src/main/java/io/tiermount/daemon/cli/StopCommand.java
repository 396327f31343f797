package io.tiermount.daemon.cli;

import io.tiermount.daemon.config.TiermountConfig;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
    name = "stop",
    description = {
      "Stop the daemons that run here for good: send what is pending, unmount all.",
      "SIGTERM alone lets the next daemon go on with the mounts."
    })
final class StopCommand implements Callable<Integer> {
  /** To begin with it. */
  private static final Duration ASK_DEADLINE = Duration.ofSeconds(10);

  /** The daemon's own deadline, and a little. */
  private static final Duration END_DEADLINE = Duration.ofSeconds(40);

  private static final long POLL_MILLIS = 20;

  private final Context context;
  @Mixin private Output output = new Output();

  @Option(
      names = "--config",
      paramLabel = "FILE",
      description = "Only the daemon of this configuration.")
  private @Nullable Path file;

  StopCommand(Context context) {
    this.context = context;
  }

  @Override
  public Integer call() throws Exception {
    List<Long> pids = new ArrayList<>();
    for (Daemons.Found found : new Daemons(context).all()) {
      if (isMeant(found)) {
        found.client().stop(ASK_DEADLINE);
        pids.add(found.report().path("pid").asLong());
      }
    }
    if (pids.isEmpty()) {
      throw new CommandException(
          ExitCode.NOT_MOUNTED, "no daemon runs here: tiermount status lists them");
    }
    long endNanos = System.nanoTime() + END_DEADLINE.toNanos();
    for (long pid : pids) {
      while (ProcessHandle.of(pid).map(ProcessHandle::isAlive).orElse(false)) {
        if (System.nanoTime() > endNanos) {
          throw new CommandException(
              ExitCode.TIMEOUT,
              "the daemon %d did not end within %d s: see its log"
                  .formatted(pid, END_DEADLINE.toSeconds()));
        }
        Thread.sleep(POLL_MILLIS);
      }
    }
    if (output.json()) {
      context.out().println(context.json().pretty(Map.of("stopped", pids)));
    }
    return ExitCode.OK.code();
  }

  private boolean isMeant(Daemons.Found found) throws CommandException {
    if (file == null) {
      return true;
    }
    TiermountConfig config = context.program().configuration(file);
    return config
        .cache()
        .directories()
        .getFirst()
        .path()
        .toString()
        .equals(found.report().path("cache").path("directory").asText());
  }
}
