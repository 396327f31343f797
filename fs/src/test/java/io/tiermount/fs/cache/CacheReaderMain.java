package io.tiermount.fs.cache;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** Reads through a small cache until it is killed; a line for each file it has opened. */
final class CacheReaderMain {
  static final long BUDGET = 20L << 20;

  private CacheReaderMain() {}

  static List<CountingSource> sources() {
    List<CountingSource> sources = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      sources.add(new CountingSource("kill-" + i, 200_000 + i * 1_100_000L));
    }
    return sources;
  }

  public static void main(String[] arguments) throws IOException {
    Random random = new Random();
    List<CountingSource> sources = sources();
    try (CacheHouse house = new CacheHouse(Path.of(arguments[0]), BUDGET)) {
      while (true) {
        CountingSource source = sources.get(random.nextInt(sources.size()));
        try (CachedFile file = house.open(source)) {
          System.out.println(source.key.key());
          System.out.flush();
          file.prefetch(0, source.sizeBytes);
          long offset = random.nextLong(source.sizeBytes);
          int length = (int) Math.min(500_000, source.sizeBytes - offset);
          CacheHouse.readAndCompare(file, source, offset, length, random.nextBoolean());
        }
      }
    }
  }
}
