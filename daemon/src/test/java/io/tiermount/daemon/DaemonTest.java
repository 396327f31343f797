package io.tiermount.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.tiermount.backends.os.LibC;
import io.tiermount.daemon.admin.AdminApi.CacheOrder;
import io.tiermount.daemon.admin.AdminClient;
import io.tiermount.daemon.admin.AdminException;
import io.tiermount.daemon.admin.Json;
import io.tiermount.daemon.admin.MountReport;
import io.tiermount.daemon.admin.RunDirectory;
import io.tiermount.daemon.config.SourceConfig;
import io.tiermount.daemon.config.TiermountConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A daemon in this process with bind mounts, which need root and no store. */
final class DaemonTest {
  private static final Duration DEADLINE = Duration.ofSeconds(20);

  @TempDir private Path directory = Path.of("");
  private final Json json = new Json();
  private Path cache = Path.of("");
  private Path data = Path.of("");
  private RunDirectory run = new RunDirectory(Path.of("/"));
  private AutoCloseable running = () -> {};

  @BeforeEach
  void prepare() throws IOException {
    assumeTrue(LibC.getuid() == 0, "bind mounts need root");
    cache = directory.resolve("cache");
    data = Files.createDirectory(directory.resolve("data"));
    Files.writeString(data.resolve("hello"), "world");
    run = new RunDirectory(directory.resolve("run"));
  }

  @AfterEach
  void stop() throws Exception {
    running.close();
  }

  /** SEMANTICS R30. */
  @Test
  void a_bind_mount_shows_its_directory_until_the_daemon_stops() throws Exception {
    Path at = directory.resolve("mnt/x");
    Daemon daemon = start(Configs.of(cache, Configs.bind("x", at, data, false)));
    assertThat(at.resolve("hello")).hasContent("world");
    Files.writeString(at.resolve("new"), "written");
    assertThat(data.resolve("new")).hasContent("written");
    assertThat(mountOptions(at)).contains("nosuid", "nodev", "rw");
    daemon.close();
    assertThat(at).isEmptyDirectory();
    assertThat(run.sockets()).isEmpty();
  }

  @Test
  void a_read_only_one_refuses_writes() throws Exception {
    Path at = directory.resolve("x");
    start(Configs.of(cache, Configs.bind("x", at, data, true)));
    assertThat(mountOptions(at)).contains("ro");
    assertThatThrownBy(() -> Files.writeString(at.resolve("new"), "written"))
        .isInstanceOf(IOException.class);
  }

  @Test
  void a_missing_directory_is_made_for_everybody() throws Exception {
    Path missing = directory.resolve("a/b");
    start(Configs.of(cache, Configs.bind("x", directory.resolve("x"), missing, false)));
    assertThat(Files.getAttribute(missing, "unix:mode")).isEqualTo(041777);
  }

  @Test
  void one_that_fails_does_not_stop_the_others_and_says_why() throws Exception {
    Path file = Files.createFile(directory.resolve("file"));
    start(
        Configs.of(
            cache,
            Configs.bind("good", directory.resolve("good"), data, false),
            Configs.bind("bad", directory.resolve("bad"), file, false),
            Configs.mount(
                "nfs",
                directory.resolve("nfs"),
                new SourceConfig.NotYet("nfs://h/e", "nfs"),
                false)));
    JsonNode status = client().status(DEADLINE);
    assertThat(states(status))
        .containsEntry("good", "ready")
        .containsEntry("bad", "failed")
        .containsEntry("nfs", "failed")
        .containsEntry("artifacts", "skipped");
    assertThat(status.toString())
        .contains("is not a directory", "nfs://h/e", "ANYSCALE_ARTIFACT_STORAGE is not set");
    assertThat(status.get("cache").get("directory").asText()).isEqualTo(cache.toString());
  }

  @Test
  void a_nested_mount_starts_after_and_stops_before_the_one_around_it() throws Exception {
    Path outer = directory.resolve("outer");
    Path other = Files.createDirectories(directory.resolve("other"));
    Daemon daemon =
        start(
            Configs.of(
                cache,
                Configs.bind("inner", outer.resolve("inner"), other, false),
                Configs.bind("outer", outer, data, false)));
    assertThat(data.resolve("inner")).isDirectory();
    assertThat(MountTable.ofProcess().at(outer.resolve("inner"))).isPresent();
    daemon.close();
    assertThat(MountTable.ofProcess().at(outer.resolve("inner"))).isEmpty();
    assertThat(MountTable.ofProcess().at(outer)).isEmpty();
  }

  @Test
  void a_busy_mount_is_gone_from_the_tree_all_the_same() throws Exception {
    Path at = directory.resolve("x");
    Daemon daemon = start(Configs.of(cache, Configs.bind("x", at, data, false)));
    try (var open = Files.newInputStream(at.resolve("hello"))) {
      daemon.close();
      assertThat(MountTable.ofProcess().at(at)).isEmpty();
      assertThat(open.readAllBytes()).hasSize(5);
    }
  }

