package io.tiermount.fs.cache;

import java.time.Clock;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Errors of the cache's own disk and index, which no reader ever sees: counted, and told once a
 * minute.
 */
final class Trouble {
  private static final Logger LOG = LoggerFactory.getLogger(BlockCache.class);
  private static final long LOG_INTERVAL_MILLIS = 60_000;

  private final Clock clock;
  private final LongAdder count = new LongAdder();
  private final AtomicLong untold = new AtomicLong();
  private final AtomicLong lastToldMillis = new AtomicLong(Long.MIN_VALUE);

  Trouble(Clock clock) {
    this.clock = clock;
  }

  /**
   * Notes one.
   *
   * @param what as in "keeping data of bucket/key"
   */
  void note(String what, Throwable error) {
    count.increment();
    long waiting = untold.incrementAndGet();
    long last = lastToldMillis.get();
    long now = clock.millis();
    if (last != Long.MIN_VALUE && now - last < LOG_INTERVAL_MILLIS) {
      return;
    }
    if (lastToldMillis.compareAndSet(last, now)) {
      untold.addAndGet(-waiting);
      LOG.warn(
          "The cache failed {} time(s) since the last such message, last at {}: {}. Reads go to"
              + " the store meanwhile; look at the cache's disk.",
          waiting,
          what,
          String.valueOf(error));
    }
  }

  long count() {
    return count.sum();
  }
}
