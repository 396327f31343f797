package io.tiermount.fs.cache;

import java.time.Clock;

/**
 * How often extents were used lately: two bits each, in a table of fixed size (4 MiB), not on disk.
 * Uses within one tick count once, so that the many READs of one pass over an extent don't make it
 * look popular. Extents that share a slot share their count, which only keeps one of them longer.
 * Racy on purpose: a lost count costs nothing worth a lock on the read path.
 */
final class Frequency {
  /** What S3-FIFO caps its counter at (Yang et al., SOSP 2023, section 4.1). */
  private static final int MAX = 3;

  private static final int SLOTS = 1 << 22;
  private static final int COUNT_MASK = 3;
  private static final long TICK_MILLIS = 4000;

  private final byte[] slots = new byte[SLOTS];
  private final Clock clock;
  private volatile int tick;

  Frequency(Clock clock) {
    this.clock = clock;
    advance();
  }

  /** Called once in a while: reads must not ask the clock. */
  void advance() {
    tick = (int) (clock.millis() / TICK_MILLIS) & 63;
  }

  /** An extent was used. */
  void touch(long contentId, int extent) {
    int slot = slot(contentId, extent);
    int old = slots[slot];
    int now = tick;
    if (((old >>> 2) & 63) != now) {
      slots[slot] = (byte) (now << 2 | Math.min(MAX, (old & COUNT_MASK) + 1));
    }
  }

  /** An extent came in: this use is not one of it again. */
  void reset(long contentId, int extent) {
    slots[slot(contentId, extent)] = (byte) (tick << 2);
  }

  int get(long contentId, int extent) {
    return slots[slot(contentId, extent)] & COUNT_MASK;
  }

  void decrement(long contentId, int extent) {
    int slot = slot(contentId, extent);
    int old = slots[slot];
    if ((old & COUNT_MASK) > 0) {
      slots[slot] = (byte) (old - 1);
    }
  }

  private static int slot(long contentId, int extent) {
    long hash = (contentId * 0x9E3779B97F4A7C15L + extent) * 0xBF58476D1CE4E5B9L;
    return (int) (hash >>> 42);
  }
}
