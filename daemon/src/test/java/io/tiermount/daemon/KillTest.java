package io.tiermount.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * SEMANTICS W2, W3, W4: the daemon is killed at random moments under a writer that notes what was
 * acknowledged. {@code -Dtiermount.kills=N} and {@code -Dtiermount.kill.seed=N} change the run.
 */
class KillTest {
  private static final int KILLS = Integer.getInteger("tiermount.kills", 8);
  private static final long SEED = Long.getLong("tiermount.kill.seed", new Random().nextLong());
  private static final int NAMES = 12;
  private static final int LARGE_BYTES = 12 << 20;

  @TempDir Path directory;
  private Tiermount tiermount = new Tiermount(Path.of("."), Map.of());
  private Path at = Path.of(".");
  private final Random random = new Random(SEED);

  /** What each name holds for sure; no entry: nothing. */
  private final Map<String, byte[]> acknowledged = new HashMap<>();

  /** What the operation that the kill interrupted may have made of its names; null for nothing. */
  private final Map<String, byte @Nullable []> unanswered = new HashMap<>();

  @BeforeEach
  void start() throws IOException {
    System.out.println("seed of KillTest: " + SEED);
    tiermount = new Tiermount(directory, Map.of());
    at = Files.createDirectories(directory.resolve("mnt"));
    Files.createDirectories(directory.resolve("bucket"));
  }

  @AfterEach
  void end() throws IOException {
    tiermount.close();
  }

  /**
   * The name that a new file is being written under; no rename over it, which shows all or nothing.
   */
  private volatile String making = "";

  /** W4. */
  @Test
  void nothing_acknowledged_is_lost_and_nothing_torn_is_seen_local() throws Exception {
    kills("local", KILLS * 3 / 4);
  }

  /** W4. */
  @Test
  void nothing_acknowledged_is_lost_and_nothing_torn_is_seen_remote() throws Exception {
    kills("remote", KILLS - KILLS * 3 / 4);
  }

  private void kills(String durability, int times) throws Exception {
    String source = "file://" + directory.resolve("bucket") + "?as=bucket";
    String options = "write.durability=" + durability + ",write.max_dirty_age=2s";
    for (int kill = 0; kill <= times; kill++) {
      assertThat(tiermount.mount(source, at, options).path("state").asText()).isEqualTo("ready");
      check(at);
      if (kill == times) {
        break;
      }
      ProcessHandle daemon =
          ProcessHandle.of(tiermount.daemon().path("pid").asLong()).orElseThrow();
      Thread writer = Thread.ofPlatform().start(this::writeUntilItFails);
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(50 + random.nextInt(1500)));
      daemon.destroyForcibly();
      daemon.onExit().get(30, TimeUnit.SECONDS);
      assertThat(writer.join(Duration.ofSeconds(30))).isTrue();
    }
    awaitSent();
    check(directory.resolve("bucket"));
    assertThat(tiermount.run("umount", at.toString()).code()).isZero();
    tiermount.awaitNoDaemon();
  }

  private void awaitSent() throws Exception {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (tiermount.mount().path("pending_changes").asInt() > 0) {
      assertThat(System.nanoTime()).as("all is sent").isLessThan(end);
    }
  }

  /** What is there is what was acknowledged, or what the last operation would have made of it. */
  private void check(Path root) throws IOException {
    for (int i = 0; i < NAMES; i++) {
      String name = "f" + i;
      Path file = root.resolve(name);
      byte[] there = Files.exists(file) ? Files.readAllBytes(file) : null;
      byte[] sure = acknowledged.get(name);
      boolean right = Arrays.equals(there, sure);
      if (!right && unanswered.containsKey(name)) {
        byte[] last = unanswered.get(name);
        // That a new file was made had been answered: it is there, without the content that was
        // not.
        boolean made = name.equals(making) && there != null && there.length == 0;
        right = made || Arrays.equals(there, last);
      }
      assertThat(right)
          .as(
              "%s in %s holds %s bytes; acknowledged %s, unanswered %s, seed %s",
              name,
              root,
              there == null ? "no" : there.length,
              sure == null ? "none" : sure.length,
              unanswered.containsKey(name) ? "yes" : "no",
              SEED)
          .isTrue();
      if (there == null) {
        acknowledged.remove(name);
      } else {
        acknowledged.put(name, there);
      }
    }
    unanswered.clear();
    making = "";
    try (Stream<Path> names = Files.list(root)) {
      List<String> others =
          names
              .map(path -> path.getFileName().toString())
              .filter(name -> !name.matches("f\\d+|tmp|\\.tiermount.*"))
              .toList();
      assertThat(others).isEmpty();
    }
  }

  private void writeUntilItFails() {
    try {
      while (true) {
        step();
      }
    } catch (IOException e) {
      // The daemon was killed: what was under way stays in `unanswered`.
      return;
    }
  }

  private void step() throws IOException {
    String name = "f" + random.nextInt(NAMES);
    Path file = at.resolve(name);
    byte[] old = acknowledged.get(name);
    switch (random.nextInt(5)) {
      case 0, 1 -> {
        if (old != null) {
          replace(name, file);
        } else {
          byte[] content = content();
          attempt(name, content);
          making = name;
          write(file, content, StandardOpenOption.CREATE_NEW);
          making = "";
          done(name, content);
        }
      }
      case 2 -> replace(name, file);
      case 3 -> {
        if (old != null) {
          byte[] more = new byte[1 + random.nextInt(4096)];
          random.nextBytes(more);
          byte[] content = Arrays.copyOf(old, old.length + more.length);
          System.arraycopy(more, 0, content, old.length, more.length);
          attempt(name, content);
          write(file, more, StandardOpenOption.APPEND);
          done(name, content);
        }
      }
      default -> {
        if (old != null) {
          attempt(name, null);
          Files.delete(file);
          done(name, null);
        }
      }
    }
  }

  /** Writes a temporary file and renames it over the name. */
  private void replace(String name, Path file) throws IOException {
    byte[] content = content();
    Path temporary = at.resolve("tmp");
    Files.deleteIfExists(temporary);
    write(temporary, content, StandardOpenOption.CREATE_NEW);
    attempt(name, content);
    Files.move(
        temporary, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    done(name, content);
  }

  private void write(Path file, byte[] content, StandardOpenOption how) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE, how)) {
      ByteBuffer bytes = ByteBuffer.wrap(content);
      while (bytes.hasRemaining()) {
        int _ = channel.write(bytes);
      }
      if (random.nextInt(4) == 0) {
        channel.force(true);
      }
    }
  }

  private byte[] content() {
    int size = random.nextInt(20) == 0 ? LARGE_BYTES : 1 + random.nextInt(200_000);
    byte[] bytes = new byte[size];
    random.nextBytes(bytes);
    return bytes;
  }

  private void attempt(String name, byte @Nullable [] content) {
    unanswered.put(name, content);
  }

  private void done(String name, byte @Nullable [] content) {
    unanswered.remove(name);
    if (content == null) {
      acknowledged.remove(name);
    } else {
      acknowledged.put(name, content);
    }
  }
}
