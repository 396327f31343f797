package io.tiermount.fs.cache;

import java.time.Clock;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * Remembers which chunks were checked a moment ago, so that small reads of one chunk in a row do
 * not each read and sum up 64 KiB: three quarters of what such a read costs. For {@value
 * #BELIEVED_MILLIS} ms; what rots on the disk behind a page that is in memory shows only when the
 * page is read anew, which is what a check can see at all.
 *
 * <p>A fixed table of 256 KiB for all contents, each chunk in the one slot its number hashes to; a
 * later one takes the slot over. A slot holds a time and 40 bits of the hash of content, generation
 * and chunk: two that share both are taken for each other (one in 10^12), which costs one check.
 */
final class CheckedChunks {
  static final long BELIEVED_MILLIS = 10_000;

  private static final int SLOTS = 1 << 15;

  /** Times are kept in 24 bits: 4.6 hours, after which an old slot would look young again. */
  private static final int TIME_BITS = 24;

  private static final long TIME_MASK = (1L << TIME_BITS) - 1;

  private final AtomicLongArray slots = new AtomicLongArray(SLOTS);
  private final Clock clock;

  CheckedChunks(Clock clock) {
    this.clock = clock;
  }

  /** The chunk was read from its file and its checksum was right. */
  void checked(long contentId, long generation, int chunk) {
    long hash = hash(contentId, generation, chunk);
    slots.lazySet(slot(hash), (hash & ~TIME_MASK) | (clock.millis() & TIME_MASK));
  }

  /** True where {@link #checked} was told of it a moment ago. */
  boolean isChecked(long contentId, long generation, int chunk) {
    long hash = hash(contentId, generation, chunk);
    long kept = slots.getAcquire(slot(hash));
    return ((kept ^ hash) & ~TIME_MASK) == 0
        && ((clock.millis() - kept) & TIME_MASK) < BELIEVED_MILLIS;
  }

  private static int slot(long hash) {
    return (int) hash & (SLOTS - 1);
  }

  /** SplitMix64's finalizer over the three. */
  private static long hash(long contentId, long generation, int chunk) {
    long z = (contentId * 0x9E3779B97F4A7C15L + generation) * 0x9E3779B97F4A7C15L + chunk;
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }
}
