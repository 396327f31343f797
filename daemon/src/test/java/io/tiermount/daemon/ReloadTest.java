package io.tiermount.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.tiermount.backends.os.LibC;
import io.tiermount.daemon.Tiermount.Ended;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** SEMANTICS G1–G7 with a daemon process and mounts over buckets that are directories. */
final class ReloadTest {
  private static final int BIG_BYTES = 1 << 20;

  @TempDir private Path directory = Path.of("");
  private final List<ConfiguredDaemon> started = new ArrayList<>();

  @BeforeEach
  void prepare() throws Exception {
    assumeTrue(LibC.getuid() == 0 && Files.exists(Path.of("/dev/fuse")), "mounts need root");
    for (String name : new String[] {"a", "b", "c", "d"}) {
      Path bucket = Files.createDirectories(directory.resolve("bucket-" + name));
      Files.writeString(bucket.resolve("name"), name);
      Files.write(bucket.resolve("big"), new byte[BIG_BYTES]);
      Files.createDirectories(bucket.resolve("below"));
      Files.writeString(bucket.resolve("below/name"), name + " below");
    }
  }

  @AfterEach
  void stop() throws Exception {
    for (ConfiguredDaemon daemon : started) {
      daemon.close();
    }
  }

  private ConfiguredDaemon start(String text) throws Exception {
    ConfiguredDaemon daemon = ConfiguredDaemon.start(directory, Map.of(), text);
    started.add(daemon);
    return daemon;
  }

  private Path at(String name) {
    return directory.resolve("mnt/" + name);
  }

  private String mount(String name, String more) {
    return "mounts.%s { path = \"%s\", scope = local, source = \"file://%s?as=bucket\"%s }\n"
        .formatted(name, at(name), directory.resolve("bucket-" + name), more);
  }

  private static Object device(Path path) throws Exception {
    return Files.getAttribute(path, "unix:dev");
  }

  private static int read(FileChannel channel, long offset) throws Exception {
    return channel.read(ByteBuffer.allocate(4096), offset);
  }

  @Test
  void g1_a_wrong_file_changes_nothing_and_every_error_is_told() throws Exception {
    ConfiguredDaemon daemon = start(mount("a", ""));
    daemon.write(mount("b", "").replace("scope", "skope") + "mounts.c { path = relative }\n");
    Ended ended = daemon.reload();
    assertThat(ended.code()).isEqualTo(4);
    assertThat(ended.err()).contains("skope", "relative", "mounts.conf:2", "not reloaded");
    assertThat(at("a").resolve("name")).hasContent("a");
    assertThat(at("b")).doesNotExist();
    daemon.signal("HUP");
    daemon.await("SIGHUP says it too", () -> daemon.log().contains("did you mean"));
    daemon.write(mount("a", "") + mount("b", ""));
    daemon.signal("HUP");
    daemon.await("SIGHUP mounts", () -> Files.exists(at("b").resolve("name")));
    assertThat(daemon.mount("a").path("state").asText()).isEqualTo("ready");
  }

  @Test
  void g2_g3_g5_mounts_come_and_go_and_the_others_are_not_touched() throws Exception {
    ConfiguredDaemon daemon = start(mount("a", "") + mount("b", ""));
    assertThat(Files.readAllBytes(at("a").resolve("big"))).hasSize(BIG_BYTES);
    Ended ordered =
        daemon
            .tiermount()
            .run(
                "mount",
                "file://" + directory.resolve("bucket-c") + "?as=bucket",
                at("c").toString(),
                "-o",
                "cache.dir=" + daemon.cache());
    assertThat(ordered.err()).isEmpty();
    Object device = device(at("a"));
    try (FileChannel open = FileChannel.open(at("a").resolve("big"));
        FileChannel busy = FileChannel.open(at("b").resolve("name"))) {
      assertThat(read(open, 0)).isEqualTo(4096);
      long opens = daemon.mount("a").path("passthrough_opens").asLong();
      assertThat(daemon.reloaded(mount("d", "") + mount("a", "")))
          .containsExactly("mnt/b KEPT", "mnt/d ADDED");
      assertThat(at("d").resolve("name")).hasContent("d");
      assertThat(read(busy, 0)).isEqualTo(1);
      Ended again = daemon.reload();
      assertThat(again.code()).isEqualTo(1);
      assertThat(again.out()).contains(at("b") + " kept: it is in use", "tiermount umount");
      assertThat(read(open, BIG_BYTES / 2)).isEqualTo(4096);
      assertThat(daemon.mount("a").path("passthrough_opens").asLong()).isEqualTo(opens);
    }
    // The last close is told to the daemon in the background.
    daemon.await("nothing is open", () -> daemon.mount("b").path("open_files").asLong() == 0);
    assertThat(daemon.reloaded(mount("a", "") + mount("d", ""))).containsExactly("mnt/b REMOVED");
    assertThat(at("b")).isEmptyDirectory();
    assertThat(device(at("a"))).isEqualTo(device);
    assertThat(at("c").resolve("name")).as("mounted by command").hasContent("c");
    Ended nothing = daemon.reload();
    assertThat(nothing.code()).isZero();
    assertThat(nothing.out()).isEmpty();
  }

