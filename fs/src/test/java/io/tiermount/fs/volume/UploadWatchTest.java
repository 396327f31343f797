package io.tiermount.fs.volume;

import static org.assertj.core.api.Assertions.assertThat;

import io.tiermount.backends.FaultyStore;
import io.tiermount.backends.MemoryStore;
import io.tiermount.backends.os.LibC;
import io.tiermount.fs.MountFixture;
import io.tiermount.fs.write.WriteOptions;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * CONFIG.md, section 2, row {@code network.metrics}: SEMANTICS C13, a warning when queued uploads
 * have not moved for so long.
 */
final class UploadWatchTest {
  private Instant now = Instant.EPOCH;

  private UploadWatch watch(Duration limit) {
    return new UploadWatch("m", limit, () -> now);
  }

  private void later(int seconds) {
    now = now.plusSeconds(seconds);
  }

  @Test
  void c13_uploads_that_do_not_move_for_the_limit_starve() {
    UploadWatch watch = watch(Duration.ofMinutes(2));
    watch.look(3);
    later(119);
    watch.look(3);
    assertThat(watch.starvingSince()).isEmpty();

    later(1);
    watch.look(3);

    assertThat(watch.starvingSince()).contains(Instant.EPOCH);
    assertThat(watch.waiting()).isEqualTo(3);
  }

  @Test
  void c13_one_that_moves_is_progress_and_so_is_an_empty_queue() {
    UploadWatch watch = watch(Duration.ofMinutes(2));
    watch.look(3);
    later(119);
    watch.moved();
    later(119);
    watch.look(2);
    assertThat(watch.starvingSince()).isEmpty();
    later(119);
    watch.look(0);
    later(119);
    watch.look(1);

    assertThat(watch.starvingSince()).isEmpty();
  }

  @Test
  void c13_zero_is_no_warning() {
    UploadWatch watch = watch(Duration.ZERO);
    watch.look(1);
    later(100_000);
    watch.look(1);

    assertThat(watch.starvingSince()).isEmpty();
  }

  @Test
  void c13_a_mount_whose_store_is_down_starves_until_it_is_back(@TempDir Path dir)
      throws Exception {
    Assumptions.assumeTrue(
        LibC.getuid() == 0 && Files.exists(Path.of("/dev/fuse")), "mounts need root and FUSE");
    FaultyStore store = new FaultyStore(new MemoryStore());
    WriteOptions writes =
        new WriteOptions(
            WriteOptions.Durability.LOCAL,
            Duration.ofMillis(10),
            2,
            false,
            2,
            Duration.ofMillis(1));
    try (MountFixture mount =
        new MountFixture(dir, store, MountFixture.Options.USUAL.writes(writes))) {
      assertThat(mount.sh("ls").lines()).isEmpty();
      store.setDown(true);
      assertThat(mount.sh("echo hello > f").exit()).isZero();
      MountFixture.await(() -> mount.uploads().starvingSince().isPresent());

      store.setDown(false);

      MountFixture.await(
          () -> mount.volume().pendingChanges() == 0 && mount.uploads().starvingSince().isEmpty());
    }
  }
}
