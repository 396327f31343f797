package io.tiermount.fs.cache;

import static org.assertj.core.api.Assertions.assertThat;

import io.tiermount.backends.os.LibC;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.List;

/** What tests of staging files do again and again. */
final class StagingHouse {
  private StagingHouse() {}

  /** Writes all of a source's bytes. */
  static StagingFile write(CacheHouse house, CountingSource source) throws IOException {
    StagingFile file = house.cache.staging().create();
    write(file.fd(), 0, source.bytes(0, (int) source.sizeBytes));
    return file;
  }

  static void write(int fd, long offset, byte[] bytes) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment memory = arena.allocate(Math.max(1, bytes.length));
      MemorySegment.copy(bytes, 0, memory, ValueLayout.JAVA_BYTE, 0, bytes.length);
      assertThat(LibC.pwrite(fd, memory.asSlice(0, bytes.length), offset)).isEqualTo(bytes.length);
    }
  }

  static byte[] read(int fd, long offset, int length) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment memory = arena.allocate(length);
      assertThat(LibC.pread(fd, memory, offset)).isEqualTo(length);
      return memory.toArray(ValueLayout.JAVA_BYTE);
    }
  }

  /** All of a content, made whole and handed out to the kernel once. */
  static int backingFile(CacheHouse house, CountingSource source) throws IOException {
    try (CachedFile file = house.open(source)) {
      house.fill(file, source);
      return file.backingFile(Long.MAX_VALUE);
    }
  }

  static StagingFile takeOver(CacheHouse house, CountingSource source) throws IOException {
    return house
        .cache
        .staging()
        .takeOver(source.key, source.sizeBytes, Long.MAX_VALUE)
        .orElseThrow();
  }

  /** It is cached, whole and right, without a fetch. */
  static void assertCached(CacheHouse house, CountingSource source) throws IOException {
    int fetched = source.fetched.size();
    try (CachedFile file = house.open(source)) {
      assertThat(file.isWhole()).as("%s is whole", source.key).isTrue();
      CacheHouse.readAndCompare(file, source, 0, (int) source.sizeBytes, false);
      assertThat(source.fetched).hasSize(fetched);
    }
  }

  static List<Path> stagingFiles(Path directory) throws IOException {
    return CacheHouse.files(directory.resolve("staging"));
  }
}
