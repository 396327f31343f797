package io.tiermount.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.tiermount.backends.os.LibC;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * SEMANTICS L1–L6: the daemon is killed and ended under programs that have files open. {@code
 * -Dtiermount.restarts=N} changes how often the soak does it.
 */
final class TakeOverTest {
  private static final int SOAK = Integer.getInteger("tiermount.restarts", 100);
  private static final int BIG_BYTES = 12 << 20;
  private static final int WHOLE_BYTES = 2 << 20;
  private static final int NAMES = 2_500;
  private static final int WAIT_SECONDS = 60;

  @TempDir private Path directory = Path.of("");
  private Tiermount tiermount = new Tiermount(Path.of("."), Map.of());
  private Path at = Path.of("");
  private final byte[] content = new byte[BIG_BYTES];
  private final AtomicBoolean over = new AtomicBoolean();
  private final ConcurrentLinkedQueue<Throwable> errors = new ConcurrentLinkedQueue<>();
  private final AtomicLong longestStallNanos = new AtomicLong();
  private final List<Thread> programs = new ArrayList<>();

  @BeforeEach
  void prepare() throws IOException {
    assumeTrue(
        LibC.getuid() == 0 && Files.exists(Path.of("/dev/fuse")),
        "taking over needs root and FUSE");
    tiermount = new Tiermount(directory, Map.of("TIERMOUNT_KEEPER", "on"));
    at = Files.createDirectories(directory.resolve("mnt"));
    new Random(11).nextBytes(content);
    Path many = Files.createDirectories(directory.resolve("bucket/many"));
    Files.write(directory.resolve("bucket/big"), content);
    Files.write(directory.resolve("bucket/whole"), slice(0, WHOLE_BYTES));
    for (int i = 0; i < NAMES; i++) {
      Files.write(many.resolve("name %05d".formatted(i)), new byte[] {(byte) i});
    }
  }

  @AfterEach
  void end() throws Exception {
    over.set(true);
    tiermount.close();
    for (Thread program : programs) {
      program.join(TimeUnit.SECONDS.toMillis(WAIT_SECONDS));
    }
  }

  /** L1, L2. */
  @Test
  void readers_notice_neither_a_kill_nor_sigterm() throws Exception {
    readersOver(2);
  }

  /** L1, L2. */
  @Test
  @Tag("soak")
  void readers_notice_no_kill_of_many() throws Exception {
    readersOver(SOAK);
  }

  private void readersOver(int restarts) throws Exception {
    mount("");
    warm();
    try (FileChannel cached = FileChannel.open(at.resolve("big"));
        FileChannel through = FileChannel.open(at.resolve("whole"))) {
      MappedByteBuffer mapped = through.map(MapMode.READ_ONLY, 0, WHOLE_BYTES);
      assertThat(tiermount.mount().path("passthrough_opens").asInt()).isPositive();
      program("streaming", this::readWhole);
      program("random", () -> readAt(cached, BIG_BYTES));
      program("passthrough", () -> readAt(through, WHOLE_BYTES));
      program("mapping", () -> readMapped(mapped));
      program("directory", this::readDirectory);
      program("stat", () -> assertThat(Files.size(at.resolve("big"))).isEqualTo(BIG_BYTES));
      for (int i = 0; i < restarts && errors.isEmpty(); i++) {
        restart(i % 2 == 1);
      }
      endPrograms();
      assertThat(tiermount.mount().path("open_files").asInt()).isEqualTo(2);
    }
    System.out.printf(
        "longest stall of a reader over %d restarts: %d ms%n",
        restarts, TimeUnit.NANOSECONDS.toMillis(longestStallNanos.get()));
    stop();
  }

  /** L5, L6. */
  @Test
  void writers_notice_neither_a_kill_nor_sigterm_local() throws Exception {
    writersOver("local", 2);
  }

  /** L5, L6. */
  @Test
  void writers_notice_neither_a_kill_nor_sigterm_remote() throws Exception {
    writersOver("remote", 2);
  }

  /** L5, L6. */
  @Test
  @Tag("soak")
  void writers_notice_no_kill_of_many() throws Exception {
    writersOver("local", SOAK);
  }

