package io.tiermount.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.tiermount.backends.ByteSource;
import io.tiermount.backends.ObjectAttributes;
import io.tiermount.backends.WriteCondition;
import io.tiermount.backends.local.LocalObjectStore;
import io.tiermount.backends.os.LibC;
import io.tiermount.daemon.admin.AdminClient;
import io.tiermount.daemon.admin.Json;
import io.tiermount.daemon.admin.RunDirectory;
import io.tiermount.daemon.config.ConfigParser;
import io.tiermount.daemon.config.ThisNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** CONFIG.md, section 2, row {@code storage.direct_access}, on a real mount: SEMANTICS C11. */
final class ClearmlMountTest {
  private static final Duration DEADLINE = Duration.ofSeconds(30);
  private static final int SIZE = 300 << 10;

  /** More than all others together: once so much is cached, the last file read is. */
  private static final int CONTROL_SIZE = 4 * SIZE;

  @TempDir private Path directory = Path.of("");
  private final Json json = new Json();
  private Path mount = Path.of("");
  private AutoCloseable running = () -> {};

  @BeforeEach
  void prepare() throws Exception {
    assumeTrue(
        LibC.getuid() == 0 && Files.exists(Path.of("/dev/fuse")), "mounts need root and FUSE");
    mount = directory.resolve("mnt");
    Path bucket = Files.createDirectories(directory.resolve("bucket"));
    try (LocalObjectStore store = LocalObjectStore.open(bucket, true, Clock.systemUTC())) {
      put(store, "raw/a", "application/x-thing");
      put(store, "clips/b", "video/mp4");
      put(store, "raw/a2", "application/x-thing");
      put(store, "clips/b2", "video/mp4");
      put(store, "control", "audio/mp4", CONTROL_SIZE);
    }
  }

  private static void put(LocalObjectStore store, String key, String type) throws Exception {
    put(store, key, type, SIZE);
  }

  private static void put(LocalObjectStore store, String key, String type, int size)
      throws Exception {
    store.put(
        key,
        ByteSource.of(new byte[size]),
        new ObjectAttributes(type, Map.of()),
        new WriteCondition.Always());
  }

  @AfterEach
  void stop() throws Exception {
    running.close();
  }

  @Test
  void without_a_list_everything_in_a_bucket_is_cached() throws Exception {
    start("");

    assertThat(cachedAfterReading("raw/a", "clips/b")).isEqualTo(6);
  }

  @Test
  void c11_what_a_glob_of_urls_covers_is_read_where_it_lies() throws Exception {
    start("storage.direct_access = [ { url = \"file://*/raw/*\" } ]");

    assertThat(cachedAfterReading("raw/a", "raw/a2")).isEqualTo(4);
  }

  @Test
  void c11_what_a_glob_of_media_types_covers_is_read_where_it_lies() throws Exception {
    start("sdk.storage.direct_access = [ { content_type = \"video/*\" } ]");

    assertThat(cachedAfterReading("clips/b", "clips/b2")).isEqualTo(4);
  }

  @Test
  @SuppressWarnings("BusyWait") // There is nothing to be notified by.
  void c11_what_is_written_here_is_not_kept_either() throws Exception {
    start("storage.direct_access = [ { url = \"file://*/raw/*\" } ]");

    Files.write(mount.resolve("raw/new"), new byte[SIZE]);
    Files.write(mount.resolve("new"), new byte[CONTROL_SIZE]);

    // When both are in the store and nobody's any more, their files have left the staging area.
    long deadline = System.nanoTime() + DEADLINE.toNanos();
    while ((used() < CONTROL_SIZE || staged() > 0) && System.nanoTime() < deadline) {
      Thread.sleep(20);
    }
    assertThat(staged()).isZero();
    assertThat(used() / SIZE).isEqualTo(4);
    assertThat(Files.readAllBytes(mount.resolve("raw/new"))).hasSize(SIZE);
  }

  private long used() throws Exception {
    return status().path("cache").path("used_bytes").asLong();
  }

  private long staged() throws IOException {
    try (Stream<Path> files = Files.walk(directory.resolve("cache/staging"))) {
      return files.filter(Files::isRegularFile).count();
    } catch (UncheckedIOException e) {
      return 1; // It changed under the walk.
    }
  }

  /**
   * Reads files one after the other, and at last one that no list covers.
   *
   * @return how many times {@link #SIZE} bytes are in the cache when that one is; it has four
   */
  @SuppressWarnings("BusyWait") // There is nothing to be notified by.
  private long cachedAfterReading(String... names) throws Exception {
    for (String name : names) {
      assertThat(Files.readAllBytes(mount.resolve(name))).hasSize(SIZE);
    }
    assertThat(Files.readAllBytes(mount.resolve("control"))).hasSize(CONTROL_SIZE);
    long deadline = System.nanoTime() + DEADLINE.toNanos();
    long used = 0;
    while (used < CONTROL_SIZE && System.nanoTime() < deadline) {
      used = used();
      Thread.sleep(20);
    }
    return used / SIZE;
  }

  private JsonNode status() throws Exception {
    return new AdminClient(
            new RunDirectory(directory.resolve("run")).socket(directory.resolve("cache")), json)
        .status(DEADLINE);
  }

  private void start(String conf) throws Exception {
    Path file = directory.resolve("mounts.conf");
    Files.writeString(
        file,
        """
        %s
        storage.cache.default_base_dir = "%s"
        mounts.a { path = "%s", scope = local, source = "file://%s?as=bucket" }
        """
            .formatted(conf, directory.resolve("cache"), mount, directory.resolve("bucket")));
    Daemon daemon =
        new Wiring(Map.of(), new RunDirectory(directory.resolve("run")), json, Clock.systemUTC())
            .daemon(new ConfigParser(Map.of(), new ThisNode()).parseFiles(List.of(file)), false);
    running = daemon::close;
    daemon.start();
  }
}
