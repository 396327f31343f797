package io.tiermount.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.tiermount.backends.os.LibC;
import io.tiermount.daemon.admin.Json;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The program as people run it: processes, their output and exit codes. */
final class ProgramTest {
  private static final int DEADLINE_SECONDS = 60;

  @TempDir private Path directory = Path.of("");
  private final Json json = new Json();
  private final List<Process> started = new ArrayList<>();
  private Path data = Path.of("");
  private Path at = Path.of("");

  private record Ended(int code, String out, String err) {}

  @BeforeEach
  void prepare() throws IOException {
    data = Files.createDirectory(directory.resolve("data"));
    at = directory.resolve("mnt/x");
    Files.writeString(data.resolve("hello"), "world");
  }

  @AfterEach
  void stop() throws Exception {
    for (Process process : started) {
      process.destroy();
      if (!process.waitFor(DEADLINE_SECONDS, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    }
    // Daemons that a mount command started are no children of ours.
    for (JsonNode daemon : json.parse(run("status", "--json").out()).get("daemons")) {
      ProcessHandle.of(daemon.get("pid").asLong()).ifPresent(ProcessHandle::destroy);
    }
    // What a killed one left, where its test ended before the next daemon could clear it.
    for (long left = mountsAt(at); left > 0; left--) {
      LibC.umount2(at.toString(), LibC.MNT_DETACH);
    }
  }

  @Test
  void version_and_help_print_and_end_with_0() throws Exception {
    assertThat(run("version").out()).matches("(?s)tiermount \\S+ \\(Java 25.*");
    assertThat(json.parse(run("version", "--json").out()).get("tiermount").asText())
        .doesNotContain("$");
    Ended help = run("--help");
    assertThat(help.code()).isIn(0, 2);
    assertThat(run("help", "mount").out()).contains("Exit codes", "not mounted");
  }

  @Test
  void a_wrong_command_line_ends_with_2_and_says_where_help_is() throws Exception {
    Ended ended = run("mout", "a", "b");
    assertThat(ended.code()).isEqualTo(2);
    assertThat(ended.err()).contains("mout", "tiermount help");
  }

  @Test
  void without_a_daemon_status_is_an_empty_list_and_ends_with_3() throws Exception {
    Ended status = run("status", "--json");
    assertThat(status.code()).isEqualTo(3);
    assertThat(json.parse(status.out()).get("daemons")).isEmpty();
    Ended umount = run("umount", at.toString(), "--json");
    assertThat(umount.code()).isEqualTo(3);
    assertThat(json.parse(umount.out()).get("exit_code").asInt()).isEqualTo(3);
    assertThat(run("cache", "warm", at.toString()).code()).isEqualTo(3);
  }

  @Test
  void a_wrong_configuration_ends_with_4() throws Exception {
    Path config = Files.writeString(directory.resolve("bad.conf"), "mounts { x { paht = /x } }");
    Ended ended = run("check-config", config.toString());
    assertThat(ended.code()).isEqualTo(4);
    assertThat(ended.err()).contains("paht", "bad.conf");
    assertThat(run("daemon", "--config", config.toString()).code()).isEqualTo(4);
  }

  @Test
  void r33_with_a_wrong_configuration_nothing_is_mounted_and_every_error_is_told()
      throws Exception {
    Path config =
        Files.writeString(
            directory.resolve("bad.conf"),
            """
            storage.cache.default_base_dir = "%s"
            mounts {
              good { path = "%s", scope = local, source = "file://%s" }
              one { paht = /x, scope = local, source = "file://%s" }
              two { path = "/y", scope = lokal, source = "file://%s" }
            }
            """
                .formatted(directory.resolve("cache"), at, data, data, data));
    Ended ended = run("daemon", "--config", config.toString());
    assertThat(ended.code()).isEqualTo(4);
    assertThat(ended.err()).contains("paht", "lokal");
    assertThat(at).doesNotExist();
    assertThat(directory.resolve("cache")).doesNotExist();
  }

  /** SEMANTICS R32 and the rest of a daemon's life. */
  @Test
  void a_daemon_mounts_serves_status_and_unmounts_at_sigterm() throws Exception {
    assumeTrue(LibC.getuid() == 0, "bind mounts need root");
    Process daemon = daemon(config());
    JsonNode mount = mountIn(awaitReady(), at);
    assertThat(mount.get("transport").asText()).isEqualTo("bind");
    assertThat(at.resolve("hello")).hasContent("world");
    Ended human = run("status");
    assertThat(human.code()).isZero();
    assertThat(human.out()).contains("PATH", at.toString(), "ready", "bind");
    assertThat(run("cache", "verify", "--json").code()).isZero();
    Process second = daemon(config());
    assertThat(second.waitFor(DEADLINE_SECONDS, TimeUnit.SECONDS)).isTrue();
    assertThat(second.exitValue()).isEqualTo(1);
    assertThat(Files.readString(directory.resolve("daemon.err")))
        .contains("belongs to another daemon (pid " + daemon.pid() + ")");
    daemon.destroy();
    assertThat(daemon.waitFor(DEADLINE_SECONDS, TimeUnit.SECONDS)).isTrue();
    assertThat(daemon.exitValue()).isZero();
    assertThat(at).isEmptyDirectory();
    assertThat(run("status", "--json").code()).isEqualTo(3);
  }

  /** SEMANTICS R30. */
  @Test
  void after_kill_9_the_next_daemon_clears_and_mounts_again() throws Exception {
    assumeTrue(LibC.getuid() == 0, "bind mounts need root");
    clearsAndMountsAgain("file://" + data);
  }

  @Test
  void r30_a_dead_fuse_mount_is_cleared_at_the_next_start() throws Exception {
    assumeTrue(LibC.getuid() == 0 && Files.exists(Path.of("/dev/fuse")), "FUSE needs root");
    clearsAndMountsAgain("file://" + data + "?as=bucket");
  }

  private void clearsAndMountsAgain(String source) throws Exception {
    Process daemon = daemon(config(source));
    awaitReady();
    assertThat(at.resolve("hello")).hasContent("world");
    assertThat(daemon.destroyForcibly().waitFor(DEADLINE_SECONDS, TimeUnit.SECONDS)).isTrue();
    assertThat(MountTable.ofProcess().at(at)).isPresent();
    assertThat(run("status", "--json").code()).isEqualTo(3);
    Process next = daemon(config(source));
    awaitReady();
    assertThat(mountsAt(at)).isEqualTo(1);
    assertThat(at.resolve("hello")).hasContent("world");
    next.destroy();
    assertThat(next.waitFor(DEADLINE_SECONDS, TimeUnit.SECONDS)).isTrue();
    assertThat(mountsAt(at)).isZero();
  }

  @Test
  void mount_starts_a_daemon_joins_it_and_the_last_umount_ends_it() throws Exception {
    assumeTrue(LibC.getuid() == 0, "bind mounts need root");
    String option = "cache.dir=" + directory.resolve("cache");
    Ended first = run("mount", "file://" + data, at.toString(), "-o", option, "--json");
    assertThat(first.err()).isEmpty();
    assertThat(first.code()).isZero();
    assertThat(json.parse(first.out()).get("state").asText()).isEqualTo("ready");
    assertThat(at.resolve("hello")).hasContent("world");
    Path other = directory.resolve("mnt/y");
    assertThat(run("mount", "file://" + data, other.toString(), "-o", option).code()).isZero();
    JsonNode daemons = json.parse(run("status", "--json").out()).get("daemons");
    assertThat(daemons).hasSize(1);
    assertThat(daemons.get(0).get("mounts")).hasSize(2);
    Ended twice = run("mount", "file://" + data, at.toString(), "-o", option);
    assertThat(twice.code()).isEqualTo(1);
    assertThat(twice.err()).contains("is mounted already");
    assertThat(run("umount", at.toString()).code()).isZero();
    assertThat(run("umount", other.toString()).code()).isZero();
    ProcessHandle daemon = ProcessHandle.of(daemons.get(0).get("pid").asLong()).orElse(null);
    if (daemon != null) {
      daemon.onExit().get(DEADLINE_SECONDS, TimeUnit.SECONDS);
    }
    assertThat(run("status", "--json").code()).isEqualTo(3);
  }

  @Test
  void a_mount_that_fails_says_why_and_leaves_no_daemon() throws Exception {
    Path file = Files.createFile(directory.resolve("file"));
    Ended ended =
        run(
            "mount",
            "file://" + file,
            at.toString(),
            "-o",
            "cache.dir=" + directory.resolve("cache"));
    assertThat(ended.code()).isEqualTo(1);
    assertThat(ended.err()).contains("is not a directory");
  }

  private Path config() throws IOException {
    return config("file://" + data);
  }

  private Path config(String source) throws IOException {
    return Files.writeString(
        directory.resolve("mounts.conf"),
        """
        storage.cache.default_base_dir = "%s"
        mounts { x { path = "%s", scope = local, source = "%s" } }
        """
            .formatted(directory.resolve("cache"), at, source));
  }

  private Process daemon(Path config) throws IOException {
    ProcessBuilder builder = builder("daemon", "--config", config.toString());
    builder.redirectError(
        ProcessBuilder.Redirect.appendTo(directory.resolve("daemon.err").toFile()));
    builder.redirectOutput(ProcessBuilder.Redirect.DISCARD);
    Process process = builder.start();
    started.add(process);
    return process;
  }

  private JsonNode awaitReady() throws Exception {
    long endNanos = System.nanoTime() + TimeUnit.SECONDS.toNanos(DEADLINE_SECONDS);
    while (System.nanoTime() < endNanos) {
      JsonNode status = json.parse(run("status", "--json").out());
      JsonNode mount = mountIn(status, at);
      if (mount.path("state").asText().equals("ready")) {
        return status;
      }
    }
    throw new AssertionError(
        "not ready in time: " + Files.readString(directory.resolve("daemon.err")));
  }

  private static JsonNode mountIn(JsonNode status, Path path) {
    for (JsonNode daemon : status.path("daemons")) {
      for (JsonNode mount : daemon.path("mounts")) {
        if (mount.path("path").asText().equals(path.toString())) {
          return mount;
        }
      }
    }
    return status.path("none");
  }

  private static long mountsAt(Path path) throws IOException {
    return MountTable.ofProcess().entries().stream()
        .filter(entry -> entry.path().equals(path))
        .count();
  }

  private Ended run(String... arguments) throws Exception {
    Path out = Files.createTempFile(directory, "out", null);
    Path err = Files.createTempFile(directory, "err", null);
    Process process =
        builder(arguments).redirectOutput(out.toFile()).redirectError(err.toFile()).start();
    started.add(process);
    assertThat(process.waitFor(DEADLINE_SECONDS, TimeUnit.SECONDS)).isTrue();
    return new Ended(
        process.exitValue(),
        Files.readString(out, StandardCharsets.UTF_8),
        Files.readString(err, StandardCharsets.UTF_8));
  }

  private ProcessBuilder builder(String... arguments) {
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
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().put("TIERMOUNT_RUN_DIR", directory.resolve("run").toString());
    // What happens without one; TakeOverTest has it.
    builder.environment().put("TIERMOUNT_KEEPER", "off");
    builder.environment().remove("TIERMOUNT_LOG_FILE");
    return builder;
  }
}