  @Test
  void g3_what_was_written_is_in_the_store_when_its_mount_is_gone() throws Exception {
    String late = ", write { durability = local, max_dirty_age = 1h }";
    ConfiguredDaemon daemon = start(mount("a", "") + mount("b", late));
    Files.writeString(at("b").resolve("new"), "written");
    assertThat(daemon.reloaded(mount("a", ""))).containsExactly("mnt/b REMOVED");
    assertThat(directory.resolve("bucket-b/new")).hasContent("written");
  }

  @Test
  void g4_times_counts_sizes_and_logs_change_under_open_files() throws Exception {
    ConfiguredDaemon daemon = start(mount("a", ", consistency.attr_ttl = 1h") + mount("b", ""));
    Object device = device(at("a"));
    Path changed = directory.resolve("bucket-a/name");
    assertThat(at("a").resolve("name")).hasContent("a");
    try (FileChannel open =
        FileChannel.open(
            at("a").resolve("new"), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      open.write(ByteBuffer.wrap(new byte[] {'1'}));
      assertThat(
              daemon.reloaded(
                  "storage.cache.size.max_used_bytes = 64M\nlog_levels = \"info,io.tiermount=debug\"\n"
                      + mount(
                          "a",
                          ", consistency { attr_ttl = 0s, entry_ttl = 0s }, write { max_dirty_age = 1s, upload_threads = 3, sync_on_close = true }")
                      + mount("b", "")))
          .containsExactly("storage.cache CHANGED", "log_levels CHANGED", "mnt/a CHANGED");
      open.write(ByteBuffer.wrap(new byte[] {'2'}));
    }
    assertThat(device(at("a"))).isEqualTo(device);
    assertThat(at("a").resolve("new")).hasContent("12");
    assertThat(daemon.status().path("cache").path("max_used_bytes").asLong()).isEqualTo(64 << 20);
    assertThat(daemon.reload().code()).isZero();
    assertThat(daemon.log()).contains(" DEBUG ");
    // Nobody looked at this name under the old time to live, so the kernel asks.
    Files.writeString(directory.resolve("bucket-a/later"), "first");
    assertThat(at("a").resolve("later")).hasContent("first");
    Files.writeString(changed, "other");
    Files.writeString(directory.resolve("bucket-a/later"), "second");
    assertThat(at("a").resolve("later")).hasContent("second");
  }

  @Test
  void g4_the_rest_takes_a_remount_or_stays_as_it_was() throws Exception {
    ConfiguredDaemon daemon = start(mount("a", "") + mount("b", ""));
    Object device = device(at("b"));
    String below = mount("a", ", prefix = below") + mount("b", "");
    try (FileChannel open = FileChannel.open(at("a").resolve("name"))) {
      assertThat(daemon.reloaded(below)).containsExactly("mnt/a KEPT");
      assertThat(read(open, 0)).isEqualTo(1);
      assertThat(at("a").resolve("name")).hasContent("a");
    }
    daemon.await("nothing is open", () -> daemon.mount("a").path("open_files").asLong() == 0);
    assertThat(daemon.reloaded(below)).containsExactly("mnt/a REMOUNTED");
    assertThat(at("a").resolve("name")).hasContent("a below");
    assertThat(device(at("b"))).isEqualTo(device);
    assertThat(daemon.reloaded("memory.max = 300M\nstorage.cache.block_size = 1M\n" + below))
        .containsExactly("storage.cache KEPT", "memory.max KEPT");
  }

  @Test
  void g6_with_reload_config_the_daemon_follows_its_files() throws Exception {
    ConfiguredDaemon daemon = start("agent.reload_config = true\n" + mount("a", ""));
    daemon.write("reload_config = true\n" + mount("a", "") + mount("b", ""));
    daemon.await("it is mounted", () -> Files.exists(at("b").resolve("name")));
    daemon.write("reload_config = true\n" + mount("a", "").replace("scope", "skope"));
    daemon.await("it is refused", () -> daemon.log().contains("skope"));
    assertThat(at("a").resolve("name")).hasContent("a");
    daemon.write(mount("a", ""));
    daemon.await("it is unmounted", () -> daemon.mount("b").isMissingNode());
    daemon.write(mount("a", "") + mount("b", ""));
    // Not followed any more: nothing but a command takes it.
    assertThat(daemon.reload().out()).isEqualTo(at("b") + " added\n");
  }

  @Test
  void g7_a_lower_ceiling_of_the_cache_is_come_down_to() throws Exception {
    String mounts = mount("a", "") + mount("b", "") + mount("c", "") + mount("d", "");
    String size =
        "storage.cache { block_size = 64K, size { min_free_bytes = 0, max_used_bytes = %s } }\n";
    ConfiguredDaemon daemon = start(size.formatted("64M") + mounts);
    for (String name : new String[] {"a", "b", "c", "d"}) {
      assertThat(Files.readAllBytes(at(name).resolve("big"))).hasSize(BIG_BYTES);
    }
    daemon.await("all is cached", () -> usedBytes(daemon) >= 4 * BIG_BYTES);
    assertThat(daemon.reloaded(size.formatted("2M") + mounts))
        .containsExactly("storage.cache CHANGED");
    daemon.await("room was made", () -> usedBytes(daemon) <= 2 * BIG_BYTES);
    assertThat(Files.readAllBytes(at("a").resolve("big"))).hasSize(BIG_BYTES);
  }

  private static long usedBytes(ConfiguredDaemon daemon) throws Exception {
    return daemon.status().path("cache").path("used_bytes").asLong();
  }
}
