package io.tiermount.backends;

import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * Bytes to upload, readable any number of times (a retry reads them again) and from any offset.
 * Implementations are safe for use by one thread at a time.
 */
public interface ByteSource {
  /** Length in bytes; does not change while the source is in use. */
  long sizeBytes();

  /**
   * Fills {@code target} as far as the source reaches from {@code offsetBytes}; returns the count,
   * which is less than asked only at the end.
   */
  int read(long offsetBytes, ByteBuffer target) throws IOException;

  /** A source over a heap array, which must not change while in use. */
  static ByteSource of(byte[] bytes) {
    return new ByteSource() {
      @Override
      public long sizeBytes() {
        return bytes.length;
      }

      @Override
      public int read(long offsetBytes, ByteBuffer target) {
        int count = (int) Math.min(target.remaining(), bytes.length - offsetBytes);
        target.put(bytes, (int) offsetBytes, count);
        return count;
      }
    };
  }
}
