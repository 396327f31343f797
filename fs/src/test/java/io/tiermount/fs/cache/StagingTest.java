package io.tiermount.fs.cache;

import static io.tiermount.fs.cache.CacheHouse.BLOCK;
import static io.tiermount.fs.cache.CacheHouse.await;
import static io.tiermount.fs.cache.CacheHouse.readAndCompare;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tiermount.backends.Version;
import io.tiermount.backends.os.LibC;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A writer and the cache share one file of each inode, and hand it to each other. */
class StagingTest {
  private static final long BUDGET = 64L << 20;
  private static final long SIZE = 5 * BLOCK + 99;

  @TempDir Path directory;

  private final CountingSource source = new CountingSource("staged", SIZE);

  // Restricted: an address of our own mapping.
  @SuppressWarnings("restricted")
  @Test
  void descriptors_and_mappings_from_before_see_what_is_written_after_a_take_over()
      throws Exception {
    try (CacheHouse house = new CacheHouse(directory, BUDGET)) {
      int reader = StagingHouse.backingFile(house, source);
      long address = LibC.mmap(reader, 0, SIZE, LibC.PROT_READ, LibC.MAP_SHARED);
      StagingFile file = StagingHouse.takeOver(house, source);
      assertThat(LibC.fstat(file.fd()).ino()).isEqualTo(LibC.fstat(reader).ino());
      assertThat(house.cache.contains(source.key)).isFalse();
      assertThat(house.cache.stats().stagedBytes()).isGreaterThanOrEqualTo(SIZE);
      assertThat(house.cache.stats().usedBytes()).isLessThan(SIZE + BLOCK);

      byte[] news = "news".getBytes(StandardCharsets.UTF_8);
      StagingHouse.write(file.fd(), BLOCK, news);
      assertThat(StagingHouse.read(reader, BLOCK, 4)).isEqualTo(news);
      MemorySegment mapped = MemorySegment.ofAddress(address).reinterpret(SIZE);
      assertThat(mapped.asSlice(BLOCK, 4).toArray(ValueLayout.JAVA_BYTE)).isEqualTo(news);

      assertThat(file.isUnused()).isFalse();
      LibC.close(reader);
      assertThat(file.isUnused()).as("a mapping is a use").isFalse();
      LibC.munmap(address, SIZE);
      assertThat(file.isUnused()).isTrue();
      house.cache.staging().discard(file);
      assertThat(house.cache.stats().usedBytes()).isZero();
      assertThat(StagingHouse.stagingFiles(directory)).isEmpty();
    }
  }

  @Test
  void who_has_the_old_content_open_never_touches_the_file_again() throws Exception {
    try (CacheHouse house = new CacheHouse(directory, BUDGET);
        CachedFile old = house.open(source)) {
      house.fill(old, source);
      readAndCompare(old, source, 0, BLOCK, false);
      StagingFile file = StagingHouse.takeOver(house, source);
      StagingHouse.write(file.fd(), 0, new byte[(int) SIZE]);
      int fetched = source.fetched.size();
      readAndCompare(old, source, 10, BLOCK, false);
      assertThat(source.fetched).hasSizeGreaterThan(fetched);
      assertThat(old.isWhole()).isFalse();
      assertThat(old.backingFile(Long.MAX_VALUE)).isEqualTo(-1);
      assertThat(file.isUnused()).as("what is open of the old one is no use").isTrue();
      assertThat(StagingHouse.read(file.fd(), 0, (int) SIZE)).isEqualTo(new byte[(int) SIZE]);
      try (CachedFile again = house.open(source)) {
        house.fill(again, source);
        readAndCompare(again, source, 0, (int) SIZE, false);
      }
      assertThat(house.cache.stats().badChunks()).isZero();
      house.cache.staging().discard(file);
    }
  }

  @Test
  void only_a_whole_sound_content_is_taken_over() throws Exception {
    try (CacheHouse house = new CacheHouse(directory, BUDGET)) {
      Staging staging = house.cache.staging();
      assertThat(staging.takeOver(source.key, SIZE, SIZE)).as("nothing there").isEmpty();
      try (CachedFile file = house.open(source)) {
        readAndCompare(file, source, 0, 100, false);
        assertThat(staging.takeOver(source.key, SIZE, SIZE)).as("in part").isEmpty();
        house.fill(file, source);
        assertThat(staging.takeOver(source.key, SIZE - 1, SIZE)).as("another size").isEmpty();
        Path data = CacheHouse.dataFiles(directory).getFirst();
        try (FileChannel channel = FileChannel.open(data, StandardOpenOption.WRITE)) {
          channel.write(ByteBuffer.wrap(new byte[10]), BLOCK + 5);
        }
        assertThat(staging.takeOver(source.key, SIZE, SIZE)).as("damaged").isEmpty();
        readAndCompare(file, source, 0, (int) SIZE, false);
      }
      assertThat(StagingHouse.stagingFiles(directory)).isEmpty();
    }
  }

