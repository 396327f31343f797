package io.tiermount.daemon.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.AutoComplete;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** For packages and scripts/install: always about the very program that they install. */
@Command(
    name = "manual",
    hidden = true,
    description = "Write man pages and the completion of bash below a directory.")
final class ManualCommand implements Callable<Integer> {
  private final Context context;
  @Spec private CommandSpec spec = CommandSpec.create();

  @Parameters(paramLabel = "DIR", description = "Gets man/ and bash-completion/.")
  private Path directory = Path.of("");

  ManualCommand(Context context) {
    this.context = context;
  }

  @Override
  public Integer call() throws IOException {
    Manual manual = new Manual(context.program().version());
    CommandLine root = spec.root().commandLine();
    write("man/man8/tiermount.8", manual.tiermount(root));
    write("man/man5/mounts.conf.5", manual.mountsConf());
    write("bash-completion/completions/tiermount", AutoComplete.bash("tiermount", root));
    return ExitCode.OK.code();
  }

  private void write(String name, String text) throws IOException {
    Path file = directory.resolve(name);
    Path parent = file.getParent();
    if (parent != null) {
      Files.createDirectories(parent);
    }
    Files.writeString(file, text);
  }
}
