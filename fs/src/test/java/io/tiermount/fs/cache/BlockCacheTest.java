package io.tiermount.fs.cache;

import static io.tiermount.fs.cache.CacheHouse.BLOCK;
import static io.tiermount.fs.cache.CacheHouse.CHUNK;
import static io.tiermount.fs.cache.CacheHouse.await;
import static io.tiermount.fs.cache.CacheHouse.readAndCompare;
import static io.tiermount.fs.cache.CacheHouse.readCachedAndCompare;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tiermount.backends.StoreException;
import io.tiermount.fs.cache.CacheOptions.Verify;
import io.tiermount.fs.cache.CountingSource.Range;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BlockCacheTest {
  private static final long BUDGET = 64L << 20;

  @TempDir Path directory;

  @Test
  void a_read_fetches_its_block_once_and_later_reads_fetch_nothing() throws Exception {
    CountingSource source = new CountingSource("a", 3 * BLOCK + 12345);
    try (CacheHouse house = new CacheHouse(directory, BUDGET);
        CachedFile file = house.open(source)) {
      assertThat(readCachedAndCompare(file, source, 0, 10)).isFalse();
      readAndCompare(file, source, BLOCK + 100_000, 5000, false);
      assertThat(source.fetched).containsExactly(new Range(BLOCK, BLOCK));
      await("the block is kept", () -> readCachedAndCompare(file, source, BLOCK, BLOCK));
      readAndCompare(file, source, 2 * BLOCK - 10, 20, false);
      assertThat(source.fetched)
          .containsExactly(new Range(BLOCK, BLOCK), new Range(2L * BLOCK, BLOCK));
      readAndCompare(file, source, 3 * BLOCK + 12344, 1, false);
      assertThat(source.fetched).last().isEqualTo(new Range(3L * BLOCK, 12345));
      house.fill(file, source);
      assertThat(source.fetched).hasSize(4);
      assertThat(file.isWhole()).isTrue();
    }
  }

  @Test
  void random_reads_fetch_only_the_chunks_they_need_in_one_request() throws Exception {
    CountingSource source = new CountingSource("random", 4 * BLOCK);
    try (CacheHouse house = new CacheHouse(directory, BUDGET);
        CachedFile file = house.open(source)) {
      readAndCompare(file, source, 5 * CHUNK + 10, 100, true);
      assertThat(source.fetched).containsExactly(new Range(5 * CHUNK, CHUNK));
      await("kept", () -> readCachedAndCompare(file, source, 5 * CHUNK, CHUNK));
      readAndCompare(file, source, 4 * CHUNK + 10, 3 * CHUNK, true);
      assertThat(source.fetched.subList(1, source.fetched.size()))
          .containsExactlyInAnyOrder(new Range(4 * CHUNK, CHUNK), new Range(6 * CHUNK, 2 * CHUNK));
    }
  }

  /** R16. */
  @Test
  void thirty_two_readers_of_one_block_make_one_fetch() throws Exception {
    CountingSource source = new CountingSource("flight", 8 * BLOCK);
    try (CacheHouse house = new CacheHouse(directory, BUDGET);
        CachedFile file = house.open(source);
        var pool = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int block = 0; block < 8; block++) {
        long start = (long) block * BLOCK;
        CountDownLatch go = new CountDownLatch(1);
        List<Future<?>> readers = new ArrayList<>();
        for (int i = 0; i < 32; i++) {
          long offset = start + i * 20_000L;
          readers.add(
              pool.submit(() -> {
                go.await();
                readAndCompare(file, source, offset, 30_000, false);
                return null;
              }));
        }
        go.countDown();
        for (Future<?> reader : readers) {
          reader.get();
        }
      }
      assertThat(source.fetched).hasSize(8).doesNotHaveDuplicates();
    }
  }

  @Test
  void a_reader_is_answered_when_its_bytes_are_there_not_when_the_block_is() throws Exception {
    CountingSource source = new CountingSource("early", BLOCK);
    Semaphore gate = new Semaphore(2);
    source.gate = gate;
    try (CacheHouse house = new CacheHouse(directory, BUDGET);
        CachedFile file = house.open(source)) {
      readAndCompare(file, source, 1000, 80_000, false); // Two pieces of 48 KiB have come.
      assertThat(file.isWhole()).isFalse();
      gate.release(1000);
      await("whole", file::isWhole);
      assertThat(source.fetched).hasSize(1);
    }
  }

  @Test
  void an_interrupted_waiter_leaves_the_fetch_to_the_others() throws Exception {
    CountingSource source = new CountingSource("interrupt", BLOCK);
    Semaphore gate = new Semaphore(0);
    source.gate = gate;
    try (CacheHouse house = new CacheHouse(directory, BUDGET);
        CachedFile file = house.open(source);
        var pool = Executors.newVirtualThreadPerTaskExecutor()) {
      Future<?> stays = pool.submit(() -> readOk(file, source));
      List<Throwable> seen = new ArrayList<>();
      Thread leaves =
          Thread.ofVirtual()
              .start(() -> {
                try {
                  readAndCompare(file, source, 0, 100, false);
                } catch (IOException e) {
                  seen.add(e);
                }
              });
      await("the fetch runs", () -> source.fetched.size() == 1);
      leaves.interrupt();
      leaves.join();
      assertThat(seen)
          .singleElement()
          .isInstanceOfSatisfying(
              StoreException.class,
              e -> assertThat(e.kind()).isEqualTo(StoreException.Kind.INTERRUPTED));
      gate.release(1000);
      stays.get();
      assertThat(source.fetched).hasSize(1);
    }
  }

  private static Object readOk(CachedFile file, CountingSource source) throws IOException {
    readAndCompare(file, source, 0, BLOCK, false);
    return file;
  }

  @Test
  void a_failed_fetch_fails_its_readers_and_the_next_read_tries_again() throws Exception {
    CountingSource source = new CountingSource("fails", BLOCK);
    source.failAfterBytes = 300_000;
    try (CacheHouse house = new CacheHouse(directory, BUDGET);
        CachedFile file = house.open(source)) {
      readAndCompare(file, source, 0, 200_000, false); // Had arrived before.
      assertThatThrownBy(() -> readAndCompare(file, source, BLOCK - 10, 10, false))
          .isInstanceOfSatisfying(
              StoreException.class,
              e -> assertThat(e.kind()).isEqualTo(StoreException.Kind.UNAVAILABLE));
      source.failAfterBytes = -1;
      readAndCompare(file, source, BLOCK - 10, 10, false);
      readAndCompare(file, source, 0, BLOCK, false);
    }
  }

  @Test
  void prefetch_brings_blocks_in_without_anybody_waiting() throws Exception {
    CountingSource source = new CountingSource("ahead", 5 * BLOCK + 1);
    try (CacheHouse house = new CacheHouse(directory, BUDGET);
        CachedFile file = house.open(source)) {
      file.prefetch(BLOCK + 5, 2 * BLOCK);
      await("three blocks are there", () -> readCachedAndCompare(file, source, BLOCK, 3 * BLOCK));
      assertThat(source.fetched)
          .containsExactlyInAnyOrder(
              new Range(BLOCK, BLOCK), new Range(2L * BLOCK, BLOCK), new Range(3L * BLOCK, BLOCK));
      file.prefetch(0, Long.MAX_VALUE);
      await("whole", file::isWhole);
    }
  }

  /** R24. */
  @Test
  void what_was_cached_is_there_after_a_restart() throws Exception {
    CountingSource source = new CountingSource("stays", 9 * BLOCK + 777);
    long id;
    try (CacheHouse house = new CacheHouse(directory, BUDGET);
        CachedFile file = house.open(source)) {
      house.fill(file, source);
      id = file.contentId();
    }
    source.fetched.clear();
    try (CacheHouse house = new CacheHouse(directory, BUDGET);
        CachedFile file = house.open(source)) {
      assertThat(file.contentId()).isEqualTo(id);
      assertThat(file.isWhole()).isTrue();
      assertThat(house.cache.presentBytes(source.key)).isEqualTo(source.sizeBytes);
      assertThat(readCachedAndCompare(file, source, 0, (int) source.sizeBytes)).isTrue();
      assertThat(source.fetched).isEmpty();
      assertThat(house.cache.stats().usedBytes())
          .isGreaterThanOrEqualTo(CacheHouse.allocatedBytes(directory));
    }
  }

  /** R24. */
  @Test
  void a_lost_or_shortened_data_file_is_absent_not_wrong() throws Exception {
    CountingSource source = new CountingSource("lost", 2 * BLOCK);
    for (int round = 0; round < 2; round++) {
      try (CacheHouse house = new CacheHouse(directory, BUDGET);
          CachedFile file = house.open(source)) {
        house.fill(file, source);
      }
      Path data = CacheHouse.dataFiles(directory).getFirst();
      if (round == 0) {
        Files.delete(data);
      } else {
        Files.write(data, new byte[100]);
      }
      source.fetched.clear();
      try (CacheHouse house = new CacheHouse(directory, BUDGET);
          CachedFile file = house.open(source)) {
        readAndCompare(file, source, 0, 2 * BLOCK, false);
        assertThat(source.fetched).hasSize(2);
        assertThat(house.cache.stats().lostFiles()).isEqualTo(1);
        await("whole again", file::isWhole);
      }
    }
  }

  @Test
  void an_empty_content_reads_as_empty_and_needs_no_store() throws Exception {
    CountingSource source = new CountingSource("empty", 0);
    try (CacheHouse house = new CacheHouse(directory, BUDGET);
        CachedFile file = house.open(source)) {
      assertThat(file.isWhole()).isTrue();
      assertThat(readCachedAndCompare(file, source, 0, 0)).isTrue();
      readAndCompare(file, source, 0, 0, false);
      file.prefetch(0, 100);
      assertThat(source.fetched).isEmpty();
    }
  }

  @Test
  void a_read_outside_the_content_is_the_callers_mistake() throws Exception {
    CountingSource source = new CountingSource("bounds", 10);
    try (CacheHouse house = new CacheHouse(directory, BUDGET);
        CachedFile file = house.open(source);
        Arena arena = Arena.ofConfined()) {
      assertThatThrownBy(() -> file.readCached(5, arena.allocate(6)))
          .isInstanceOf(IndexOutOfBoundsException.class);
    }
  }

  @Test
  void a_content_above_max_file_bytes_is_read_through_and_not_kept() throws Exception {
    CountingSource source = new CountingSource("big", 6 * BLOCK);
    try (CacheHouse house =
            new CacheHouse(
                directory, BUDGET, Verify.ON_OPEN, BlockCache.Limits.DEFAULT, 5 * BLOCK);
        CachedFile file = house.open(source)) {
      for (long at = 0; at < source.sizeBytes; at += BLOCK / 4) {
        readAndCompare(file, source, at, BLOCK / 4, false);
      }
      // Lingering in memory, the block is not fetched for each piece again.
      assertThat(source.fetched).hasSize(6);
      assertThat(CacheHouse.dataFiles(directory)).isEmpty();
      assertThat(house.cache.contains(source.key)).isFalse();
      assertThat(house.cache.stats().usedBytes()).isZero();
    }
  }

  @Test
  void contents_of_other_scopes_and_versions_are_other_contents() throws Exception {
    CountingSource source = new CountingSource("same", BLOCK);
    try (CacheHouse house = new CacheHouse(directory, BUDGET);
        CachedFile file = house.open(source)) {
      house.fill(file, source);
      ContentKey other = new ContentKey("other", source.key.key(), source.key.version());
      assertThat(house.cache.contains(source.key)).isTrue();
      assertThat(house.cache.contains(other)).isFalse();
      try (CachedFile second = house.cache.open(other, BLOCK, source)) {
        assertThat(second.contentId()).isNotEqualTo(file.contentId());
        assertThat(second.isWhole()).isFalse();
      }
    }
  }

  @Test
  void data_is_for_the_daemon_alone() throws Exception {
    CountingSource source = new CountingSource("private", BLOCK);
    try (CacheHouse house = new CacheHouse(directory, BUDGET);
        CachedFile file = house.open(source)) {
      house.fill(file, source);
      Path data = CacheHouse.dataFiles(directory).getFirst();
      assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(data)))
          .isEqualTo("rw-------");
      assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(directory)))
          .isEqualTo("rwx------");
    }
  }

  @Test
  void warm_brings_a_content_in_whole_and_evict_takes_it_out() throws Exception {
    CountingSource source = new CountingSource("warm", 7 * BLOCK + 5);
    CountingSource other = new CountingSource("other", BLOCK);
    try (CacheHouse house = new CacheHouse(directory, BUDGET)) {
      house.cache.warm(source.key, source.sizeBytes, source, _ -> {});
      house.cache.warm(other.key, other.sizeBytes, other, _ -> {});
      await("kept", () -> house.cache.presentBytes(source.key) == source.sizeBytes);
      await("kept", () -> house.cache.presentBytes(other.key) == other.sizeBytes);
      assertThat(source.fetched).hasSize(8).doesNotHaveDuplicates();
      assertThat(house.cache.evict(source.key)).isGreaterThanOrEqualTo(source.sizeBytes);
      assertThat(house.cache.contains(source.key)).isFalse();
      assertThat(CacheHouse.dataFiles(directory)).hasSize(1);
      assertThat(house.cache.evictAll("elsewhere")).isZero();
      assertThat(house.cache.evictAll("scope")).isPositive();
      assertThat(CacheHouse.dataFiles(directory)).isEmpty();
      assertThat(house.cache.stats().usedBytes()).isZero();
    }
  }
}
