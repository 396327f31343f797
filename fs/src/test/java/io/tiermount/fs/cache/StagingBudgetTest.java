package io.tiermount.fs.cache;

import static io.tiermount.fs.cache.CacheHouse.BLOCK;
import static io.tiermount.fs.cache.CacheHouse.await;
import static io.tiermount.fs.cache.CacheHouse.readAndCompare;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.tiermount.backends.os.Errno;
import io.tiermount.backends.os.ErrnoException;
import io.tiermount.backends.os.LibC;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * SEMANTICS R23: what writers take counts against the ceiling, and clean blocks make way for it.
 */
class StagingBudgetTest {
  private static final long BUDGET = 24L << 20;

  @TempDir Path directory;

  private static void readMuch(CacheHouse house, String name) throws IOException {
    for (int i = 0; i < 8; i++) {
      CountingSource source = new CountingSource(name + "-" + i, 4 * BLOCK);
      try (CachedFile file = house.open(source)) {
        readAndCompare(file, source, 0, 4 * BLOCK, false);
      }
    }
  }

  @Test
  void a_writer_gets_what_clean_blocks_had_until_all_is_dirty() throws Exception {
    try (CacheHouse house = new CacheHouse(directory, BUDGET)) {
      readMuch(house, "clean");
      Staging staging = house.cache.staging();
      StagingFile file = staging.create();
      byte[] piece = new byte[BLOCK];
      long written = 0;
      while (staging.makeRoom(file, BLOCK)) {
        StagingHouse.write(file.fd(), written, piece);
        written += BLOCK;
        assertThat(house.cache.stats().usedBytes()).isLessThanOrEqualTo(BUDGET);
        assertThat(written).isLessThanOrEqualTo(BUDGET);
      }
      assertThat(written).isGreaterThan(BUDGET - 4 * BLOCK);
      assertThat(house.cache.stats().evictableBytes()).isLessThan(4 * BLOCK);
      readMuch(house, "clean");
      await("all is counted", () -> staging.stagedBytes() >= BUDGET - 4 * BLOCK);
      assertThat(house.cache.stats().usedBytes()).isLessThanOrEqualTo(BUDGET);
      staging.discard(file);
      assertThat(staging.stagedBytes()).isZero();
      readMuch(house, "clean");
      assertThat(house.cache.stats().usedBytes()).isPositive();
    }
  }

  /** As a writer in passthrough does. */
  @Test
  void room_is_made_for_a_writer_that_asks_nobody() throws Exception {
    try (CacheHouse house = new CacheHouse(directory, BUDGET)) {
      readMuch(house, "clean");
      StagingFile file = house.cache.staging().create();
      StagingHouse.write(file.fd(), 0, new byte[12 * BLOCK]);
      await("it is counted", () -> house.cache.stats().stagedBytes() >= 12 * BLOCK);
      await("room was made", () -> house.cache.stats().usedBytes() <= BUDGET);
      assertThat(house.cache.stats().evictedBytes()).isPositive();
      house.cache.staging().discard(file);
    }
  }

  private interface Work {
    void on(Path disk) throws Exception;
  }

  private void onSmallDisk(String options, Work work) throws Exception {
    assumeThat(LibC.getuid()).as("root may mount").isZero();
    Path disk = Files.createDirectory(directory.resolve("disk"));
    LibC.mount("tmpfs", disk.toString(), "tmpfs", 0, options + ",mode=700");
    try {
      work.on(disk);
    } finally {
      LibC.umount2(disk.toString(), LibC.MNT_DETACH);
    }
  }

  @Test
  void min_free_bytes_are_free_again_soon_while_a_writer_fills_the_disk() throws Exception {
    onSmallDisk(
        "size=128m",
        disk -> {
          long minFree = 32L << 20;
          try (CacheHouse house = CacheHouse.leaving(disk, minFree)) {
            for (int i = 0; i < 3; i++) {
              readMuch(house, "clean-" + i);
            }
            StagingFile file = house.cache.staging().create();
            for (int i = 0; i < 20; i++) {
              StagingHouse.write(file.fd(), (long) i * 2 * BLOCK, new byte[2 * BLOCK]);
              await("room was made", () -> disk.toFile().getUsableSpace() >= minFree);
            }
            assertThat(house.cache.stats().evictedBytes()).isPositive();
            house.cache.staging().discard(file);
          }
        });
  }

  @Test
  void a_full_disk_is_said_before_anything_is_lost() throws Exception {
    onSmallDisk(
        "size=96m",
        disk -> {
          try (CacheHouse house = new CacheHouse(disk, Long.MAX_VALUE)) {
            readMuch(house, "clean");
            Staging staging = house.cache.staging();
            StagingFile file = staging.create();
            long written = 0;
            while (staging.makeRoom(file, BLOCK)) {
              StagingHouse.write(file.fd(), written, new byte[BLOCK]);
              written += BLOCK;
            }
            assertThat(written).isBetween(48L * BLOCK, 96L * BLOCK);
            CountingSource source = new CountingSource("beside", BLOCK);
            try (CachedFile other = house.open(source)) {
              readAndCompare(other, source, 0, BLOCK, false);
            }
            staging.discard(file);
            StagingFile again = StagingHouse.write(house, source);
            assertThat(staging.adopt(again, source.key)).isTrue();
            StagingHouse.assertCached(house, source);
          }
        });
  }

  @Test
  void a_disk_without_inodes_takes_no_new_file() throws Exception {
    onSmallDisk(
        "size=96m,nr_inodes=3000",
        disk -> {
          try (CacheHouse house = new CacheHouse(disk, Long.MAX_VALUE)) {
            Staging staging = house.cache.staging();
            List<StagingFile> files = new ArrayList<>();
            assertThatThrownBy(
                    () -> {
                      while (files.size() < 3000) {
                        files.add(staging.create());
                      }
                    })
                .isInstanceOfSatisfying(
                    ErrnoException.class, e -> assertThat(e.errno()).isEqualTo(Errno.ENOSPC));
            files.forEach(staging::discard);
            StagingFile file = staging.create();
            staging.discard(file);
          }
        });
  }
}
