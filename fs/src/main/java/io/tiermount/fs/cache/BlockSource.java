package io.tiermount.fs.cache;

import io.tiermount.backends.ReadTarget;
import io.tiermount.backends.StoreException;

/** Where the bytes of one content come from when the cache lacks them. */
@FunctionalInterface
public interface BlockSource {
  /**
   * Delivers exactly {@code lengthBytes} bytes of the pinned version, in order; blocks. Exactly one
   * ranged GET where nothing has to be retried.
   *
   * @throws StoreException {@code PRECONDITION_FAILED} where the store holds another version now
   */
  void fetch(long offsetBytes, long lengthBytes, ReadTarget target) throws StoreException;
}
