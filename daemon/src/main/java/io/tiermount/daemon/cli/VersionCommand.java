package io.tiermount.daemon.cli;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

@Command(name = "version", description = "Print the version of tiermount, Java and the kernel.")
final class VersionCommand implements Callable<Integer> {
  private final Context context;
  @Mixin private Output output = new Output();

  VersionCommand(Context context) {
    this.context = context;
  }

  @Override
  public Integer call() {
    Map<String, String> version = new LinkedHashMap<>();
    version.put("tiermount", context.program().version());
    version.put("java", Runtime.version().toString());
    version.put("kernel", System.getProperty("os.version"));
    if (output.json()) {
      context.out().println(context.json().pretty(version));
    } else {
      context
          .out()
          .printf(
              "tiermount %s (Java %s, Linux %s)%n",
              version.get("tiermount"), version.get("java"), version.get("kernel"));
    }
    return ExitCode.OK.code();
  }
}
