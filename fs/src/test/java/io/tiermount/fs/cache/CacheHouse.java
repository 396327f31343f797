package io.tiermount.fs.cache;

import static org.assertj.core.api.Assertions.assertThat;

import io.tiermount.backends.os.Errno;
import io.tiermount.backends.os.ErrnoException;
import io.tiermount.backends.os.LibC;
import io.tiermount.fs.cache.CacheOptions.Verify;
import io.tiermount.fs.meta.IndexStore;
import io.tiermount.fs.meta.MetaMemory;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/** A cache with its index in one directory, to be opened again and again. */
final class CacheHouse implements AutoCloseable {
  static final int CHUNK = CacheOptions.CHUNK_BYTES;
  static final int BLOCK = 1 << 20;

  private static final long DEADLINE_SECONDS = 30;

  final Path directory;
  private final AtomicLong skippedMillis = new AtomicLong();
  private final MetaMemory memory = new MetaMemory(16 << 20);
  private final IndexStore index;
  final BlockCache cache;

  CacheHouse(Path directory, long maxUsedBytes) throws IOException {
    this(directory, maxUsedBytes, Verify.ON_OPEN, BlockCache.Limits.DEFAULT, Long.MAX_VALUE);
  }

  CacheHouse(
      Path directory, long maxUsedBytes, Verify verify, BlockCache.Limits limits, long maxFileBytes)
      throws IOException {
    this(directory, maxUsedBytes, 0, verify, limits, maxFileBytes);
  }

  /** Without a ceiling, but with a disk to be kept from filling up. */
  static CacheHouse leaving(Path directory, long minFreeBytes) throws IOException {
    return new CacheHouse(
        directory,
        Long.MAX_VALUE,
        minFreeBytes,
        Verify.ON_OPEN,
        BlockCache.Limits.DEFAULT,
        Long.MAX_VALUE);
  }

  private CacheHouse(
      Path directory,
      long maxUsedBytes,
      long minFreeBytes,
      Verify verify,
      BlockCache.Limits limits,
      long maxFileBytes)
      throws IOException {
    this.directory = directory;
    index = IndexStore.open(directory.resolve("index"), memory);
    CacheOptions options =
        new CacheOptions(
            List.of(new CacheOptions.Directory(directory, maxUsedBytes)),
            minFreeBytes,
            5,
            maxFileBytes,
            BLOCK,
            verify);
    cache = BlockCache.open(options, index, limits, skipping(), new Random(1));
  }

  /** Lets the cache's clock run ahead. */
  void skip(Duration time) {
    skippedMillis.addAndGet(time.toMillis());
  }

  private Clock skipping() {
    return new Clock() {
      @Override
      public ZoneId getZone() {
        return ZoneOffset.UTC;
      }

      @Override
      public Clock withZone(ZoneId zone) {
        return this;
      }

      @Override
      public Instant instant() {
        return Instant.ofEpochMilli(millis());
      }

      @Override
      public long millis() {
        return System.currentTimeMillis() + skippedMillis.get();
      }
    };
  }

  CachedFile open(CountingSource source) {
    return cache.open(source.key, source.sizeBytes, source);
  }

  /** Reads by whatever way and compares every byte. */
  static void readAndCompare(
      CachedFile file, CountingSource source, long offset, int length, boolean random)
      throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment target = arena.allocate(Math.max(1, length)).asSlice(0, length);
      file.read(offset, target, random);
      compare(target, source, offset);
    }
  }

  /** False where it is not all cached; compares every byte where it is. */
  static boolean readCachedAndCompare(
      CachedFile file, CountingSource source, long offset, int length) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment target = arena.allocate(Math.max(1, length)).asSlice(0, length);
      if (!file.readCached(offset, target)) {
        return false;
      }
      compare(target, source, offset);
      return true;
    }
  }

  private static void compare(MemorySegment target, CountingSource source, long offset) {
    byte[] found = target.toArray(ValueLayout.JAVA_BYTE);
    byte[] expected = source.bytes(offset, found.length);
    int wrong = Arrays.mismatch(found, expected);
    assertThat(wrong).as("first wrong byte of %s after %d", source.key, offset).isEqualTo(-1);
  }

  /** Reads all of it, and waits until all is kept. */
  void fill(CachedFile file, CountingSource source) throws IOException {
    for (long at = 0; at < source.sizeBytes; at += BLOCK) {
      int length = (int) Math.min(BLOCK, source.sizeBytes - at);
      readAndCompare(file, source, at, length, false);
    }
    await("all is kept", file::isWhole);
  }

  static void await(String what, BooleanSupplier condition) {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(DEADLINE_SECONDS);
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as("waited too long until %s", what).isLessThan(deadline);
      LockSupport.parkNanos(1_000_000);
    }
  }

  /** What data files take on disk by stat's count. */
  static long allocatedBytes(Path directory) throws IOException {
    long bytes = 0;
    for (Path file : dataFiles(directory)) {
      try {
        bytes += LibC.stat(file.toString()).blocks() * 512;
      } catch (ErrnoException e) {
        assertThat(e.errno()).as("evicted meanwhile").isEqualTo(Errno.ENOENT);
      }
    }
    return bytes;
  }

  static List<Path> dataFiles(Path directory) throws IOException {
    return files(directory.resolve("data"));
  }

  /** All files below; those that go meanwhile may be among them. */
  static List<Path> files(Path root) throws IOException {
    List<Path> found = new ArrayList<>();
    Files.walkFileTree(
        root,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
            found.add(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFileFailed(Path file, IOException e) throws IOException {
            if (e instanceof NoSuchFileException) {
              return FileVisitResult.CONTINUE;
            }
            throw e;
          }
        });
    return found;
  }

  @Override
  public void close() {
    cache.close();
    index.close();
    memory.close();
  }
}
