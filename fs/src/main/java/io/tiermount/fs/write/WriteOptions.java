package io.tiermount.fs.write;

import java.time.Duration;

/**
 * What a mount promises about writes; {@code mounts.*.write}.
 *
 * @param maxDirtyAge under {@code LOCAL}: how long acknowledged data may wait for its upload while
 *     the store is there
 * @param uploadThreads uploads of this mount that run at the same time, 1 to 256
 * @param syncOnClose under {@code LOCAL}: close() is safe against power loss too, not fsync() alone
 * @param transferParts parts of one upload that are sent at the same time; more than {@code
 *     uploadThreads} raises those to as many
 * @param starvationWarning uploads that have not moved for so long are worth a warning
 */
public record WriteOptions(
    Durability durability,
    Duration maxDirtyAge,
    int uploadThreads,
    boolean syncOnClose,
    int transferParts,
    Duration starvationWarning) {
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

  /** With as many parts of an upload as there are threads. */
  public WriteOptions(
      Durability durability, Duration maxDirtyAge, int uploadThreads, boolean syncOnClose) {
    this(durability, maxDirtyAge, uploadThreads, syncOnClose, uploadThreads, Duration.ofMinutes(2));
  }

  public WriteOptions {
    if (maxDirtyAge.isNegative()) {
      throw new IllegalArgumentException("max_dirty_age is not negative");
    }
    if (uploadThreads < 1 || uploadThreads > MAX_UPLOAD_THREADS) {
      throw new IllegalArgumentException("upload_threads is from 1 to " + MAX_UPLOAD_THREADS);
    }
    if (transferParts < 1 || transferParts > MAX_UPLOAD_THREADS) {
      throw new IllegalArgumentException("parts of an upload are from 1 to " + MAX_UPLOAD_THREADS);
    }
  }
}
