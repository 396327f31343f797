package io.tiermount.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.tiermount.backends.os.LibC;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * SEMANTICS L7 with a stand-in for systemd's descriptor store; SystemdBootTest has the real one.
 */
final class SystemdStoreTest {
  private static final int DEADLINE_SECONDS = 60;
  private static final int BYTES = 3 << 20;

  @TempDir private Path directory = Path.of("");
  private Tiermount tiermount = new Tiermount(directory, Map.of());
  private final BlockingQueue<String> lines = new LinkedBlockingQueue<>();
  private @Nullable Path socket;

  @BeforeEach
  void prepare() throws Exception {
    tiermount = new Tiermount(directory, Map.of());
    assumeTrue(
        LibC.getuid() == 0 && Files.exists(Path.of("/dev/fuse")),
        "taking over needs root and FUSE");
    assumeTrue(tiermount.sh("command -v python3").code() == 0, "no python3 here");
    // sun_path holds 107 bytes, and JUnit's directories are long on some machines.
    socket = Files.createTempDirectory(Path.of("/tmp"), "store").resolve("s");
  }

  @AfterEach
  void stop() throws Exception {
    tiermount.close();
    if (socket != null) {
      Files.deleteIfExists(socket);
      Files.deleteIfExists(Path.of(String.valueOf(socket.getParent())));
    }
  }

  private String await(String start) throws InterruptedException {
    List<String> heard = new ArrayList<>();
    long endNanos = System.nanoTime() + TimeUnit.SECONDS.toNanos(DEADLINE_SECONDS);
    while (true) {
      @Nullable String line = lines.poll(endNanos - System.nanoTime(), TimeUnit.NANOSECONDS);
      assertThat(line).as("%s; what was said instead: %s", start, heard).isNotNull();
      if (line.startsWith(start)) {
        return line.substring(start.length());
      }
      heard.add(line);
    }
  }

  @Test
  void l7_systemds_store_keeps_the_mounts_over_a_restart_and_lets_go_at_a_stop() throws Exception {
    byte[] content = new byte[BYTES];
    new Random(3).nextBytes(content);
    Path bucket = Files.createDirectories(directory.resolve("bucket"));
    Files.write(bucket.resolve("file"), content);
    Path at = directory.resolve("mnt");
    Path config =
        Files.writeString(
            directory.resolve("mounts.conf"),
            """
            storage.cache.default_base_dir = "%1$s/cache"
            mounts.m {
              path = "%1$s/mnt", scope = shared, prefix = "", source = "file://%1$s/bucket?as=bucket"
            }
            """
                .formatted(directory));
    Path script = directory.resolve("descriptor-store.py");
    try (InputStream in =
        SystemdStoreTest.class.getResourceAsStream("/io/tiermount/daemon/descriptor-store.py")) {
      Files.copy(Objects.requireNonNull(in), script);
    }
    List<String> command =
        new ArrayList<>(List.of("python3", script.toString(), String.valueOf(socket)));
    command.addAll(Tiermount.command("daemon", "--config", config.toString()));
    Process store = tiermount.start(command);
    BufferedReader said = store.inputReader();
    Thread.ofPlatform().daemon().start(() -> said.lines().forEach(lines::add));

    String pid = await("started ");
    await("READY=1");
    try (ExecutorService reader = Executors.newSingleThreadExecutor();
        FileChannel file = FileChannel.open(at.resolve("file"))) {
      assertThat(reader.submit(() -> read(file, BYTES / 3)).get(DEADLINE_SECONDS, TimeUnit.SECONDS))
          .isEqualTo(slice(content, 0, BYTES / 3));
      for (String signal : List.of("TERM", "KILL")) {
        assertThat(tiermount.sh("kill -" + signal + " " + pid).code()).isZero();
        pid = await("started ");
        await("READY=1");
        int from = (int) file.position();
        assertThat(
                reader.submit(() -> read(file, BYTES / 3)).get(DEADLINE_SECONDS, TimeUnit.SECONDS))
            .as("a descriptor from before SIG%s", signal)
            .isEqualTo(slice(content, from, BYTES / 3));
        assertThat(tiermount.sh("timeout 30 cmp '%s/file' '%s/file'".formatted(at, bucket)).code())
            .isZero();
        assertThat(tiermount.sh("echo %1$s > '%2$s/%1$s'".formatted(signal, at)).code()).isZero();
      }
    }
    assertThat(tiermount.sh("kill -INT " + pid).code()).isZero();
    await("ended 0");
    assertThat(MountTable.ofProcess().at(at)).isEmpty();
    assertThat(Files.readString(bucket.resolve("TERM"))).isEqualTo("TERM\n");
    assertThat(Files.readString(bucket.resolve("KILL"))).isEqualTo("KILL\n");
  }

  private static byte[] read(FileChannel file, int count) throws IOException {
    ByteBuffer into = ByteBuffer.allocate(count);
    while (into.hasRemaining() && file.read(into) >= 0) {}
    return into.array();
  }

  private static byte[] slice(byte[] content, int from, int count) {
    return Arrays.copyOfRange(content, from, from + count);
  }
}
