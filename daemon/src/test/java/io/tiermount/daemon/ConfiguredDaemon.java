package io.tiermount.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.tiermount.daemon.Tiermount.Ended;
import io.tiermount.daemon.admin.AdminClient;
import io.tiermount.daemon.admin.Json;
import io.tiermount.daemon.admin.RunDirectory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** A daemon process of a configuration file that a test writes; it ends with the test. */
final class ConfiguredDaemon implements AutoCloseable {
  private static final Duration DEADLINE = Duration.ofSeconds(60);

  private final Path directory;
  private final Tiermount tiermount;
  private final AdminClient client;
  private final Path cache;
  private final Path config;
  private @Nullable Process process;

  /** True when something has come about. */
  @FunctionalInterface
  interface Condition {
    boolean holds() throws Exception;
  }

  private ConfiguredDaemon(Path directory, Map<String, String> environment) throws IOException {
    this.directory = directory;
    this.cache = directory.resolve("cache");
    this.config = directory.resolve("mounts.conf");
    this.tiermount = new Tiermount(directory, environment);
    RunDirectory run = new RunDirectory(Files.createDirectories(directory.resolve("run")));
    this.client = new AdminClient(run.socket(cache), new Json());
  }

  /**
   * Starts one and waits for all its mounts.
   *
   * @param text a configuration without the place of the cache
   */
  static ConfiguredDaemon start(Path directory, Map<String, String> environment, String text)
      throws Exception {
    ConfiguredDaemon daemon = new ConfiguredDaemon(directory, environment);
    try {
      daemon.write(text);
      Process process = daemon.tiermount.daemon(daemon.config);
      daemon.process = process;
      daemon.await(
          "all is mounted",
          () -> {
            assertThat(process.isAlive()).as(daemon.log()).isTrue();
            try {
              return daemon.log().contains(" mounts ready");
            } catch (IOException e) {
              return false;
            }
          });
      return daemon;
    } catch (Exception | AssertionError e) {
      daemon.close();
      throw e;
    }
  }

  Path cache() {
    return cache;
  }

  Tiermount tiermount() {
    return tiermount;
  }

  /** In one step, as an editor or a deployment does. */
  void write(String text) throws IOException {
    Path next =
        Files.writeString(
            directory.resolve("next"),
            "storage.cache.default_base_dir = \"" + cache + "\"\n" + text);
    Files.move(next, config, StandardCopyOption.ATOMIC_MOVE);
  }

  Ended reload() throws Exception {
    return tiermount.run("reload");
  }

  /** {@code WHAT OUTCOME} of each step. */
  List<String> reloaded(String text) throws Exception {
    write(text);
    List<String> steps = new ArrayList<>();
    for (JsonNode step : client.reload(DEADLINE).path("steps")) {
      steps.add(
          directory.relativize(directory.resolve(step.path("what").asText()))
              + " "
              + step.path("outcome").asText());
    }
    return steps;
  }

  JsonNode status() throws Exception {
    return client.status(DEADLINE);
  }

  /** Missing where there is none. */
  JsonNode mount(String name) throws Exception {
    for (JsonNode mount : status().path("mounts")) {
      if (mount.path("name").asText().equals(name)) {
        return mount;
      }
    }
    return new Json().tree(Map.of()).path("none");
  }

  String log() throws IOException {
    Path log = tiermount.daemonLog();
    return Files.exists(log) ? Files.readString(log) : "";
  }

  void signal(String name) throws Exception {
    String pid = status().path("pid").asText();
    assertThat(tiermount.sh("kill -" + name + " " + pid).code()).isZero();
  }

  void await(String what, Condition condition) throws Exception {
    long endNanos = System.nanoTime() + DEADLINE.toNanos();
    while (!condition.holds()) {
      assertThat(System.nanoTime()).as("%s; the log: %s", what, log()).isLessThan(endNanos);
      TimeUnit.MILLISECONDS.sleep(20);
    }
  }

  /** Ends it as systemd does, and whatever is left by force. */
  @Override
  public void close() throws IOException {
    Process running = process;
    if (running != null) {
      running.destroy();
      try {
        boolean _ = running.waitFor(30, TimeUnit.SECONDS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
    tiermount.close();
  }
}
