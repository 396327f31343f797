package io.tiermount.backends;

import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * Takes the bytes of a read as they arrive, in order and without gaps. Called on the thread that
 * called {@link ObjectStore#read}.
 */
@FunctionalInterface
public interface ReadTarget {
  /**
   * Takes all remaining bytes of {@code bytes}; the buffer belongs to the store again afterwards.
   *
   * @throws IOException to give the read up; the store ends the transfer and throws it on
   */
  void accept(ByteBuffer bytes) throws IOException;

  /** Fills {@code buffer}; the read must not deliver more than it holds. */
  static ReadTarget into(ByteBuffer buffer) {
    return buffer::put;
  }
}
