package io.tiermount.fs.volume;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.tiermount.backends.Keys;
import io.tiermount.backends.StoreException;

/**
 * Confirms the stale facts of many names of one directory by LIST pages: who asks for a few known
 * names in key order (a job that opens the files of a data set one by one) gets a page of the
 * listing from there on, which is fresh for the next thousand. One LIST instead of a HEAD and a
 * LIST for each. Safe from any thread.
 */
final class ListRevalidation {
  /** In order before it starts: two could be chance. */
  private static final int STREAK = 3;

  private final Listings listings;
  private final SingleFlight<String, Boolean> pages = new SingleFlight<>();

  @GuardedBy("this")
  private long dir;

  @GuardedBy("this")
  private String last = "";

  @GuardedBy("this")
  private int streak;

  ListRevalidation(Listings listings) {
    this.listings = listings;
  }

  /**
   * Tells of a known name whose facts are stale; afterwards they may be fresh.
   *
   * @param segment of the key
   * @return true where a page was listed from it on
   */
  boolean asked(long dirId, String dirKey, String segment) throws StoreException {
    synchronized (this) {
      boolean follows = dirId == dir && Keys.ORDER.compare(segment, last) > 0;
      streak = follows ? streak + 1 : 0;
      dir = dirId;
      last = segment;
      if (streak < STREAK || segment.isEmpty()) {
        return false;
      }
    }
    String after = dirKey + before(segment);
    return pages.run(
        dirId + " " + after,
        () -> {
          listings.refresh(dirId, dirKey, after);
          return true;
        });
  }

  /** A key shortly before a segment: few others lie between the two. */
  private static String before(String segment) {
    int end = segment.offsetByCodePoints(segment.length(), -1);
    int code = segment.codePointAt(end);
    String head = segment.substring(0, end);
    // Not into the surrogates, which no key can have, nor below what XML can carry.
    boolean plain = code > ' ' && code < Character.MIN_SURROGATE;
    return plain ? head + Character.toString(code - 1) + Character.toString(0x10FFFD) : head;
  }
}
