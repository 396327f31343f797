package io.tiermount.daemon.cli;

import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
    name = "daemon",
    description = {
      "Run the daemon of a configuration until SIGTERM or SIGINT, then unmount all.",
      "SIGHUP and tiermount reload read the configuration again.",
      "TIERMOUNT_LOG sets log levels, TIERMOUNT_LOG_FILE a file (default: standard error)."
    })
final class DaemonCommand implements Callable<Integer> {
  private final Context context;

  @Option(
      names = "--config",
      paramLabel = "FILE",
      description =
          "The configuration; without it, all of the configuration directories (/etc/tiermount).")
  private @Nullable Path file;

  DaemonCommand(Context context) {
    this.context = context;
  }

  @Override
  public Integer call() throws Exception {
    return context.program().runConfigured(file).code();
  }
}
