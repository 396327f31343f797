package io.tiermount.fs.cache;

import io.tiermount.fs.cache.CacheOptions.Verify;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;

/** Prints what a hit costs, by hand: {@code java -cp … ReadCachedTiming DIR}. */
final class ReadCachedTiming {
  private static final int SIZE_BYTES = 256 << 20;

  private ReadCachedTiming() {}

  public static void main(String[] arguments) throws IOException {
    for (Verify verify : new Verify[] {Verify.ON_OPEN, Verify.OFF}) {
      Path directory = Files.createTempDirectory(Path.of(arguments[0]), "timing");
      CountingSource source = new CountingSource("timing", SIZE_BYTES);
      try (CacheHouse house =
              new CacheHouse(
                  directory, 1L << 30, verify, BlockCache.Limits.DEFAULT, Long.MAX_VALUE);
          CachedFile file = house.open(source)) {
        file.prefetch(0, SIZE_BYTES);
        house.cache.warm(source.key, source.sizeBytes, source, _ -> {});
        CacheHouse.await("whole", file::isWhole);
        for (int round = 0; round < 5; round++) {
          System.out.printf(
              "%s: 4 KiB random %d ns, 1 MiB sequential %d ns%n",
              verify, nanosPerRead(file, 4 << 10, true), nanosPerRead(file, 1 << 20, false));
        }
      }
    }
  }

  private static long nanosPerRead(CachedFile file, int length, boolean random) {
    Random offsets = new Random(7);
    int places = SIZE_BYTES / length;
    int count = random ? 100_000 : 4 * places;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment target = arena.allocate(length, 4096);
      long start = System.nanoTime();
      for (int i = 0; i < count; i++) {
        long place = random ? offsets.nextInt(places) : i % places;
        if (!file.readCached(place * length, target)) {
          throw new IllegalStateException("not cached");
        }
      }
      return (System.nanoTime() - start) / count;
    }
  }
}
