package io.tiermount.fs.volume;

import io.tiermount.backends.StoreException;
import java.time.InstantSource;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Whether a store answers. While it does not, what is known is served without waiting for its
 * deadline each time, and one caller a second asks again. Safe from any thread.
 */
final class StoreHealth {
  private static final long PROBE_MILLIS = 1_000;

  private final InstantSource clock;

  /** 0 while it answers. */
  private final AtomicLong downSinceMillis = new AtomicLong();

  private final AtomicLong lastProbeMillis = new AtomicLong();

  StoreHealth(InstantSource clock) {
    this.clock = clock;
  }

  /** The store answered. */
  void answered() {
    downSinceMillis.set(0);
  }

  /**
   * A call failed.
   *
   * @return true where the store could not be reached: what was last known is better than an error
   */
  boolean failed(StoreException e) {
    boolean unreachable =
        switch (e.kind()) {
          case UNAVAILABLE, TIMEOUT, THROTTLED -> true;
          case NOT_FOUND,
              ACCESS_DENIED,
              KEYS_REFUSED,
              PRECONDITION_FAILED,
              CORRUPT,
              TOO_LARGE,
              UNSUPPORTED,
              INVALID,
              INTERRUPTED,
              CLOSED,
              LOCAL_IO ->
              false;
        };
    if (unreachable) {
      long now = clock.millis();
      downSinceMillis.compareAndSet(0, now);
      lastProbeMillis.set(now);
    }
    return unreachable;
  }

  boolean down() {
    return downSinceMillis.get() != 0;
  }

  /** True for one caller a second: ask the store whether it is back. */
  boolean probe() {
    long last = lastProbeMillis.get();
    long now = clock.millis();
    return now - last >= PROBE_MILLIS && lastProbeMillis.compareAndSet(last, now);
  }
}
