package io.tiermount.daemon.cli;

import io.tiermount.daemon.config.TiermountConfig;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** {@code --config}: for commands that read the configuration beside a daemon. */
final class ConfigOption {
  @Option(
      names = "--config",
      paramLabel = "FILE",
      description = "mounts.conf; else the directories in TIERMOUNT_CONFIG_DIR.")
  private @Nullable Path file;

  TiermountConfig read(Context context) throws CommandException {
    return file == null ? context.program().configuration() : context.program().configuration(file);
  }
}
