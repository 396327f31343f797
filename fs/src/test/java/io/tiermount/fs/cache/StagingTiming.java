package io.tiermount.fs.cache;

import io.tiermount.backends.os.LibC;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Prints what staging files cost, by hand: {@code java -cp … StagingTiming DIR}. */
final class StagingTiming {
  private static final int FILES = 5000;
  private static final int SIZE_BYTES = 4096;
  private static final int LARGE_BYTES = 256 << 20;

  private StagingTiming() {}

  public static void main(String[] arguments) throws IOException {
    Path directory = Files.createTempDirectory(Path.of(arguments[0]), "timing");
    try (CacheHouse house = new CacheHouse(directory, 4L << 30)) {
      for (int round = 0; round < 4; round++) {
        small(house, round);
      }
      CountingSource large = new CountingSource("large", LARGE_BYTES);
      StagingFile file = StagingHouse.write(house, large);
      long start = System.nanoTime();
      house.cache.staging().adopt(file, large.key);
      long adopted = System.nanoTime();
      file = StagingHouse.takeOver(house, large);
      long taken = System.nanoTime();
      System.out.printf(
          "256 MiB: adopt %d us, take over %d us%n",
          (adopted - start) / 1000, (taken - adopted) / 1000);
      house.cache.staging().discard(file);
    }
  }

  private static void small(CacheHouse house, int round) throws IOException {
    Staging staging = house.cache.staging();
    byte[] bytes = new byte[SIZE_BYTES];
    Path plain = Files.createDirectory(house.directory.resolve("plain-" + round));
    List<Integer> descriptors = new ArrayList<>();
    long start = System.nanoTime();
    for (int i = 0; i < FILES; i++) {
      int flags = LibC.O_CREAT | LibC.O_EXCL | LibC.O_RDWR | LibC.O_CLOEXEC;
      descriptors.add(LibC.open(plain.resolve("file-" + i).toString(), flags, 0600));
    }
    print("openat(O_CREAT)", start);
    for (int fd : descriptors) {
      LibC.close(fd);
    }
    List<StagingFile> files = new ArrayList<>();
    start = System.nanoTime();
    for (int i = 0; i < FILES; i++) {
      files.add(staging.create());
    }
    print("create", start);
    start = System.nanoTime();
    for (StagingFile file : files) {
      StagingHouse.write(file.fd(), 0, bytes);
    }
    print("pwrite 4 KiB", start);
    List<ContentKey> keys = new ArrayList<>();
    for (int i = 0; i < FILES; i++) {
      keys.add(new CountingSource("small-" + round + "-" + i, SIZE_BYTES).key);
    }
    start = System.nanoTime();
    for (int i = 0; i < FILES; i++) {
      staging.adopt(files.get(i), keys.get(i));
    }
    print("adopt", start);
    start = System.nanoTime();
    for (int i = 0; i < FILES; i++) {
      files.set(i, staging.takeOver(keys.get(i), SIZE_BYTES, SIZE_BYTES).orElseThrow());
    }
    print("take over", start);
    start = System.nanoTime();
    files.forEach(StagingFile::isUnused);
    print("isUnused", start);
    start = System.nanoTime();
    files.forEach(staging::discard);
    print("discard", start);
  }

  private static void print(String what, long startNanos) {
    System.out.printf("%s %.1f us%n", what, (System.nanoTime() - startNanos) / 1000.0 / FILES);
  }
}
