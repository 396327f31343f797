package io.tiermount.fs.write;

import java.time.Duration;

/**
 * What a mount promises about writes; {@code mounts.*.write}.
 *
 * @param maxDirtyAge under {@code LOCAL}: how long acknowledged data may wait for its upload while
 *     the store is there
 * @param uploadThreads uploads of this mount that run at the same time, 1 to 256
 * @param syncOnClose under {@code LOCAL}: close() is safe against power loss too, not fsync() alone
 */
public record WriteOptions(
    Durability durability, Duration maxDirtyAge, int uploadThreads, boolean syncOnClose) {
  /** More uploads at once than any store rewards. */
  public static final int MAX_UPLOAD_THREADS = 256;

  public static final WriteOptions DEFAULTS =
      new WriteOptions(Durability.REMOTE, Duration.ofSeconds(30), 8, false);

  /** When close() and fsync() return. */
  public enum Durability {
    /** When the object is complete in the store. */
    REMOTE,
    /** When it is safe on this node; the upload follows. */
    LOCAL
  }

  public WriteOptions {
    if (maxDirtyAge.isNegative()) {
      throw new IllegalArgumentException("max_dirty_age is not negative");
    }
    if (uploadThreads < 1 || uploadThreads > MAX_UPLOAD_THREADS) {
      throw new IllegalArgumentException("upload_threads is from 1 to " + MAX_UPLOAD_THREADS);
    }
  }
}