  private void writersOver(String durability, int restarts) throws Exception {
    mount(",write.max_dirty_age=2s,write.durability=" + durability);
    Files.createDirectories(at.resolve("made"));
    StringBuilder logged = new StringBuilder();
    Map<String, String> renamed = new ConcurrentHashMap<>();
    ByteBuffer kept = ByteBuffer.wrap(slice(0, 300_000));
    try (FileChannel log = open("log", StandardOpenOption.CREATE_NEW, StandardOpenOption.APPEND);
        FileChannel gone = open("gone", StandardOpenOption.CREATE_NEW, StandardOpenOption.READ);
        FileChannel late = open("late", StandardOpenOption.CREATE_NEW)) {
      writeAll(gone, kept.duplicate(), 0);
      Files.delete(at.resolve("gone"));
      writeAll(late, kept.duplicate(), 0);
      program("appender", () -> append(log, logged));
      program("renamer", () -> createAndRename(renamed));
      program("directories", this::makeAndRemove);
      program("unlinked", () -> checkAll(gone, kept));
      if (restarts == SOAK) {
        program("truncating", this::truncate);
      }
      for (int i = 0; i < restarts && errors.isEmpty(); i++) {
        restart(i % 2 == 1);
      }
      endPrograms();
      writeAll(late, kept.duplicate(), kept.limit());
    }
    System.out.printf(
        "longest stall of a writer over %d restarts: %d ms%n",
        restarts, TimeUnit.NANOSECONDS.toMillis(longestStallNanos.get()));
    stop();
    Path bucket = directory.resolve("bucket");
    assertThat(Files.readString(bucket.resolve("log"))).isEqualTo(logged.toString());
    assertThat(Files.size(bucket.resolve("late"))).isEqualTo(2L * kept.limit());
    assertThat(bucket.resolve("gone")).doesNotExist();
    for (Map.Entry<String, String> each : renamed.entrySet()) {
      assertThat(bucket.resolve("made").resolve(each.getKey())).hasContent(each.getValue());
    }
    try (DirectoryStream<Path> names = Files.newDirectoryStream(bucket.resolve("made"), "tmp*")) {
      assertThat(names).isEmpty();
    }
  }

  private FileChannel open(String name, StandardOpenOption... options) throws IOException {
    Set<StandardOpenOption> all = new HashSet<>(List.of(options));
    all.add(StandardOpenOption.WRITE);
    return FileChannel.open(at.resolve(name), all);
  }

  private static void writeAll(FileChannel file, ByteBuffer bytes, long offset) throws IOException {
    long at = offset;
    while (bytes.hasRemaining()) {
      at += file.write(bytes, at);
    }
  }

