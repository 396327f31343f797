package io.tiermount.fs.cache;

import static io.tiermount.fs.cache.CacheHouse.BLOCK;
import static io.tiermount.fs.cache.CacheHouse.await;
import static io.tiermount.fs.cache.CacheHouse.readAndCompare;
import static io.tiermount.fs.cache.CacheHouse.readCachedAndCompare;
import static org.assertj.core.api.Assertions.assertThat;

import io.tiermount.backends.os.LibC;
import io.tiermount.fs.cache.CacheOptions.Verify;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** SEMANTICS R23: seeded random work on a cache that is far too small for it. */
class BlockCacheStressTest {
  private static final long BUDGET = 24L << 20;

  @TempDir Path directory;

  @ParameterizedTest
  @EnumSource(
      value = Verify.class,
      names = {"ON_OPEN", "OFF"})
  void random_reads_are_right_under_eviction_and_the_ceiling_holds_at_all_times(Verify verify)
      throws Exception {
    long seed = System.nanoTime();
    System.out.println("seed " + seed);
    List<CountingSource> sources = sources(seed, 14);
    AtomicBoolean done = new AtomicBoolean();
    try (CacheHouse house =
            new CacheHouse(directory, BUDGET, verify, BlockCache.Limits.DEFAULT, Long.MAX_VALUE);
        ExecutorService pool = Executors.newCachedThreadPool()) {
      Future<Long> watcher = pool.submit(() -> watch(house, done));
      List<Future<?>> workers = new ArrayList<>();
      for (int i = 0; i < 6; i++) {
        Random random = new Random(seed + i);
        workers.add(pool.submit(() -> work(house, sources, random)));
      }
      try {
        for (Future<?> worker : workers) {
          worker.get();
        }
      } finally {
        done.set(true);
      }
      assertThat(watcher.get()).as("looks at the disk").isPositive();
      assertThat(house.cache.stats().evictedExtents()).isPositive();
      assertThat(house.cache.stats().troubles()).isZero();
      assertThat(house.cache.stats().badChunks()).isZero();
    }
    // The books are right: whatever was left is what the disk holds at most.
    try (CacheHouse house = new CacheHouse(directory, BUDGET)) {
      long used = house.cache.stats().usedBytes();
      assertThat(used).isBetween(CacheHouse.allocatedBytes(directory), BUDGET);
      assertThat(house.cache.verify(_ -> {}).badChunks()).isZero();
      house.cache.evictAll(null);
      await("held files are gone", () -> house.cache.stats().usedBytes() == 0);
      assertThat(CacheHouse.dataFiles(directory)).isEmpty();
    }
  }

  private static List<CountingSource> sources(long seed, int count) {
    Random random = new Random(seed);
    List<CountingSource> sources = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      long size = i % 3 == 0 ? random.nextInt(200_000) : random.nextInt(9 * BLOCK);
      sources.add(new CountingSource("file-" + i, size));
    }
    return sources;
  }

  private static long watch(CacheHouse house, AtomicBoolean done) throws IOException {
    long looks = 0;
    while (!done.get()) {
      assertThat(house.cache.stats().usedBytes()).isLessThanOrEqualTo(BUDGET);
      // Files of one walk may have been punched before others of it grew: twice the write size.
      long onDisk = CacheHouse.allocatedBytes(house.directory);
      assertThat(onDisk).isLessThanOrEqualTo(BUDGET + 2 * Chunks.EXTENT_BYTES);
      looks++;
    }
    return looks;
  }

  private static Object work(CacheHouse house, List<CountingSource> sources, Random random)
      throws IOException {
    for (int i = 0; i < 120; i++) {
      CountingSource source = sources.get(random.nextInt(sources.size()));
      try (CachedFile file = house.open(source)) {
        for (int reads = random.nextInt(6); reads >= 0; reads--) {
          readSomewhere(file, source, random);
        }
        switch (random.nextInt(12)) {
          case 0 -> file.prefetch(0, source.sizeBytes);
          case 1 -> house.cache.evict(source.key);
          case 2 -> readBackingFile(file, source);
          default -> {}
        }
      }
    }
    return sources;
  }

  private static void readSomewhere(CachedFile file, CountingSource source, Random random)
      throws IOException {
    if (source.sizeBytes == 0) {
      return;
    }
    long offset = random.nextLong(source.sizeBytes);
    int length = (int) Math.min(1 + random.nextInt(300_000), source.sizeBytes - offset);
    if (random.nextInt(4) == 0) {
      readCachedAndCompare(file, source, offset, length);
    } else {
      readAndCompare(file, source, offset, length, random.nextBoolean());
    }
  }

  private static void readBackingFile(CachedFile file, CountingSource source) throws IOException {
    int fd = file.backingFile(Long.MAX_VALUE);
    if (fd < 0) {
      return;
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment all = arena.allocate(source.sizeBytes);
      assertThat(LibC.pread(fd, all, 0)).isEqualTo(source.sizeBytes);
      assertThat(all.toArray(ValueLayout.JAVA_BYTE))
          .isEqualTo(source.bytes(0, (int) source.sizeBytes));
    } finally {
      LibC.close(fd);
    }
  }

  @Test
  void a_content_larger_than_the_cache_reads_right_and_leaves_the_ceiling_alone() throws Exception {
    CountingSource source = new CountingSource("larger", 40 * BLOCK + 3);
    try (CacheHouse house = new CacheHouse(directory, BUDGET);
        CachedFile file = house.open(source)) {
      for (int round = 0; round < 2; round++) {
        for (long at = 0; at < source.sizeBytes; at += BLOCK) {
          int length = (int) Math.min(BLOCK, source.sizeBytes - at);
          readAndCompare(file, source, at, length, false);
          assertThat(house.cache.stats().usedBytes()).isLessThanOrEqualTo(BUDGET);
        }
      }
      assertThat(house.cache.stats().evictedBytes()).isPositive();
    }
  }

  @Test
  void a_cache_without_room_for_a_chunk_still_reads() throws Exception {
    CountingSource source = new CountingSource("no-room", 3 * BLOCK);
    try (CacheHouse house = new CacheHouse(directory, 10_000);
        CachedFile file = house.open(source)) {
      for (long at = 0; at < source.sizeBytes; at += 100_000) {
        int length = (int) Math.min(100_000, source.sizeBytes - at);
        readAndCompare(file, source, at, length, false);
      }
      assertThat(house.cache.stats().usedBytes()).isZero();
      assertThat(house.cache.stats().notKeptBytes()).isPositive();
      assertThat(source.fetched).hasSize(3);
    }
  }
}
