package io.tiermount.daemon.cli;

import io.tiermount.daemon.config.InvalidConfigException;
import io.tiermount.daemon.config.ValuesImport;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

@Command(
    name = "import",
    description = {
      "Write the persistence section of a Polyaxon values.yaml as HOCON, to standard output.",
      "Put it beside mounts.conf under any name that ends in .conf. What is wrong is listed at once"
          + " (exit code 4), what is left aside on standard error. Secrets are not looked at."
    })
final class ImportCommand implements Callable<Integer> {
  private final Context context;

  @Parameters(paramLabel = "FILE", description = "values.yaml")
  private Path file = Path.of("");

  ImportCommand(Context context) {
    this.context = context;
  }

  @Override
  public Integer call() throws Exception {
    try {
      ValuesImport values = ValuesImport.read(file);
      context.out().print(values.hocon());
      values.notices().forEach(context.err()::println);
      return ExitCode.OK.code();
    } catch (InvalidConfigException e) {
      throw new CommandException(
          ExitCode.BAD_CONFIG, file + " is refused:\n" + String.valueOf(e.getMessage()), e);
    }
  }
}