  private static void checkAll(FileChannel file, ByteBuffer expected) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(expected.limit());
    while (bytes.hasRemaining() && file.read(bytes, bytes.position()) > 0) {}
    assertThat(bytes.flip()).isEqualTo(expected);
    LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
  }

  private void append(FileChannel log, StringBuilder logged) throws Exception {
    String line = "line " + logged.length() + "\n";
    logged.append(line);
    timed(() -> {
      ByteBuffer bytes = ByteBuffer.wrap(line.getBytes(StandardCharsets.UTF_8));
      assertThat(log.write(bytes)).isEqualTo(line.length());
      if (logged.length() % 7 == 0) {
        log.force(true);
      }
    });
  }

  private int round;

  /** A create that happened twice would give EEXIST, a rename ENOENT. */
  private void createAndRename(Map<String, String> renamed) throws Exception {
    round++;
    Path temporary = at.resolve("made/tmp" + round);
    String name = "f" + round % 10;
    String text = "round " + round;
    timed(() -> Files.writeString(temporary, text, StandardOpenOption.CREATE_NEW));
    timed(() ->
        Files.move(
            temporary,
            at.resolve("made").resolve(name),
            StandardCopyOption.ATOMIC_MOVE,
            StandardCopyOption.REPLACE_EXISTING));
    renamed.put(name, text);
    if (round % 4 == 0) {
      Files.delete(at.resolve("made").resolve(name));
      renamed.remove(name);
    }
  }

  private void makeAndRemove() throws Exception {
    Path made = at.resolve("made/dir");
    timed(() -> Files.createDirectory(made));
    timed(() -> Files.createSymbolicLink(made.resolve("link"), Path.of("target")));
    timed(() -> Files.delete(made.resolve("link")));
    timed(() -> Files.delete(made));
  }

  private void truncate() throws Exception {
    Path file = at.resolve("made/cut");
    timed(() -> Files.write(file, slice(0, 70_000)));
    try (FileChannel open = FileChannel.open(file, StandardOpenOption.WRITE)) {
      timed(() -> open.truncate(1_000));
    }
    assertThat(Files.readAllBytes(file)).isEqualTo(slice(0, 1_000));
  }

  /** L3. */
  @Test
  void a_real_stop_unmounts_and_ends_the_keeper() throws Exception {
    mount("");
    assertThat(tiermount.keepers()).hasSize(1);
    stop();
  }

  /** L4. */
  @Test
  void without_daemon_and_keeper_the_mount_is_dead_and_the_next_start_clears_it() throws Exception {
    mount("");
    ProcessHandle daemon = daemon();
    tiermount.killForGood(daemon);
    daemon.onExit().get(WAIT_SECONDS, TimeUnit.SECONDS);
    assertThatThrownBy(() -> Files.size(at.resolve("whole")))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("not connected");
    mount("");
    assertThat(Files.readAllBytes(at.resolve("whole"))).isEqualTo(slice(0, WHOLE_BYTES));
    stop();
  }

  private void stop() throws Exception {
    List<ProcessHandle> keepers = tiermount.keepers();
    assertThat(tiermount.run("stop").code()).isZero();
    assertThat(MountTable.ofProcess().at(at)).isEmpty();
    for (ProcessHandle keeper : keepers) {
      keeper.onExit().get(WAIT_SECONDS, TimeUnit.SECONDS);
    }
    tiermount.awaitNoDaemon();
  }

  private void mount(String options) throws Exception {
    String source = "file://" + directory.resolve("bucket") + "?as=bucket";
    JsonNode mounted = tiermount.mount(source, at, "cache.verify=on_open" + options);
    assertThat(mounted.path("state").asText()).isEqualTo("ready");
  }

  /** The first reading brings it into the cache, the second one is in passthrough. */
  private void warm() throws Exception {
    assertThat(Files.readAllBytes(at.resolve("whole"))).isEqualTo(slice(0, WHOLE_BYTES));
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(WAIT_SECONDS);
    while (tiermount.mount().path("passthrough_opens").asInt() == 0) {
      assertThat(System.nanoTime()).as("it is opened in passthrough").isLessThan(end);
      Files.readAllBytes(at.resolve("whole"));
    }
  }

  private ProcessHandle daemon() throws Exception {
    return ProcessHandle.of(tiermount.daemon().path("pid").asLong()).orElseThrow();
  }

  /** Ends the daemon and waits for the next one. */
  private void restart(boolean gently) throws Exception {
    ProcessHandle before = daemon();
    if (gently) {
      before.destroy();
    } else {
      before.destroyForcibly();
    }
    before.onExit().get(WAIT_SECONDS, TimeUnit.SECONDS);
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(WAIT_SECONDS);
    while (!isReady(before.pid())) {
      assertThat(System.nanoTime()).as("the next daemon is up").isLessThan(end);
    }
  }

  private boolean isReady(long notPid) throws Exception {
    for (JsonNode daemon : tiermount.status().path("daemons")) {
      if (daemon.path("pid").asLong() != notPid
          && daemon.path("mounts").path(0).path("state").asText().equals("ready")) {
        return true;
      }
    }
    return false;
  }

  private interface Step {
    void run() throws Exception;
  }

  /** Runs a step again and again until the end; the time of the slowest is the longest stall. */
  private void program(String name, Step step) {
    programs.add(
        Thread.ofPlatform()
            .daemon()
            .name(name)
            .start(() -> {
              try {
                while (!over.get()) {
                  step.run();
                }
              } catch (Throwable e) {
                errors.add(new AssertionError(name + " failed: " + e, e));
              }
            }));
  }

  private void endPrograms() throws Exception {
    over.set(true);
    for (Thread program : programs) {
      program.join(TimeUnit.SECONDS.toMillis(WAIT_SECONDS));
      assertThat(program.isAlive()).as(program.getName() + " hangs").isFalse();
    }
    if (!errors.isEmpty()) {
      try (DirectoryStream<Path> logs =
          Files.newDirectoryStream(directory.resolve("run"), "*.err")) {
        for (Path log : logs) {
          System.err.println(Files.readString(log));
        }
      }
    }
    assertThat(errors).isEmpty();
  }

  private void timed(Step step) throws Exception {
    long began = System.nanoTime();
    step.run();
    longestStallNanos.accumulateAndGet(System.nanoTime() - began, Math::max);
    LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(2));
  }

  private void readWhole() throws Exception {
    try (FileChannel file = FileChannel.open(at.resolve("big"))) {
      for (int offset = 0; offset < BIG_BYTES && !over.get(); offset += 256 << 10) {
        int from = offset;
        timed(() -> check(file, from, 256 << 10));
      }
    }
  }

  private final Random random = new Random(5);

  private void readAt(FileChannel file, int size) throws Exception {
    int offset;
    synchronized (random) {
      offset = random.nextInt(size - 5000);
    }
    timed(() -> check(file, offset, 5000));
  }

  private void check(FileChannel file, int offset, int size) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(size);
    while (bytes.hasRemaining()) {
      int count = file.read(bytes, offset + bytes.position());
      assertThat(count).isPositive();
    }
    assertThat(bytes.array()).isEqualTo(slice(offset, size));
  }

  private void readMapped(MappedByteBuffer mapped) throws Exception {
    int offset;
    synchronized (random) {
      offset = random.nextInt(WHOLE_BYTES - 5000);
    }
    byte[] bytes = new byte[5000];
    timed(() -> mapped.get(offset, bytes));
    assertThat(bytes).isEqualTo(slice(offset, 5000));
  }

  /** Slowly enough that a restart comes between two pages of the kernel. */
  private void readDirectory() throws Exception {
    Set<String> seen = new HashSet<>();
    try (DirectoryStream<Path> names = Files.newDirectoryStream(at.resolve("many"))) {
      for (Path name : names) {
        assertThat(seen.add(String.valueOf(name.getFileName()))).as("%s comes once", name).isTrue();
        if (seen.size() % 50 == 0 && !over.get()) {
          LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20));
        }
      }
    }
    assertThat(seen).hasSize(NAMES);
  }

  private byte[] slice(int offset, int size) {
    return Arrays.copyOfRange(content, offset, offset + size);
  }
}
