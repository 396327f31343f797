package io.tiermount.daemon.cli;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

@Command(
    name = "umount",
    description = "Drain and unmount. A mount whose daemon is dead is cleared as well.")
final class UmountCommand implements Callable<Integer> {
  /** The daemon's own deadline for it, and a little. */
  private static final Duration DEADLINE = Duration.ofSeconds(30);

  private final Context context;
  @Mixin private Output output = new Output();

  @Parameters(paramLabel = "DIR", description = "Where it is mounted.")
  private Path directory = Path.of("");

  UmountCommand(Context context) {
    this.context = context;
  }

  @Override
  public Integer call() throws Exception {
    // Not the real path: a dead mount can't be looked at.
    Path path = directory.toAbsolutePath().normalize();
    if (!unmount(context, path)) {
      throw new CommandException(
          ExitCode.NOT_MOUNTED,
          path + " is not a mount of tiermount's: tiermount status lists them");
    }
    if (output.json()) {
      context.out().println(context.json().pretty(Map.of("unmounted", path.toString())));
    }
    return ExitCode.OK.code();
  }

  /** False where it is no mount of a daemon that answers, and no dead one. */
  static boolean unmount(Context context, Path path) throws Exception {
    Optional<Daemons.Found> daemon = new Daemons(context).mountedAt(path);
    if (daemon.isEmpty()) {
      return context.program().clearDeadMount(path);
    }
    daemon.get().client().unmount(path.toString(), DEADLINE);
    return true;
  }
}
