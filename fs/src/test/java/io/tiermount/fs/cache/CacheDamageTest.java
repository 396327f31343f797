package io.tiermount.fs.cache;

import static io.tiermount.fs.cache.CacheHouse.BLOCK;
import static io.tiermount.fs.cache.CacheHouse.await;
import static io.tiermount.fs.cache.CacheHouse.readAndCompare;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.tiermount.backends.os.LibC;
import io.tiermount.fs.cache.BlockCache.VerifyReport;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * SEMANTICS R22, R23, R24: whatever happens to the cache's disk and to its process, no reader sees
 * a wrong byte.
 */
class CacheDamageTest {
  private static final long BUDGET = 64L << 20;
  private static final Duration BELIEVED = Duration.ofMillis(CheckedChunks.BELIEVED_MILLIS + 1);

  @TempDir Path directory;

  private static List<CountingSource> sources() {
    List<CountingSource> sources = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      sources.add(new CountingSource("file-" + i, (i + 1) * 1_700_000L));
    }
    return sources;
  }

  private static void fillAll(CacheHouse house) throws IOException {
    for (CountingSource source : sources()) {
      try (CachedFile file = house.open(source)) {
        house.fill(file, source);
      }
    }
  }

  private static void readAll(CacheHouse house) throws IOException {
    for (CountingSource source : sources()) {
      try (CachedFile file = house.open(source)) {
        for (long at = 0; at < source.sizeBytes; at += 333_333) {
          int length = (int) Math.min(333_333, source.sizeBytes - at);
          readAndCompare(file, source, at, length, false);
        }
      }
    }
  }

  private void assertBooks(CacheHouse house) throws IOException {
    assertThat(house.cache.stats().usedBytes())
        .isBetween(CacheHouse.allocatedBytes(directory), BUDGET);
  }

  /** R22: what was checked less than ten seconds ago is believed, and no longer. */
  @Test
  void a_chunk_is_checked_again_after_ten_seconds() throws Exception {
    CountingSource source = new CountingSource("believed", CacheHouse.CHUNK);
    try (CacheHouse house = new CacheHouse(directory, BUDGET);
        CachedFile file = house.open(source)) {
      CacheHouse.readAndCompare(file, source, 0, CacheHouse.CHUNK, false);
      CacheHouse.await("whole", file::isWhole);
      assertThat(CacheHouse.readCachedAndCompare(file, source, 100, 100)).isTrue();
      // Beside what is read, so that only the sum shows it.
      try (FileChannel channel =
          FileChannel.open(CacheHouse.dataFiles(directory).getFirst(), StandardOpenOption.WRITE)) {
        channel.write(ByteBuffer.wrap(new byte[20_000]), 30_000);
      }
      assertThat(CacheHouse.readCachedAndCompare(file, source, 100, 100)).isTrue();
      assertThat(house.cache.stats().badChunks()).isZero();
      house.skip(BELIEVED);
      assertThat(CacheHouse.readCachedAndCompare(file, source, 100, 100)).isFalse();
      assertThat(house.cache.stats().badChunks()).isEqualTo(1);
      // Fetched again, it is another generation, of which nothing is believed yet.
      CacheHouse.readAndCompare(file, source, 100, 30_100, true);
    }
  }

  /** R22. */
  @Test
  void a_wrong_byte_on_disk_is_never_served() throws Exception {
    corruptAndRead(Rounds.of(4));
  }

  /** R22. */
  @Test
  @Tag("soak")
  void a_wrong_byte_on_disk_is_never_served_in_a_thousand_trials() throws Exception {
    corruptAndRead(Rounds.soak(1000));
  }

  private void corruptAndRead(Rounds rounds) throws IOException {
    long seed = System.nanoTime();
    System.out.println("seed " + seed);
    Random random = new Random(seed);
    try (CacheHouse house = new CacheHouse(directory, BUDGET)) {
      fillAll(house);
      while (rounds.next()) {
        corruptData(random);
        house.skip(BELIEVED);
        readAll(house);
      }
      assertThat(house.cache.stats().badChunks()).isPositive();
      fillAll(house);
      corruptData(random);
      VerifyReport report = house.cache.verify(_ -> {});
      assertThat(report.badChunks()).isPositive();
      assertThat(report.contents()).isEqualTo(5);
      assertThat(house.cache.verify(_ -> {}).badChunks()).isZero();
      readAll(house);
      assertBooks(house);
    }
  }

  private void corruptData(Random random) throws IOException {
    for (Path file : CacheHouse.dataFiles(directory)) {
      try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
        byte[] garbage = new byte[1 + random.nextInt(200_000)];
        random.nextBytes(garbage);
        int limit = (int) Math.min(garbage.length, channel.size());
        long offset = random.nextLong(channel.size() - limit + 1);
        channel.write(ByteBuffer.wrap(garbage, 0, limit), offset);
      }
    }
  }

  /** R24. */
  @Test
  void without_its_index_the_cache_begins_anew_and_leaves_nothing_behind() throws Exception {
    try (CacheHouse house = new CacheHouse(directory, BUDGET)) {
      fillAll(house);
    }
    List<Path> old = CacheHouse.dataFiles(directory);
    deleteTree(directory.resolve("index"));
    try (CacheHouse house = new CacheHouse(directory, BUDGET)) {
      readAll(house);
      await("the old files are gone", () -> old.stream().noneMatch(Files::exists) && !hasTrash());
      fillAll(house);
      assertBooks(house);
    }
  }

  private boolean hasTrash() {
    try (Stream<Path> files = Files.list(directory)) {
      return files.anyMatch(f -> f.getFileName().toString().startsWith("trash-"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void deleteTree(Path root) throws IOException {
    try (Stream<Path> files = Files.walk(root)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }

  /** R24: the cache's side; {@code MetaStoresTest} shows that {@code state/} stays. */
  @Test
  void a_damaged_index_costs_fetches_but_no_wrong_byte() throws Exception {
    long seed = System.nanoTime();
    System.out.println("seed " + seed);
    Random random = new Random(seed);
    for (int round = 0; round < 6; round++) {
      try (CacheHouse house = new CacheHouse(directory, BUDGET)) {
        readAll(house);
        assertThat(house.cache.stats().usedBytes()).as("seed %d", seed).isLessThanOrEqualTo(BUDGET);
      }
      List<Path> files;
      try (Stream<Path> listed = Files.list(directory.resolve("index"))) {
        files = listed.filter(Files::isRegularFile).toList();
      }
      Path file = files.get(random.nextInt(files.size()));
      byte[] content = Files.readAllBytes(file);
      if (random.nextBoolean()) {
        Files.write(file, Arrays.copyOf(content, content.length / 2));
      } else {
        random.nextBytes(content);
        Files.write(file, content);
      }
    }
  }

  @Test
  void a_file_the_index_does_not_know_is_removed() throws Exception {
    try (CacheHouse house = new CacheHouse(directory, BUDGET)) {
      fillAll(house);
    }
    Path stray = directory.resolve("data/00/0000000000000100");
    Files.write(stray, new byte[100_000]);
    try (CacheHouse house = new CacheHouse(directory, BUDGET)) {
      await("the stray file is gone", () -> !Files.exists(stray));
      assertThat(CacheHouse.dataFiles(directory)).hasSize(5);
      readAll(house);
    }
  }

  /** R24. */
  @Test
  void a_killed_process_leaves_nothing_torn_and_what_it_cached() throws Exception {
    killAndRead(Rounds.of(5));
  }

  /** R24. */
  @Test
  @Tag("soak")
  void a_process_killed_fifty_times_leaves_nothing_torn() throws Exception {
    killAndRead(Rounds.soak(50));
  }

  private void killAndRead(Rounds rounds) throws Exception {
    long seed = System.nanoTime();
    System.out.println("seed " + seed);
    Random random = new Random(seed);
    long survived = 0;
    while (rounds.next()) {
      Process child = startReader();
      try (BufferedReader out =
          new BufferedReader(
              new InputStreamReader(child.getInputStream(), StandardCharsets.UTF_8))) {
        String line = out.readLine();
        for (int lines = random.nextInt(40); line != null && lines > 0; lines--) {
          line = out.readLine();
        }
        assertThat(line).as("the reader ended by itself").isNotNull();
      } finally {
        child.destroyForcibly().waitFor();
      }
      try (CacheHouse house = new CacheHouse(directory, CacheReaderMain.BUDGET)) {
        long used = house.cache.stats().usedBytes();
        assertThat(used)
            .as("seed %d %s", seed, rounds)
            .isBetween(CacheHouse.allocatedBytes(directory), CacheReaderMain.BUDGET);
        VerifyReport report = house.cache.verify(_ -> {});
        assertThat(report.badChunks()).isZero();
        survived += report.bytes();
        for (CountingSource source : CacheReaderMain.sources()) {
          try (CachedFile file = house.open(source)) {
            readAndCompare(file, source, 0, (int) source.sizeBytes, false);
          }
        }
      }
    }
    assertThat(survived).as("seed %d: bytes found after a kill", seed).isPositive();
  }

  private Process startReader() throws IOException {
    Path java = Path.of(System.getProperty("java.home"), "bin", "java");
    return new ProcessBuilder(
            java.toString(),
            "--enable-native-access=ALL-UNNAMED",
            "--sun-misc-unsafe-memory-access=allow",
            "-Xmx256m",
            "-cp",
            System.getProperty("java.class.path"),
            CacheReaderMain.class.getName(),
            directory.toString())
        .redirectError(ProcessBuilder.Redirect.INHERIT)
        .start();
  }

  /** R23. */
  @Test
  void a_full_disk_never_reaches_a_reader() throws Exception {
    onSmallDisk(CacheDamageTest::fillDiskWhileReading);
  }

  private interface Work {
    void on(Path disk) throws IOException;
  }

  private void onSmallDisk(Work work) throws IOException {
    assumeThat(LibC.getuid()).as("root may mount").isZero();
    Path disk = Files.createDirectory(directory.resolve("disk"));
    LibC.mount("tmpfs", disk.toString(), "tmpfs", 0, "size=96m,mode=700");
    try {
      work.on(disk);
    } finally {
      LibC.umount2(disk.toString(), LibC.MNT_DETACH);
    }
  }

  /** R23. */
  @Test
  void min_free_bytes_stay_free_whatever_is_read() throws Exception {
    onSmallDisk(disk -> {
      long minFree = 48L << 20;
      try (CacheHouse house = CacheHouse.leaving(disk, minFree)) {
        for (int i = 0; i < 40; i++) {
          CountingSource source = new CountingSource("more-" + i, 4 * BLOCK);
          try (CachedFile file = house.open(source)) {
            readAndCompare(file, source, 0, 4 * BLOCK, false);
          }
          // The index lies there too, and is no block: what it writes meanwhile is the tolerance.
          assertThat(Files.getFileStore(disk).getUsableSpace())
              .as("file %d", i)
              .isGreaterThan(minFree - (4 << 20));
        }
        assertThat(house.cache.stats().evictedBytes()).isPositive();
      }
    });
  }

  /** R23. */
  @Test
  void a_broken_disk_never_reaches_a_reader() throws Exception {
    try (CacheHouse house = new CacheHouse(directory, BUDGET)) {
      fillAll(house);
      deleteTree(directory.resolve("data"));
      Files.createFile(directory.resolve("data"));
      readAll(house);
      CountingSource source = new CountingSource("new", 4 * BLOCK);
      try (CachedFile file = house.open(source)) {
        readAndCompare(file, source, 0, 4 * BLOCK, false);
        readAndCompare(file, source, 0, 4 * BLOCK, true);
      }
      await("the trouble is told", () -> house.cache.stats().troubles() > 0);
    }
  }

  private static void fillDiskWhileReading(Path disk) throws IOException {
    Path filler = disk.resolve("filler");
    try (CacheHouse house = new CacheHouse(disk, Long.MAX_VALUE)) {
      readAll(house);
      try (FileChannel channel =
          FileChannel.open(filler, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
        ByteBuffer block = ByteBuffer.allocate(64 << 10);
        while (Files.getFileStore(disk).getUsableSpace() > 0) {
          channel.write(block.clear());
        }
      } catch (IOException e) {
        // Full, as it should be.
        assertThat(Files.getFileStore(disk).getUsableSpace()).isLessThan(1 << 20);
      }
      for (int i = 0; i < 3; i++) {
        CountingSource source = new CountingSource("new-" + i, 4 * BLOCK);
        try (CachedFile file = house.open(source)) {
          readAndCompare(file, source, 0, 4 * BLOCK, false);
          readAndCompare(file, source, 0, 4 * BLOCK, true);
        }
        readAll(house);
      }
      Files.delete(filler);
      CountingSource source = new CountingSource("after", 4 * BLOCK);
      try (CachedFile file = house.open(source)) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (!file.isWhole()) {
          assertThat(System.nanoTime()).as("kept again").isLessThan(deadline);
          readAndCompare(file, source, 0, 4 * BLOCK, false);
        }
      }
    }
  }
}