  @Test
  void mounts_are_removed_by_command_and_a_stranger_is_not_found() throws Exception {
    Path at = directory.resolve("x");
    Daemon daemon = start(Configs.of(cache, Configs.bind("x", at, data, false)));
    client().unmount(at.toString(), DEADLINE);
    assertThat(at).isEmptyDirectory();
    assertThat(daemon.status().mounts()).extracting(MountReport::name).containsExactly("artifacts");
    assertThatThrownBy(() -> client().unmount(at.toString(), DEADLINE))
        .isInstanceOf(AdminException.class)
        .hasMessageContaining("is not a mount of this daemon");
  }

  @Test
  void a_mount_taken_away_by_somebody_else_is_said_to_be_gone() throws Exception {
    Path at = directory.resolve("x");
    Daemon daemon = start(Configs.of(cache, Configs.bind("x", at, data, false)));
    LibC.umount2(at.toString(), 0);
    assertThat(daemon.status().mounts().getFirst().state()).isEqualTo("failed");
    assertThat(daemon.status().mounts().getFirst().reason()).contains("somebody else");
  }

  @Test
  void a_bind_mount_has_nothing_to_warm() throws Exception {
    Path at = directory.resolve("x");
    start(Configs.of(cache, Configs.bind("x", at, data, false)));
    assertThatThrownBy(() ->
            client().cache(new CacheOrder(CacheOrder.Action.WARM, List.of(at.toString())), _ -> {}))
        .isInstanceOf(AdminException.class)
        .hasMessageContaining("is a bind mount");
  }

  /** SEMANTICS R32. */
  @Test
  void a_second_daemon_on_the_same_cache_says_who_holds_it() throws Exception {
    start(Configs.of(cache));
    assertThatThrownBy(() -> wiring().daemon(Configs.of(cache), false))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("belongs to another daemon (pid " + ProcessHandle.current().pid());
    assertThat(Files.getAttribute(cache, "unix:mode")).isEqualTo(040700);
  }

  @Test
  void two_daemons_with_caches_of_their_own_live_side_by_side() throws Exception {
    start(Configs.of(cache));
    Daemon other = wiring().daemon(Configs.of(directory.resolve("cache2")), false);
    try {
      other.start();
      assertThat(run.sockets()).hasSize(2);
    } finally {
      other.close();
    }
    assertThat(run.sockets()).hasSize(1);
  }

  /** SEMANTICS R30. */
  @Test
  void what_a_killed_daemon_left_bound_is_cleared_at_the_next_start() throws Exception {
    Path at = Files.createDirectory(directory.resolve("x"));
    Files.createDirectory(cache);
    MountRecord record = MountRecord.open(cache.resolve("mounts.json"), json);
    record.add(at, data.toRealPath().toString());
    LibC.mount(data.toString(), at.toString(), "none", LibC.MS_BIND, null);
    start(Configs.of(cache));
    assertThat(MountTable.ofProcess().at(at)).isEmpty();
    assertThat(MountRecord.open(cache.resolve("mounts.json"), json).mounts()).isEmpty();
  }

  @Test
  void somebody_elses_mount_on_a_recorded_path_is_left_alone() throws Exception {
    Path at = Files.createDirectory(directory.resolve("x"));
    Path theirs = Files.createDirectory(directory.resolve("theirs"));
    Files.createDirectory(cache);
    MountRecord.open(cache.resolve("mounts.json"), json).add(at, data.toRealPath().toString());
    LibC.mount(theirs.toString(), at.toString(), "none", LibC.MS_BIND, null);
    try {
      start(Configs.of(cache));
      assertThat(MountTable.ofProcess().at(at)).isPresent();
    } finally {
      LibC.umount2(at.toString(), LibC.MNT_DETACH);
    }
  }

  @Test
  void a_daemon_started_by_mount_ends_with_its_last_mount() throws Exception {
    Path at = directory.resolve("x");
    Daemon daemon = wiring().daemon(Configs.of(cache, Configs.bind("x", at, data, false)), true);
    running = daemon::close;
    daemon.start();
    client().unmount(at.toString(), DEADLINE);
    daemon.await();
  }

  private Wiring wiring() {
    return new Wiring(Map.of(), run, json, Clock.systemUTC());
  }

  private Daemon start(TiermountConfig config) throws IOException {
    Daemon daemon = wiring().daemon(config, false);
    running = daemon::close;
    daemon.start();
    return daemon;
  }

  private AdminClient client() throws IOException {
    return new AdminClient(run.socket(cache), json);
  }

  private static Map<String, String> states(JsonNode status) {
    Map<String, String> states = new TreeMap<>();
    status
        .get("mounts")
        .forEach(mount -> states.put(mount.get("name").asText(), mount.get("state").asText()));
    return states;
  }

  private static List<String> mountOptions(Path path) throws IOException {
    return Files.readAllLines(Path.of("/proc/self/mounts")).stream()
        .filter(line -> line.contains(" " + path + " "))
        .flatMap(line -> Arrays.stream(line.split("[ ,]", -1)))
        .toList();
  }
}
