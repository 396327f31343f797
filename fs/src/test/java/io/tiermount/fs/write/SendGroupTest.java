package io.tiermount.fs.write;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** CONFIG.md, section 2, row {@code aws.boto3}: parallel parts of one transfer. SEMANTICS C12. */
final class SendGroupTest {
  private static final int SENDS = 6;

  @ParameterizedTest
  @CsvSource({"2, 8, 2", "4, 8, 4", "8, 3, 3"})
  void c12_no_more_requests_of_one_upload_run_at_once_than_its_own_limit_and_the_shared_one(
      int own, int shared, int expected) throws Exception {
    AtomicInteger running = new AtomicInteger();
    CountDownLatch end = new CountDownLatch(1);
    SendGroup group = new SendGroup("k", new Slots(shared), own, () -> {});
    FutureTask<Void> starter =
        new FutureTask<>(() -> {
          for (int i = 0; i < SENDS; i++) {
            group.start(() -> {
              running.incrementAndGet();
              end.await();
            });
          }
          group.await();
          return null;
        });
    Thread thread = Thread.ofPlatform().start(starter);
    try {
      long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
      while (running.get() < expected || thread.getState() == Thread.State.RUNNABLE) {
        assertThat(System.nanoTime()).as("time is up").isLessThan(deadline);
        Thread.onSpinWait();
      }

      assertThat(running).hasValue(expected);
    } finally {
      end.countDown();
    }
    starter.get(30, TimeUnit.SECONDS);
    assertThat(running).hasValue(SENDS);
  }

  @Test
  void whoever_watches_hears_of_each_request_that_ended_well() throws Exception {
    AtomicInteger moved = new AtomicInteger();
    SendGroup group = new SendGroup("k", new Slots(4), 4, moved::incrementAndGet);

    group.start(() -> {});
    group.start(() -> {});
    group.await();

    assertThat(moved).hasValue(2);
  }
}
