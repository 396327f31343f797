package io.tiermount.fs.write;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * So many at a time, first come, first served; how many may be changed while they work. Safe from
 * any thread.
 */
public final class Slots {
  /** For its protected method alone. */
  private static final class Permits extends Semaphore {
    private static final long serialVersionUID = 1L;

    Permits(int count) {
      super(count, true);
    }

    void take(int count) {
      reducePermits(count);
    }
  }

  private final Permits permits;

  @GuardedBy("this")
  private int count;

  public Slots(int count) {
    this.permits = new Permits(count);
    this.count = count;
  }

  public void acquire() throws InterruptedException {
    permits.acquire();
  }

  public void release() {
    permits.release();
  }

  /** More begin at once; where there are fewer now, those at work go on to their end. */
  public synchronized void resize(int next) {
    if (next > count) {
      permits.release(next - count);
    } else if (next < count) {
      permits.take(count - next);
    }
    count = next;
  }

  private synchronized int count() {
    return count;
  }

  /** Waits until none is taken, for so long. */
  public boolean awaitIdle(long timeoutMillis) throws InterruptedException {
    return permits.tryAcquire(count(), timeoutMillis, TimeUnit.MILLISECONDS);
  }
}
