package io.tiermount.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.tiermount.backends.strict.TestSecrets;
import io.tiermount.daemon.admin.Json;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;

/**
 * The program as people run it: each command a process with a time limit, its run directory below a
 * test's own. Closing ends the daemons it started and clears their mounts, also after a failure.
 */
final class Tiermount implements AutoCloseable {
  static final int DEADLINE_SECONDS = 60;

  private final Path directory;
  private final Json json = new Json();
  private final List<Process> started = new ArrayList<>();
  private final Map<String, String> environment = new TreeMap<>();

  /** How a command ended. */
  record Ended(int code, String out, String err) {}

  /**
   * @param directory mounts, caches and sockets lie below it
   * @param environment set for each command, over what is inherited
   */
  Tiermount(Path directory, Map<String, String> environment) {
    this.directory = directory;
    // Cheaper where nobody is killed; who wants one says so.
    this.environment.put("TIERMOUNT_KEEPER", "off");
    this.environment.putAll(environment);
    this.environment.put("TIERMOUNT_RUN_DIR", directory.resolve("run").toString());
  }

  /** Runs {@code tiermount ARGUMENTS} to its end. */
  Ended run(String... arguments) throws IOException, InterruptedException {
    return end(command(arguments));
  }

  /** Starts {@code tiermount daemon} over a file; its log goes to {@link #daemonLog}. */
  Process daemon(Path config) throws IOException {
    Process process =
        builder(command("daemon", "--config", config.toString()))
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .redirectError(ProcessBuilder.Redirect.appendTo(daemonLog().toFile()))
            .start();
    started.add(process);
    return process;
  }

  /** What {@link #daemon} logs. */
  Path daemonLog() {
    return directory.resolve("run/daemon.err");
  }

