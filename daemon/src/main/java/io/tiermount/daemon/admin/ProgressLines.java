package io.tiermount.daemon.admin;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.tiermount.daemon.admin.AdminApi.Progress;
import io.tiermount.daemon.admin.AdminApi.ProgressSink;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** Lets at most five reports a second through, and the last one always. */
final class ProgressLines implements ProgressSink {
  private static final long GAP_NANOS = Duration.ofMillis(200).toNanos();

  private final ProgressSink next;

  @GuardedBy("this")
  private long sentNanos = System.nanoTime() - GAP_NANOS;

  @GuardedBy("this")
  private @Nullable Progress held;

  ProgressLines(ProgressSink next) {
    this.next = next;
  }

  @Override
  public synchronized void report(Progress progress) {
    held = progress;
    if (System.nanoTime() - sentNanos >= GAP_NANOS) {
      flush();
    }
  }

  /** Sends what was held back. */
  synchronized void flush() {
    if (held != null) {
      next.report(held);
      held = null;
      sentNanos = System.nanoTime();
    }
  }
}
