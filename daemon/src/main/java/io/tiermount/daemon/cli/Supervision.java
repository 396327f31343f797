package io.tiermount.daemon.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Who looks after the daemon that a mount needs. Under systemd not the caller: what a .mount unit
 * starts ends with that unit, and the daemon may have others' mounts by then.
 */
final class Supervision {
  /** Longer than the service's own TimeoutStartSec would be a boot that hangs. */
  private static final long START_SECONDS = 90;

  private static final String SERVICE = "tiermount.service";

  private final boolean systemd;
  private final Path root;

  private Supervision(boolean systemd, Path root) {
    this.systemd = systemd;
    this.root = root;
  }

  /** A shell's: the daemon is on its own. */
  static Supervision none() {
    return new Supervision(false, Path.of("/"));
  }

  /**
   * systemd's where it is what this machine was booted with (sd_booted(3)).
   *
   * @param root where {@code run} and {@code usr} are
   */
  static Supervision ofSystemd(Path root) {
    return new Supervision(Files.isDirectory(root.resolve("run/systemd/system")), root);
  }

  /**
   * Starts the node's own service where it is enabled, and waits until it is ready.
   *
   * @return false where there is none: the daemon is the caller's to start
   * @throws CommandException where it can't be waited for
   */
  boolean startService() throws IOException, InterruptedException, CommandException {
    if (!systemd || systemctl("is-enabled", "--quiet", SERVICE) != 0) {
      return false;
    }
    if (systemctl("is-active", "--quiet", SERVICE) == 0) {
      return true;
    }
    if (systemctl("is-active", "--quiet", "local-fs.target") != 0) {
      // The service starts after the local disks, which would wait for this mount: a circle.
      throw new CommandException(
          ExitCode.FAILED,
          "this mount counts as a local disk: add _netdev to its options in /etc/fstab (or"
              + " x-systemd.requires=tiermount.service)");
    }
    return systemctl("start", SERVICE) == 0;
  }

  /** What goes before a daemon's command line; nothing where it needs nothing. */
  List<String> launcher(String name) {
    Path run = root.resolve("usr/bin/systemd-run");
    if (!systemd || !Files.isExecutable(run)) {
      return List.of();
    }
    return List.of(
        run.toString(),
        "--scope",
        "--quiet",
        "--collect",
        "--unit=tiermount-" + name,
        "--description=tiermount mounts of /etc/fstab",
        // At shutdown: before the network and the disks go.
        "--property=After=network.target",
        "--property=After=local-fs-pre.target",
        // SIGTERM would be a restart.
        "--property=KillSignal=SIGINT",
        "--property=TimeoutStopSec=45");
  }

  private int systemctl(String... arguments) throws IOException, InterruptedException {
    List<String> command = new java.util.ArrayList<>();
    command.add(root.resolve("usr/bin/systemctl").toString());
    command.addAll(List.of(arguments));
    Process process;
    try {
      process =
          new ProcessBuilder(command)
              .redirectInput(Path.of("/dev/null").toFile())
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start();
    } catch (IOException e) {
      return -1; // no systemctl: nothing is enabled
    }
    if (!process.waitFor(START_SECONDS, TimeUnit.SECONDS)) {
      process.destroyForcibly();
      return -1;
    }
    return process.exitValue();
  }
}
