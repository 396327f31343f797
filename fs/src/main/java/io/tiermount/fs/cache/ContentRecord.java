package io.tiermount.fs.cache;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * What the index says of a content.
 *
 * @param directoryId of the cache directory with its data file
 * @param presentChunks chunks present in all extents
 * @param extents extents with a record
 * @param passthrough it was handed out to the kernel once: never punched, evicted by unlink only
 * @param stamp when its checksums were last verified whole
 */
record ContentRecord(
    long id,
    long sizeBytes,
    long directoryId,
    int presentChunks,
    int extents,
    boolean passthrough,
    Stamp stamp) {
  private static final int FIXED_BYTES = 3 * Long.BYTES + 2 * Integer.BYTES + 1 + Long.BYTES;

  /**
   * The data file as it was when it was verified.
   *
   * @param ctimeNanos its change time
   * @param bootId {@code /proc/sys/kernel/random/boot_id}; "" where it never was verified
   */
  record Stamp(long ctimeNanos, String bootId) {
    static final Stamp NONE = new Stamp(0, "");
  }

  ContentRecord count(int morePresentChunks, int moreExtents) {
    return new ContentRecord(
        id,
        sizeBytes,
        directoryId,
        presentChunks + morePresentChunks,
        extents + moreExtents,
        passthrough,
        stamp);
  }

  /** The same content with nothing of it kept. */
  ContentRecord emptied() {
    return new ContentRecord(id, sizeBytes, directoryId, 0, 0, false, Stamp.NONE);
  }

  ContentRecord handOut() {
    return new ContentRecord(id, sizeBytes, directoryId, presentChunks, extents, true, stamp);
  }

  ContentRecord verified(Stamp newStamp) {
    return new ContentRecord(
        id, sizeBytes, directoryId, presentChunks, extents, passthrough, newStamp);
  }

  byte[] encode() {
    byte[] boot = stamp.bootId.getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocate(FIXED_BYTES + boot.length)
        .putLong(id)
        .putLong(sizeBytes)
        .putLong(directoryId)
        .putInt(presentChunks)
        .putInt(extents)
        .put((byte) (passthrough ? 1 : 0))
        .putLong(stamp.ctimeNanos)
        .put(boot)
        .array();
  }

  static ContentRecord decode(byte[] bytes) {
    ByteBuffer b = ByteBuffer.wrap(bytes);
    return new ContentRecord(
        b.getLong(),
        b.getLong(),
        b.getLong(),
        b.getInt(),
        b.getInt(),
        b.get() != 0,
        new Stamp(b.getLong(), StandardCharsets.UTF_8.decode(b).toString()));
  }
}
