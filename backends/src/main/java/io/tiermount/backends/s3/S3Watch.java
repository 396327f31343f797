package io.tiermount.backends.s3;

import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Looks at all calls under way a few times per deadline and ends those that stand still. Its thread
 * starts with the first call.
 */
final class S3Watch implements AutoCloseable {
  private final Set<S3Call> calls = ConcurrentHashMap.newKeySet();
  private final Duration period;
  private volatile boolean closed;
  private volatile long movedNanos = System.nanoTime();
  private @Nullable Thread thread;

  S3Watch(Duration deadline) {
    long millis = Math.clamp(deadline.toMillis() / 20, 5, 250);
    this.period = Duration.ofMillis(millis);
  }

  void add(S3Call call) {
    calls.add(call);
    start();
    if (closed) {
      call.end(S3Call.Ended.CLOSED);
    }
  }

  void remove(S3Call call) {
    calls.remove(call);
    call.finish();
  }

  private synchronized void start() {
    if (thread == null && !closed) {
      thread = Thread.ofVirtual().name("s3-watch").start(this::run);
    }
  }

  private void run() {
    while (!closed) {
      try {
        Thread.sleep(period);
      } catch (InterruptedException e) {
        return; // only close interrupts
      }
      calls.forEach(S3Call::endIfStalled);
    }
  }

  void moved(long atNanos) {
    movedNanos = atNanos;
  }

  /** When any call of the store last got on ({@link System#nanoTime}). */
  long movedNanos() {
    return movedNanos;
  }

  boolean isClosed() {
    return closed;
  }

  @Override
  public synchronized void close() {
    closed = true;
    if (thread != null) {
      thread.interrupt();
    }
    calls.forEach(call -> call.end(S3Call.Ended.CLOSED));
  }
}
