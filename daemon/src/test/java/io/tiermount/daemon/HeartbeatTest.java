package io.tiermount.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import io.tiermount.daemon.admin.MountReport;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** SEMANTICS B1: what systemd hears of the daemon. */
final class HeartbeatTest {
  @TempDir private Path directory = Path.of("");

  @Test
  void b1_the_watchdog_is_fed_while_the_daemon_answers_and_not_while_it_hangs() throws Exception {
    CountDownLatch hangs = new CountDownLatch(1);
    AtomicReference<String> status = new AtomicReference<>("1 of 1 mounts ready");
    try (NotifySocket socket = NotifySocket.listen(directory);
        ScheduledExecutorService never = Executors.newSingleThreadScheduledExecutor()) {
      Heartbeat heartbeat =
          new Heartbeat(
              new SystemdNotify(Map.of("NOTIFY_SOCKET", socket.address())),
              () -> {
                String now = status.get();
                if (now.equals("hangs")) {
                  awaitQuietly(hangs);
                }
                return now;
              },
              never);
      heartbeat.beat();
      socket.await("WATCHDOG=1"::equals);
      socket.await("STATUS=1 of 1 mounts ready"::equals);
      status.set("hangs");
      // This one asks the question that has no answer; the two after it find it out.
      heartbeat.beat();
      socket.await("WATCHDOG=1"::equals);
      heartbeat.beat();
      heartbeat.beat();
      hangs.countDown();
      // What it says next is the first thing since.
      assertThat(socket.await(line -> true)).isEqualTo("STATUS=hangs");
      heartbeat.beat();
      socket.await("WATCHDOG=1"::equals);
      heartbeat.stopping();
      socket.await("STOPPING=1"::equals);
    }
  }

  @Test
  void the_status_line_names_the_first_mount_that_is_not_well() {
    assertThat(
            Heartbeat.summary(
                List.of(
                    report("/a", "ready", null),
                    report("/b", "degraded", "the store can't\nbe reached"),
                    report("", "skipped", "its source is undefined"))))
        .isEqualTo("1 of 3 mounts ready; /b is degraded: the store can't be reached");
  }

  private static MountReport report(String path, String state, @Nullable String reason) {
    return new MountReport(
        "name",
        path,
        "s3://b",
        "shared",
        state,
        reason,
        Instant.EPOCH,
        null,
        false,
        null,
        Map.of());
  }

  private static void awaitQuietly(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
