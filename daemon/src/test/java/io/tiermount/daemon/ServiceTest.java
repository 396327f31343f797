package io.tiermount.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.tiermount.backends.os.LibC;
import io.tiermount.daemon.Tiermount.Ended;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * SEMANTICS B1, B7: the units, and the daemon as they start it, with a stand-in for systemd's
 * socket that runs everywhere (SystemdBootTest asks a real systemd).
 */
final class ServiceTest {
  private static final Path UNITS = Path.of(System.getProperty("tiermount.root", ".."), "systemd");

  /**
   * systemd.exec(5): each of them gives the service a mount namespace, directly or by implication.
   */
  private static final Set<String> MAKE_A_NAMESPACE =
      Set.of(
          "PrivateMounts",
          "PrivateTmp",
          "PrivateDevices",
          "PrivateUsers",
          "ProtectSystem",
          "ProtectHome",
          "ProtectKernelTunables",
          "ProtectKernelModules",
          "ProtectKernelLogs",
          "ProtectControlGroups",
          "ProtectProc",
          "ProcSubset",
          "ReadWritePaths",
          "ReadOnlyPaths",
          "InaccessiblePaths",
          "ExecPaths",
          "NoExecPaths",
          "TemporaryFileSystem",
          "BindPaths",
          "BindReadOnlyPaths",
          "RootDirectory",
          "RootImage",
          "MountFlags",
          "MountAPIVFS",
          "DynamicUser",
          "MemoryDenyWriteExecute",
          "DeviceAllow",
          "ProtectClock");

  @TempDir private Path directory = Path.of("");
  private final List<Process> started = new ArrayList<>();
  private Tiermount tiermount = new Tiermount(directory, Map.of());

  @BeforeEach
  void prepare() {
    tiermount = new Tiermount(directory, Map.of());
  }

  @AfterEach
  void stop() throws Exception {
    for (Process process : started) {
      process.destroy();
      if (!process.waitFor(30, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    }
    tiermount.close();
  }

  @ParameterizedTest
  @ValueSource(strings = {"tiermount.service", "tiermount@.service"})
  void b7_nothing_in_a_unit_hides_the_mounts(String name) throws Exception {
    Set<String> keys = new TreeSet<>();
    Matcher matcher =
        Pattern.compile("(?m)^([A-Za-z]+)=").matcher(Files.readString(UNITS.resolve(name)));
    while (matcher.find()) {
      keys.add(matcher.group(1));
    }
    assertThat(keys).contains("Type", "FileDescriptorStoreMax", "StartLimitIntervalSec");
    assertThat(keys).doesNotContainAnyElementsOf(MAKE_A_NAMESPACE);
  }

  @ParameterizedTest
  @ValueSource(strings = {"tiermount.service", "tiermount@.service"})
  void b7_systemd_finds_nothing_wrong_with_a_unit(String name) throws Exception {
    assumeTrue(tiermount.sh("command -v systemd-analyze").code() == 0, "no systemd-analyze here");
    // Where the program is installed is not this machine's business.
    String unit =
        Files.readString(UNITS.resolve(name)).replace("=/usr/bin/tiermount ", "=/bin/true ");
    Path file = directory.resolve(name.replace("@", "@x"));
    Files.writeString(file, unit);
    Ended verified = tiermount.sh("timeout 50 systemd-analyze verify --man=no '" + file + "'");
    assertThat(verified.err().lines().filter(line -> line.contains("tiermount"))).isEmpty();
  }

  @Test
  void b1_systemd_is_told_when_all_is_mounted_how_it_goes_and_when_it_ends() throws Exception {
    assumeTrue(LibC.getuid() == 0, "bind mounts need root");
    Path data = Files.createDirectory(directory.resolve("data"));
    Path config =
        Files.writeString(
            directory.resolve("mounts.conf"),
            """
            storage.cache.default_base_dir = "%s"
            mounts {
              good { path = "%s", scope = local, source = "file://%s" }
              bad { path = "%s", scope = local, source = "file:///dev/null" }
            }
            """
                .formatted(
                    directory.resolve("cache"),
                    directory.resolve("good"),
                    data,
                    directory.resolve("bad")));
    try (NotifySocket socket = NotifySocket.listen(directory)) {
      Process daemon = daemon(socket, "daemon", "--config", config.toString());
      socket.await("READY=1"::equals);
      assertThat(MountTable.ofProcess().at(directory.resolve("good"))).isPresent();
      assertThat(socket.await(line -> line.startsWith("STATUS=")))
          .contains("1 of 2 mounts ready", directory.resolve("bad") + " is failed");
      socket.await("WATCHDOG=1"::equals);
      socket.await("WATCHDOG=1"::equals);
      daemon.destroy();
      socket.await("STOPPING=1"::equals);
      assertThat(daemon.waitFor(60, TimeUnit.SECONDS)).isTrue();
      assertThat(daemon.exitValue()).isZero();
      assertThat(MountTable.ofProcess().at(directory.resolve("good"))).isEmpty();
    }
  }

  /** tiermount@.service. */
  @Test
  void b1_a_service_of_one_mount_joins_a_daemon_or_is_one_and_ends_where_it_is_of_no_use()
      throws Exception {
    assumeTrue(LibC.getuid() == 0, "bind mounts need root");
    Path data = Files.createDirectory(directory.resolve("data"));
    String cache = "cache.dir=" + directory.resolve("cache");
    String one = directory.resolve("one").toString();
    String two = directory.resolve("two").toString();
    try (NotifySocket socket = NotifySocket.listen(directory)) {
      Process bad = daemon(socket, "mount", "--foreground", "file:///dev/null", one, "-o", cache);
      assertThat(bad.waitFor(60, TimeUnit.SECONDS)).isTrue();
      assertThat(bad.exitValue()).isEqualTo(1);
      assertThat(socket.heard()).doesNotContain("READY=1");

      Process first = daemon(socket, "mount", "--foreground", "file://" + data, one, "-o", cache);
      socket.await("STATUS=1 of 1 mounts ready"::equals);
      Process second = daemon(socket, "mount", "--foreground", "file://" + data, two, "-o", cache);
      socket.await("READY=1"::equals);
      assertThat(socket.await(line -> line.startsWith("STATUS=" + two)))
          .contains("by the daemon that runs already");
      assertThat(MountTable.ofProcess().at(Path.of(two))).isPresent();
      first.destroy();
      assertThat(first.waitFor(60, TimeUnit.SECONDS)).isTrue();
      assertThat(second.waitFor(60, TimeUnit.SECONDS)).as("systemd starts it anew").isTrue();
      assertThat(second.exitValue()).isEqualTo(1);
    }
  }

  private Process daemon(NotifySocket socket, String... arguments) throws Exception {
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
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .redirectError(
                ProcessBuilder.Redirect.appendTo(directory.resolve("daemon.err").toFile()));
    builder.environment().put("TIERMOUNT_RUN_DIR", directory.resolve("run").toString());
    builder.environment().put("NOTIFY_SOCKET", socket.address());
    builder.environment().put("WATCHDOG_USEC", "400000");
    builder.environment().remove("TIERMOUNT_LOG_FILE");
    Process process = builder.start();
    started.add(process);
    return process;
  }
}
