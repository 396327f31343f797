package io.tiermount.backends.os;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Times of open files. */
public final class FileTimes {
  /** Leaves a time as it is. */
  public static final long OMIT = Long.MIN_VALUE;

  private static final SystemCall FUTIMENS = SystemCall.of("futimens", 2, false);
  private static final long UTIME_OMIT = (1L << 30) - 2;
  private static final long NANOS = 1_000_000_000L;

  private FileTimes() {}

  /**
   * futimens(2): nanoseconds since the epoch, or {@link #OMIT}.
   *
   * @throws ErrnoException as the call does
   */
  public static void set(int fd, long atimeNanos, long mtimeNanos) throws ErrnoException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment times = arena.allocate(32, 8);
      put(times, 0, atimeNanos);
      put(times, 16, mtimeNanos);
      long result = FUTIMENS.call(fd, times.address());
      if (result < 0) {
        throw new ErrnoException("futimens of descriptor " + fd, (int) -result);
      }
    }
  }

  private static void put(MemorySegment times, long at, long nanos) {
    times.set(JAVA_LONG, at, nanos == OMIT ? 0 : Math.floorDiv(nanos, NANOS));
    times.set(JAVA_LONG, at + 8, nanos == OMIT ? UTIME_OMIT : Math.floorMod(nanos, NANOS));
  }
}
