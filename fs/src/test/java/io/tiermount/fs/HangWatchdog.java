package io.tiermount.fs;

import com.sun.management.HotSpotDiagnosticMXBean;
import com.sun.management.HotSpotDiagnosticMXBean.ThreadDumpFormat;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.PreInterruptCallback;
import org.junit.jupiter.api.extension.PreInterruptContext;

/**
 * Where a test passes its time limit, prints all threads, virtual ones too, of this JVM and of the
 * daemons that tests of this tree started: a hanging mount is understood from the log alone.
 * Registered for every test of fs and daemon by {@code META-INF/services}.
 */
public final class HangWatchdog implements PreInterruptCallback {
  private static final int COMMAND_SECONDS = 15;
  private static final String DAEMON = "io.tiermount.daemon.Main";

  private final PrintStream out;

  public HangWatchdog() {
    this(System.err);
  }

  HangWatchdog(PrintStream out) {
    this.out = out;
  }

  @Override
  public void beforeThreadInterrupt(PreInterruptContext context, ExtensionContext test)
      throws IOException, InterruptedException {
    print(test.getUniqueId());
  }

  void print(String test) throws IOException, InterruptedException {
    out.println("=== " + test + " passed its time limit; the threads of this JVM:");
    Path directory = Files.createTempDirectory("threads");
    try {
      Path own = directory.resolve("own");
      HotSpotDiagnosticMXBean jvm =
          ManagementFactory.getPlatformMXBean(HotSpotDiagnosticMXBean.class);
      jvm.dumpThreads(own.toString(), ThreadDumpFormat.TEXT_PLAIN);
      print(own);
      for (ProcessHandle daemon : daemons()) {
        out.println("=== the threads of the daemon " + daemon.pid() + ":");
        Path file = directory.resolve(String.valueOf(daemon.pid()));
        jcmd(daemon.pid(), file);
        print(file);
      }
    } finally {
      for (Path file : list(directory)) {
        Files.delete(file);
      }
      Files.delete(directory);
    }
    out.flush();
  }

  private void print(Path file) throws IOException {
    out.println(Files.exists(file) ? Files.readString(file) : "(no answer)");
  }

  private static List<Path> list(Path directory) throws IOException {
    try (var files = Files.list(directory)) {
      return files.toList();
    }
  }

  /** Also those that left our process group: a daemon is no child of the command that starts it. */
  private static List<ProcessHandle> daemons() {
    String root = Path.of(System.getProperty("tiermount.root", "..")).toAbsolutePath().toString();
    return ProcessHandle.allProcesses()
        .filter(process -> {
          String line = commandLine(process.pid());
          return line.contains(DAEMON) && line.contains(root + "/");
        })
        .toList();
  }

  private static String commandLine(long pid) {
    try {
      return Files.readString(Path.of("/proc/" + pid + "/cmdline"));
    } catch (IOException e) {
      return ""; // ended meanwhile
    }
  }

  private static void jcmd(long pid, Path file) throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "jcmd").toString(),
                String.valueOf(pid),
                "Thread.dump_to_file",
                file.toString())
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    if (!process.waitFor(COMMAND_SECONDS, TimeUnit.SECONDS)) {
      process.destroyForcibly();
    }
  }
}
