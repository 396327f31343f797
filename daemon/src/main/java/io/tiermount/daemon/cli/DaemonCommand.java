package io.tiermount.daemon.cli;

import io.tiermount.daemon.config.TiermountConfig;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
    name = "daemon",
    description = {
      "Run the daemon of a configuration until SIGTERM or SIGINT, then unmount all.",
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
    Program program = context.program();
    TiermountConfig config = file == null ? program.configuration() : program.configuration(file);
    return program.runDaemon(config, false).code();
  }
}
