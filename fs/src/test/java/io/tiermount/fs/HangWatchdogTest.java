package io.tiermount.fs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

final class HangWatchdogTest {
  @Test
  void a_hanging_virtual_thread_is_printed_with_its_stack() throws Exception {
    CountDownLatch started = new CountDownLatch(1);
    CountDownLatch end = new CountDownLatch(1);
    Thread hanging = Thread.ofVirtual().name("hangs-here").start(() -> hang(started, end));
    started.await();
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    new HangWatchdog(new PrintStream(out, true, StandardCharsets.UTF_8)).print("a test");
    end.countDown();
    hanging.join();
    assertThat(out.toString(StandardCharsets.UTF_8))
        .contains("a test passed its time limit", "hangs-here", "HangWatchdogTest.hang");
  }

  private static void hang(CountDownLatch started, CountDownLatch end) {
    started.countDown();
    try {
      end.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
