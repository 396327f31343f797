package io.tiermount.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import io.tiermount.daemon.config.WatchdogOptions;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** C27 with a clock of its own and mounts that say what the test wants. */
final class WatchdogTest {
  private static final Path PATH = Path.of("/mnt/x");

  private long nanos = 7;
  private final Map<Path, MountDriver.Watched> mounts = new TreeMap<>();
  private final List<Path> renewed = new ArrayList<>();
  private final Watchdog watchdog =
      new Watchdog(
          new Watchdog.Patients() {
            @Override
            public Map<Path, MountDriver.Watched> watched() {
              return mounts;
            }

            @Override
            public void renew(Path path) {
              renewed.add(path);
            }
          },
          WatchdogOptions.DEFAULTS,
          () -> nanos);

  /** One with requests that are stuck. */
  private static final class Ill implements MountDriver.Watched {
    private long progress;
    private int stuck = 2;
    private int tellable = 2;
    private Duration asked = Duration.ZERO;

    @Override
    public long progress() {
      return progress;
    }

    @Override
    public int stuck(Duration longerThan) {
      asked = longerThan;
      return stuck;
    }

    @Override
    public int end(Duration longerThan) {
      int told = tellable;
      tellable = 0;
      return told;
    }
  }

  private void look(int seconds) {
    nanos += Duration.ofSeconds(seconds).toNanos();
    watchdog.look();
  }

  @Test
  void c27_requests_of_a_mount_that_does_not_move_for_the_threshold_are_ended() {
    Ill mount = new Ill();
    mounts.put(PATH, mount);
    look(15);
    look(60);
    look(59);
    assertThat(watchdog.counters()).containsEntry("ended_requests", 0L);

    look(1);

    assertThat(mount.asked).isEqualTo(Duration.ofMinutes(2));
    assertThat(watchdog.counters()).containsEntry("ended_requests", 2L);
    mount.stuck = 0;
    look(15);
    look(1000);
    assertThat(renewed).isEmpty();
  }

  @Test
  void c27_a_long_upload_that_moves_is_progress() {
    Ill mount = new Ill();
    mounts.put(PATH, mount);
    for (int i = 0; i < 50; i++) {
      mount.progress++;
      look(119);
    }

    assertThat(watchdog.counters())
        .containsEntry("ended_requests", 0L)
        .containsEntry("renewed_mounts", 0L);
  }

  @Test
  void c27_a_mount_whose_requests_can_not_be_ended_is_mounted_anew() {
    Ill mount = new Ill();
    mounts.put(PATH, mount);
    look(15);
    look(120);
    assertThat(renewed).isEmpty();
    look(9);
    assertThat(renewed).as("it may need a moment").isEmpty();

    look(1);

    assertThat(renewed).containsExactly(PATH);
    assertThat(watchdog.counters()).containsEntry("renewed_mounts", 1L);
    // The new one begins anew.
    mounts.put(PATH, new Ill());
    look(15);
    look(15);
    assertThat(renewed).hasSize(1);
  }

  @Test
  void c27_a_mount_without_requests_is_left_alone() {
    Ill mount = new Ill();
    mount.stuck = 0;
    mounts.put(PATH, mount);
    look(15);
    look(10_000);

    assertThat(watchdog.counters()).containsEntry("ended_requests", 0L);
  }
}
