package io.tiermount.fs.cache;

import static io.tiermount.fs.cache.CacheHouse.BLOCK;
import static io.tiermount.fs.cache.CacheHouse.await;
import static io.tiermount.fs.cache.CacheHouse.readAndCompare;
import static org.assertj.core.api.Assertions.assertThat;

import io.tiermount.backends.os.LibC;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the kernel reads by itself keeps its bytes whatever the cache does. */
class BackingFileTest {
  private static final long BUDGET = 24L << 20;
  private static final long SIZE = 5 * BLOCK + 99;

  @TempDir Path directory;

  private final CountingSource source = new CountingSource("backing", SIZE);

  @Test
  void only_a_whole_content_has_a_backing_file() throws Exception {
    try (CacheHouse house = new CacheHouse(directory, BUDGET);
        CachedFile file = house.open(source)) {
      readAndCompare(file, source, 0, 100, false);
      assertThat(file.backingFile(Long.MAX_VALUE)).isEqualTo(-1);
      house.fill(file, source);
      int fd = file.backingFile(Long.MAX_VALUE);
      assertThat(fd).isNotNegative();
      LibC.close(fd);
    }
  }

  /** R21, R23: unlinked bytes count. */
  @Test
  void a_mapping_keeps_its_bytes_over_eviction_and_counts_as_held_until_it_ends() throws Exception {
    try (CacheHouse house = new CacheHouse(directory, BUDGET)) {
      long address;
      try (CachedFile file = house.open(source)) {
        house.fill(file, source);
        int fd = file.backingFile(Long.MAX_VALUE);
        address = LibC.mmap(fd, 0, SIZE, LibC.PROT_READ, LibC.MAP_SHARED);
        LibC.close(fd);
      }
      // Nobody has it open, but it is mapped.
      assertThat(house.cache.evict(source.key)).isGreaterThanOrEqualTo(SIZE);
      assertThat(house.cache.contains(source.key)).isFalse();
      assertThat(house.cache.stats().heldBytes()).isGreaterThanOrEqualTo(SIZE);
      push(house);
      assertMapped(address);
      LibC.munmap(address, SIZE);
      await("the held bytes are free", () -> house.cache.stats().heldBytes() == 0);
    }
  }

  @Test
  void a_mapped_file_is_not_evicted_to_make_room() throws Exception {
    try (CacheHouse house = new CacheHouse(directory, BUDGET)) {
      long address;
      try (CachedFile file = house.open(source)) {
        house.fill(file, source);
        int fd = file.backingFile(Long.MAX_VALUE);
        address = LibC.mmap(fd, 0, SIZE, LibC.PROT_READ, LibC.MAP_SHARED);
        LibC.close(fd);
      }
      push(house);
      assertThat(house.cache.presentBytes(source.key)).isEqualTo(SIZE);
      assertMapped(address);
      LibC.munmap(address, SIZE);
      for (int i = 0; house.cache.contains(source.key); i++) {
        assertThat(i).as("rounds until it went").isLessThan(100);
        push(house);
      }
      assertThat(house.cache.stats().heldBytes()).isZero();
    }
  }

  @Test
  void an_opening_keeps_reading_after_its_content_was_evicted() throws Exception {
    try (CacheHouse house = new CacheHouse(directory, BUDGET)) {
      try (CachedFile file = house.open(source)) {
        house.fill(file, source);
        LibC.close(file.backingFile(Long.MAX_VALUE));
        house.cache.evict(source.key);
        assertThat(file.isWhole()).isFalse();
        readAndCompare(file, source, 1000, 5000, false);
        try (CachedFile again = house.open(source)) {
          assertThat(again.contentId()).isNotEqualTo(file.contentId());
          house.fill(again, source);
        }
        assertThat(house.cache.stats().usedBytes()).isLessThanOrEqualTo(BUDGET);
      }
      await("the held bytes are free", () -> house.cache.stats().heldBytes() == 0);
    }
  }

  /** R22. */
  @Test
  void a_file_is_verified_once_a_boot_and_again_after_it_changed() throws Exception {
    try (CacheHouse house = new CacheHouse(directory, BUDGET);
        CachedFile file = house.open(source)) {
      house.fill(file, source);
      assertThat(file.backingFile(SIZE - 1)).as("too large to verify now").isEqualTo(-1);
      int[] fd = {-1};
      await("it was verified in the background", () -> (fd[0] = tryOpen(file)) >= 0);
      LibC.close(fd[0]);
    }
    try (CacheHouse house = new CacheHouse(directory, BUDGET);
        CachedFile file = house.open(source)) {
      int fd = file.backingFile(0);
      assertThat(fd).as("the stamp outlives a restart").isNotNegative();
      LibC.close(fd);
      Path data = CacheHouse.dataFiles(directory).getFirst();
      try (FileChannel channel = FileChannel.open(data, StandardOpenOption.WRITE)) {
        channel.write(ByteBuffer.wrap(new byte[10]), BLOCK + 5);
      }
      assertThat(file.backingFile(Long.MAX_VALUE)).as("damaged").isEqualTo(-1);
      assertThat(house.cache.stats().badChunks()).isEqualTo(1);
      assertThat(file.isWhole()).isFalse();
      house.fill(file, source);
      int mended = file.backingFile(Long.MAX_VALUE);
      assertThat(mended).isNotNegative();
      LibC.close(mended);
    }
    assertThat(Files.exists(directory)).isTrue();
  }

  private static int tryOpen(CachedFile file) {
    try {
      return file.backingFile(SIZE - 1);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Reads more than the cache holds. */
  private static void push(CacheHouse house) throws IOException {
    for (int i = 0; i < 8; i++) {
      CountingSource other = new CountingSource("push-" + i + "-" + System.nanoTime(), 4 * BLOCK);
      try (CachedFile file = house.open(other)) {
        for (int block = 0; block < 4; block++) {
          readAndCompare(file, other, (long) block * BLOCK, BLOCK, false);
        }
      }
      assertThat(house.cache.stats().usedBytes()).isLessThanOrEqualTo(BUDGET);
    }
  }

  // Restricted: an address of our own mapping.
  @SuppressWarnings("restricted")
  private void assertMapped(long address) {
    byte[] mapped =
        MemorySegment.ofAddress(address).reinterpret(SIZE).toArray(ValueLayout.JAVA_BYTE);
    assertThat(mapped).isEqualTo(source.bytes(0, (int) SIZE));
  }
}