  @Test
  void what_was_written_is_cached_without_a_fetch() throws Exception {
    try (CacheHouse house = new CacheHouse(directory, BUDGET)) {
      StagingFile file = StagingHouse.write(house, source);
      assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file.path())))
          .isEqualTo("rw-------");
      assertThat(house.cache.staging().adopt(file, source.key)).isTrue();
      assertThatThrownBy(file::fd).isInstanceOf(IllegalStateException.class);
      StagingHouse.assertCached(house, source);
      assertThat(house.cache.stats().stagedBytes()).isZero();
      assertThat(house.cache.stats().usedBytes())
          .isBetween(CacheHouse.allocatedBytes(directory), SIZE + BLOCK);
      try (CachedFile cached = house.open(source)) {
        int fd = cached.backingFile(0);
        assertThat(fd).as("verified by being adopted").isNotNegative();
        LibC.close(fd);
      }
      assertThat(house.cache.verify(_ -> {}).chunks()).isEqualTo(Chunks.count(SIZE));
    }
    try (CacheHouse house = new CacheHouse(directory, BUDGET)) {
      StagingHouse.assertCached(house, source);
      assertThat(house.cache.stats().badChunks()).isZero();
      assertThat(source.fetched).isEmpty();
      house.cache.evict(source.key);
      assertThat(house.cache.stats().usedBytes()).isZero();
    }
  }

  @Test
  void a_file_in_use_is_not_adopted() throws Exception {
    try (CacheHouse house = new CacheHouse(directory, BUDGET)) {
      StagingFile file = StagingHouse.write(house, source);
      int other = LibC.open(file.path().toString(), LibC.O_RDONLY | LibC.O_CLOEXEC, 0);
      assertThatThrownBy(() -> house.cache.staging().adopt(file, source.key))
          .isInstanceOf(IllegalStateException.class);
      LibC.close(other);
      assertThat(house.cache.staging().adopt(file, source.key)).isTrue();
    }
  }

  @Test
  void what_was_cached_of_the_version_before_makes_way() throws Exception {
    try (CacheHouse house = new CacheHouse(directory, BUDGET);
        CachedFile before = house.open(source)) {
      readAndCompare(before, source, 0, 100, false);
      StagingFile file = StagingHouse.write(house, source);
      assertThat(house.cache.staging().adopt(file, source.key)).isTrue();
      StagingHouse.assertCached(house, source);
      readAndCompare(before, source, 0, (int) SIZE, false);
      assertThat(house.cache.verify(_ -> {}).badChunks()).isZero();
    }
  }

  @Test
  void what_cannot_be_kept_is_discarded() throws Exception {
    try (CacheHouse house =
        new CacheHouse(
            directory, BUDGET, CacheOptions.Verify.ON_OPEN, BlockCache.Limits.DEFAULT, SIZE - 1)) {
      Staging staging = house.cache.staging();
      assertThat(staging.adopt(StagingHouse.write(house, source), source.key)).isFalse();
      assertThat(staging.adopt(staging.create(), source.key)).as("empty").isFalse();
      assertThat(house.cache.contains(source.key)).isFalse();
      assertThat(house.cache.stats().usedBytes()).isZero();
      assertThat(StagingHouse.stagingFiles(directory)).isEmpty();
      assertThat(CacheHouse.dataFiles(directory)).isEmpty();
    }
  }

  /** A temporary file that was unlinked while open: it grows, and still counts. */
  @Test
  void a_discarded_file_counts_while_somebody_writes_it() throws Exception {
    try (CacheHouse house = new CacheHouse(directory, BUDGET)) {
      StagingFile file = house.cache.staging().create();
      int writer = LibC.open(file.path().toString(), LibC.O_RDWR | LibC.O_CLOEXEC, 0);
      house.cache.staging().discard(file);
      assertThat(StagingHouse.stagingFiles(directory)).isEmpty();
      StagingHouse.write(writer, 0, new byte[BLOCK]);
      await("it is counted", () -> house.cache.stats().heldBytes() >= BLOCK);
      LibC.close(writer);
      await("it is gone", () -> house.cache.stats().heldBytes() == 0);
    }
  }

  // ---- Kills: whatever was reached, the next start finds

  @Test
  void a_file_outlives_a_restart_as_long_as_it_is_known() throws Exception {
    long directoryId;
    long id;
    try (CacheHouse house = new CacheHouse(directory, BUDGET)) {
      StagingFile file = StagingHouse.write(house, source);
      StagingHouse.write(house, new CountingSource("unknown", BLOCK)).close();
      file.syncDirectory();
      file.syncDirectory();
      directoryId = file.directoryId();
      id = file.id();
      file.close();
    }
    try (CacheHouse house = new CacheHouse(directory, BUDGET)) {
      Staging staging = house.cache.staging();
      assertThat(staging.stagedBytes()).isGreaterThanOrEqualTo(SIZE + BLOCK);
      assertThat(staging.reopen(directoryId, id + 1000)).isEmpty();
      assertThat(staging.reopen(directoryId + 1, id)).isEmpty();
      staging.sweep(known -> known == id);
      assertThat(StagingHouse.stagingFiles(directory)).hasSize(1);
      StagingFile file = staging.reopen(directoryId, id).orElseThrow();
      assertThat(StagingHouse.read(file.fd(), 0, (int) SIZE))
          .isEqualTo(source.bytes(0, (int) SIZE));
      StagingFile other = staging.create();
      assertThat(other.id()).isGreaterThan(id);
      staging.discard(other);
      assertThat(staging.adopt(file, source.key)).isTrue();
      StagingHouse.assertCached(house, source);
    }
    try (CacheHouse house = new CacheHouse(directory, BUDGET)) {
      house.cache.staging().sweep(_ -> false);
      StagingHouse.assertCached(house, source);
      assertThat(house.cache.stats().stagedBytes()).isZero();
    }
  }

  @Test
  void a_taken_over_file_that_no_journal_knows_is_deleted() throws Exception {
    try (CacheHouse house = new CacheHouse(directory, BUDGET)) {
      LibC.close(StagingHouse.backingFile(house, source));
      StagingHouse.takeOver(house, source).close();
    }
    try (CacheHouse house = new CacheHouse(directory, BUDGET)) {
      assertThat(house.cache.contains(source.key)).isFalse();
      house.cache.staging().sweep(_ -> false);
      assertThat(house.cache.stats().usedBytes()).isZero();
      assertThat(StagingHouse.stagingFiles(directory)).isEmpty();
    }
  }

  /** Either way of the handover passes through this state. */
  @Test
  void a_data_file_the_index_does_not_know_is_deleted() throws Exception {
    Path moved;
    try (CacheHouse house = new CacheHouse(directory, BUDGET)) {
      StagingFile file = house.cache.staging().create();
      while ((file.id() & 0xff) > 2) { // One sub-directory a second: an early one.
        house.cache.staging().discard(file);
        file = house.cache.staging().create();
      }
      StagingHouse.write(file.fd(), 0, new byte[BLOCK]);
      file.close();
      String name = file.path().getFileName().toString();
      moved = directory.resolve("data").resolve(name.substring(14)).resolve(name);
      Files.move(file.path(), moved);
    }
    try (CacheHouse house = new CacheHouse(directory, BUDGET)) {
      await("it is swept", () -> !Files.exists(moved));
      assertThat(house.cache.stats().usedBytes()).isZero();
    }
  }

  // ---- rekey

  @Test
  void after_a_copy_in_the_store_the_same_bytes_are_cached_under_the_new_key() throws Exception {
    ContentKey renamed = new ContentKey("scope", "renamed", new Version("v2"));
    try (CacheHouse house = new CacheHouse(directory, BUDGET)) {
      try (CachedFile file = house.open(source)) {
        house.fill(file, source);
        assertThat(house.cache.rekey(source.key, renamed)).as("somebody has it open").isFalse();
      }
      await("no fetch is at it", () -> house.cache.rekey(source.key, renamed));
      assertThat(house.cache.rekey(source.key, renamed)).as("nothing there").isFalse();
      assertThat(house.cache.presentBytes(source.key)).isZero();
      assertThat(house.cache.presentBytes(renamed)).isEqualTo(SIZE);
    }
    try (CacheHouse house = new CacheHouse(directory, BUDGET)) {
      int fetched = source.fetched.size();
      try (CachedFile file = house.cache.open(renamed, SIZE, source)) {
        readAndCompare(file, source, 0, (int) SIZE, false);
        assertThat(source.fetched).hasSize(fetched);
      }
      LibC.close(StagingHouse.backingFile(house, source));
      assertThat(house.cache.rekey(source.key, renamed)).as("something there").isFalse();
      assertThat(house.cache.evictAll("scope")).isGreaterThanOrEqualTo(2 * SIZE);
      assertThat(house.cache.stats().usedBytes()).isZero();
      assertThat(CacheHouse.dataFiles(directory)).isEmpty();
    }
  }
}
