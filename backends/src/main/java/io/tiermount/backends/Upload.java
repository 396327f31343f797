package io.tiermount.backends;

/**
 * An object being written in parts; nothing is visible before {@link #complete}. Parts may be sent
 * in any order and from several threads; a part sent again replaces the earlier one.
 */
public interface Upload {
  /**
   * The store's name for it, to find it again after a restart ({@link ObjectStore#resumeUpload}).
   */
  String uploadId();

  /**
   * Sends one part.
   *
   * @param number 1 to {@link StoreLimits#maxParts}
   * @param body at least {@link StoreLimits#minPartBytes} unless it is the last part
   */
  void part(int number, ByteSource body) throws StoreException;

  /**
   * Makes one part of a range of another object (or of the one that this will replace), on the
   * server side. The same rules of size hold as for {@link #part}.
   *
   * @param sourceVersion only this one is copied
   * @param lengthBytes at least 1; the whole range lies within the source
   * @throws StoreException {@code PRECONDITION_FAILED} where the source is another version now,
   *     {@code NOT_FOUND} where it (or the upload) is gone, {@code INVALID} for a range that is not
   *     within it, {@code TOO_LARGE} above {@link StoreLimits#maxPartBytes}
   */
  void copyPart(
      int number, String sourceKey, Version sourceVersion, long offsetBytes, long lengthBytes)
      throws StoreException;

  /**
   * Makes the object of parts 1..n in order, atomically, where the condition holds. A retried
   * completion that finds its own success returns it.
   */
  ObjectInfo complete(WriteCondition condition) throws StoreException;

  /** Gives it up and frees what was sent. Idempotent; no error where it is gone already. */
  void abort() throws StoreException;
}
