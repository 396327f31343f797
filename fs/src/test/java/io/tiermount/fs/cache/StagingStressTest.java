package io.tiermount.fs.cache;

import static io.tiermount.fs.cache.CacheHouse.await;
import static io.tiermount.fs.cache.CacheHouse.readAndCompare;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files go to and fro between writers and the cache while readers fetch and eviction evicts. */
class StagingStressTest {
  private static final long BUDGET = 24L << 20;
  private static final int FILES = 6;

  @TempDir Path directory;

  private final AtomicInteger takenOver = new AtomicInteger();
  private final AtomicInteger adopted = new AtomicInteger();

  @Test
  void no_fetch_writes_into_a_file_that_was_taken_over() throws Exception {
    run(Rounds.of(60));
  }

  @Test
  @Tag("soak")
  void no_fetch_writes_into_a_file_that_was_taken_over_for_long() throws Exception {
    run(Rounds.soak(2000));
  }

  private void run(Rounds rounds) throws Exception {
    long seed = System.nanoTime();
    System.out.println("seed " + seed);
    List<CountingSource> sources = new ArrayList<>();
    for (int i = 0; i < FILES; i++) {
      sources.add(new CountingSource("file-" + i, 100 + (i * 7 % FILES) * 900_000L));
    }
    try (CacheHouse house = new CacheHouse(directory, BUDGET);
        ExecutorService threads = Executors.newFixedThreadPool(4)) {
      AtomicBoolean done = new AtomicBoolean();
      List<Future<?>> readers = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        Random random = new Random(seed + i);
        readers.add(threads.submit(() -> readUntil(done, house, sources, random)));
      }
      try {
        writeAndAdopt(rounds, house, sources, new Random(seed + 100));
      } finally {
        done.set(true);
      }
      for (Future<?> reader : readers) {
        reader.get();
      }
      assertThat(takenOver.get()).isPositive();
      assertThat(adopted.get()).isPositive();
      assertThat(house.cache.stats().badChunks()).isZero();
      assertThat(house.cache.stats().lostFiles()).isZero();
      assertThat(house.cache.stats().stagedBytes()).isZero();
      await("nothing is left", () -> isEmptied(house));
      assertThat(CacheHouse.dataFiles(directory)).isEmpty();
      assertThat(StagingHouse.stagingFiles(directory)).isEmpty();
    }
  }

  /** Again and again: what was prefetched may still come in. */
  private static boolean isEmptied(CacheHouse house) {
    try {
      house.cache.evictAll(null);
      return house.cache.stats().usedBytes() == 0;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Object readUntil(
      AtomicBoolean done, CacheHouse house, List<CountingSource> sources, Random random)
      throws IOException {
    while (!done.get()) {
      CountingSource source = sources.get(random.nextInt(FILES));
      try (CachedFile file = house.open(source)) {
        for (int i = random.nextInt(5); i >= 0; i--) {
          long offset = random.nextLong(source.sizeBytes);
          int length = (int) Math.min(1 + random.nextInt(300_000), source.sizeBytes - offset);
          readAndCompare(file, source, offset, length, random.nextBoolean());
        }
        switch (random.nextInt(16)) {
          case 0 -> house.cache.evict(source.key);
          case 1 -> file.prefetch(0, source.sizeBytes);
          default -> {}
        }
      }
      assertThat(house.cache.stats().usedBytes()).isLessThanOrEqualTo(BUDGET);
    }
    return sources;
  }

  private void writeAndAdopt(
      Rounds rounds, CacheHouse house, List<CountingSource> sources, Random random)
      throws IOException {
    Staging staging = house.cache.staging();
    while (rounds.next()) {
      CountingSource source = sources.get(random.nextInt(FILES));
      int size = (int) source.sizeBytes;
      try (CachedFile file = house.open(source)) {
        file.prefetch(0, size);
        readAndCompare(file, source, 0, size, false);
      }
      // At once: its last chunks may be on their way into the file this very moment.
      Optional<StagingFile> taken = staging.takeOver(source.key, size, Long.MAX_VALUE);
      if (taken.isEmpty()) {
        taken = Optional.of(staging.create());
        if (!staging.makeRoom(taken.get(), size + Chunks.EXTENT_BYTES)) {
          staging.discard(taken.get());
          continue;
        }
        StagingHouse.write(taken.get().fd(), 0, source.bytes(0, size));
      } else {
        takenOver.incrementAndGet();
      }
      StagingFile file = taken.get();
      assertThat(StagingHouse.read(file.fd(), 0, size)).isEqualTo(source.bytes(0, size));
      byte[] mine = new byte[size];
      StagingHouse.write(file.fd(), 0, mine);
      for (int i = random.nextInt(30); i > 0; i--) {
        house.cache.presentBytes(source.key);
      }
      assertThat(StagingHouse.read(file.fd(), 0, size)).as("%s", rounds).isEqualTo(mine);
      assertThat(file.isUnused()).as("%s", rounds).isTrue();
      if (random.nextInt(3) == 0) {
        staging.discard(file);
      } else {
        StagingHouse.write(file.fd(), 0, source.bytes(0, size));
        if (staging.adopt(file, source.key)) {
          adopted.incrementAndGet();
        }
      }
    }
  }
}