  /** {@code tiermount ARGUMENTS} as a process's command. */
  static List<String> command(String... arguments) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(
        List.of(
            "-XX:TieredStopAtLevel=1",
            "-XX:+UseSerialGC",
            "--enable-native-access=ALL-UNNAMED",
            "--sun-misc-unsafe-memory-access=allow",
            "-cp",
            System.getProperty("java.class.path"),
            "io.tiermount.daemon.Main"));
    command.addAll(List.of(arguments));
    return command;
  }

  /** Runs a shell line to its end. */
  Ended sh(String line) throws IOException, InterruptedException {
    return end(List.of("sh", "-c", line));
  }

  /** Runs a command to its end. */
  Ended end(List<String> command) throws IOException, InterruptedException {
    Path out = Files.createTempFile(directory, "out", null);
    Path err = Files.createTempFile(directory, "err", null);
    Process process =
        builder(command).redirectOutput(out.toFile()).redirectError(err.toFile()).start();
    started.add(process);
    if (!process.waitFor(DEADLINE_SECONDS, TimeUnit.SECONDS)) {
      process.descendants().forEach(ProcessHandle::destroyForcibly);
      process.destroyForcibly();
      throw new AssertionError(command + " did not end within " + DEADLINE_SECONDS + " s");
    }
    Ended ended =
        new Ended(
            process.exitValue(),
            Files.readString(out, StandardCharsets.UTF_8),
            Files.readString(err, StandardCharsets.UTF_8));
    Files.delete(out);
    Files.delete(err);
    return ended;
  }

  /** Starts what the caller speaks with over pipes; ended with the rest. */
  Process start(List<String> command) throws IOException {
    Process process = builder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    started.add(process);
    return process;
  }

  private ProcessBuilder builder(List<String> command) {
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().putAll(environment);
    builder.environment().remove("TIERMOUNT_LOG_FILE");
    // rclone 1.60 fails where this names a bundle; nothing here speaks TLS.
    builder.environment().remove("AWS_CA_BUNDLE");
    return builder;
  }

  /** Mounts with a cache directory below the test's own; the mount's report. */
  JsonNode mount(String source, Path at, String options) throws IOException, InterruptedException {
    Ended ended =
        run(
            "mount",
            source,
            at.toString(),
            "-o",
            "cache.dir=" + directory.resolve("cache") + "," + options,
            "--json");
    assertThat(ended.err()).isEmpty();
    assertThat(ended.code()).isZero();
    return json.parse(ended.out());
  }

  JsonNode status() throws IOException, InterruptedException {
    return json.parse(run("status", "--json").out());
  }

  /** The only daemon. */
  JsonNode daemon() throws IOException, InterruptedException {
    JsonNode daemons = status().path("daemons");
    assertThat(daemons).hasSize(1);
    return daemons.get(0);
  }

  /** The only mount. */
  JsonNode mount() throws IOException, InterruptedException {
    JsonNode mounts = daemon().path("mounts");
    assertThat(mounts).hasSize(1);
    return mounts.get(0);
  }

  JsonNode parse(String text) throws IOException {
    return json.parse(text);
  }

  /** Kills a daemon so that nobody follows it: its keeper first. */
  void killForGood(ProcessHandle daemon) throws IOException {
    keepers().forEach(ProcessHandle::destroyForcibly);
    daemon.destroyForcibly();
  }

  /** The keepers of daemons whose caches lie below the test's directory. */
  List<ProcessHandle> keepers() throws IOException {
    List<ProcessHandle> keepers = new ArrayList<>();
    try (DirectoryStream<Path> processes = Files.newDirectoryStream(Path.of("/proc"), "[0-9]*")) {
      for (Path process : processes) {
        // ProcessHandle.Info has no arguments where the command line is long.
        if (commandLine(process).contains("tiermount-keeper\0" + directory + "/")) {
          ProcessHandle.of(Long.parseLong(process.getFileName().toString()))
              .ifPresent(keepers::add);
        }
      }
    }
    return keepers;
  }

  private static String commandLine(Path process) {
    try {
      return Files.readString(process.resolve("cmdline"));
    } catch (IOException e) {
      return ""; // It has just ended.
    }
  }

  /** Waits until no daemon answers. */
  void awaitNoDaemon() throws IOException, InterruptedException {
    long endNanos = System.nanoTime() + TimeUnit.SECONDS.toNanos(DEADLINE_SECONDS);
    while (run("status", "--json").code() != 3) {
      assertThat(System.nanoTime()).as("the daemon ends").isLessThan(endNanos);
    }
  }

  /** SEMANTICS K6: what daemons wrote beside their sockets goes with the test's directory. */
  void assertNoSecretIsLogged() throws IOException {
    Path run = directory.resolve("run");
    if (Files.isDirectory(run)) {
      try (DirectoryStream<Path> logs = Files.newDirectoryStream(run, "*.err")) {
        for (Path each : logs) {
          assertThat(new String(Files.readAllBytes(each), StandardCharsets.UTF_8))
              .as("the log of a daemon")
              .doesNotContain(TestSecrets.MARK);
        }
      }
    }
  }

  @Override
  public void close() throws IOException {
    try {
      endAll();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void endAll() throws IOException, InterruptedException {
    for (Process process : started) {
      if (process.isAlive()) {
        process.destroyForcibly();
      }
    }
    if (!keepers().isEmpty()) {
      run("stop");
      keepers().forEach(ProcessHandle::destroyForcibly);
    }
    List<ProcessHandle> daemons = new ArrayList<>();
    for (JsonNode daemon : status().path("daemons")) {
      ProcessHandle.of(daemon.path("pid").asLong()).ifPresent(daemons::add);
    }
    daemons.forEach(ProcessHandle::destroy);
    assertNoSecretIsLogged();
    long endNanos = System.nanoTime() + TimeUnit.SECONDS.toNanos(DEADLINE_SECONDS / 2);
    for (ProcessHandle daemon : daemons) {
      while (daemon.isAlive() && System.nanoTime() < endNanos) {
        Thread.onSpinWait();
      }
      daemon.destroyForcibly();
    }
    for (MountTable.Entry entry : MountTable.ofProcess().entries()) {
      if (entry.path().startsWith(directory)) {
        sh("umount -l '" + entry.path() + "'");
      }
    }
  }
}
