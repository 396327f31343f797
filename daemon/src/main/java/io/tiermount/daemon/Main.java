package io.tiermount.daemon;

import io.tiermount.daemon.admin.Json;
import io.tiermount.daemon.admin.RunDirectory;
import io.tiermount.daemon.cli.Cli;
import io.tiermount.daemon.cli.Context;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.Map;

/** The program. */
public final class Main {
  private Main() {}

  /** Runs one command; the daemon is one of them. */
  public static void main(String[] args) {
    Map<String, String> environment = System.getenv();
    Json json = new Json();
    RunDirectory run = RunDirectory.of(environment, effectiveUid());
    Wiring wiring = new Wiring(environment, run, json, Clock.systemUTC());
    PrintWriter out = new PrintWriter(System.out, false, StandardCharsets.UTF_8);
    PrintWriter err = new PrintWriter(System.err, true, StandardCharsets.UTF_8);
    // The JDK can't tell whether standard error alone is a terminal: the launcher does.
    boolean terminal = Boolean.getBoolean("tiermount.terminal");
    System.exit(Cli.run(new Context(wiring, run, json, environment, out, err, terminal), args));
  }

  /** From /proc, since loading native access for it would double a command's time. */
  private static int effectiveUid() {
    try {
      return (int) Files.getAttribute(Path.of("/proc/self"), "unix:uid");
    } catch (IOException | UnsupportedOperationException e) {
      return -1;
    }
  }
}
