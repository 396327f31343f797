package io.tiermount.daemon.cli;

import java.io.File;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A daemon process in a session of its own, so that neither the terminal's end nor its Ctrl-C
 * reaches it.
 *
 * @param errors its standard error; the log is elsewhere
 */
record Launch(Process process, Path errors) {
  private static final int LAST_LINES = 20;

  /**
   * Starts this program again.
   *
   * @param before what starts it; where that is nothing, setsid(1)
   * @param socket names the files beside it
   */
  static Launch start(List<String> before, List<String> arguments, Path socket) throws IOException {
    Path errors = socket.resolveSibling(socket.getFileName() + ".err");
    List<String> command = new ArrayList<>(before);
    if (before.isEmpty() && Files.isExecutable(Path.of("/usr/bin/setsid"))) {
      command.add("/usr/bin/setsid");
    }
    command.addAll(self());
    command.addAll(arguments);
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .directory(new File("/"))
            .redirectInput(new File("/dev/null"))
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .redirectError(errors.toFile());
    CallerKeys.hide(builder.environment());
    // systemd waits for the process it started, not for this one.
    builder.environment().remove("NOTIFY_SOCKET");
    builder.environment().remove("WATCHDOG_USEC");
    return new Launch(builder.start(), errors);
  }

  /** Why it ended: the end of what it said. */
  String lastWords() throws IOException {
    List<String> lines = Files.readAllLines(errors);
    String said =
        String.join("\n", lines.subList(Math.max(0, lines.size() - LAST_LINES), lines.size()))
            .replace("tiermount: ", "");
    return said.isBlank()
        ? "the daemon ended with exit code " + process.exitValue() + ": see " + errors
        : said;
  }

  /** The launcher script where it was one that started us; else the same JVM with its flags. */
  private static List<String> self() {
    String launcher = System.getProperty("tiermount.launcher", "");
    if (!launcher.isEmpty()) {
      return List.of(launcher);
    }
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    for (String flag : ManagementFactory.getRuntimeMXBean().getInputArguments()) {
      // A debugger's or a coverage tool's agent belongs to the first process alone.
      if (!flag.startsWith("-javaagent") && !flag.startsWith("-agentlib")) {
        command.add(flag);
      }
    }
    command.addAll(
        List.of("-cp", System.getProperty("java.class.path"), "io.tiermount.daemon.Main"));
    return command;
  }
}
