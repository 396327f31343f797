package io.tiermount.fs.fuse.dev;

import io.tiermount.backends.os.ErrnoException;
import io.tiermount.backends.os.LibC;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Anonymous mappings: page aligned, and resident only as far as they were ever written. Unmapped
 * when nobody can reach them any more, so that a handler that comes late cannot write into foreign
 * memory.
 */
final class Pages {
  private Pages() {}

  // Restricted: mmap gives an address, only we know its size.
  @SuppressWarnings("restricted")
  static MemorySegment allocate(long sizeBytes) {
    try {
      long address =
          LibC.mmap(
              -1,
              0,
              sizeBytes,
              LibC.PROT_READ | LibC.PROT_WRITE,
              LibC.MAP_PRIVATE | LibC.MAP_ANONYMOUS);
      return MemorySegment.ofAddress(address)
          .reinterpret(sizeBytes, Arena.ofAuto(), segment -> free(segment.address(), sizeBytes));
    } catch (ErrnoException e) {
      throw new OutOfMemoryError("no memory for a FUSE buffer: " + e.getMessage());
    }
  }

  private static void free(long address, long sizeBytes) {
    try {
      LibC.munmap(address, sizeBytes);
    } catch (ErrnoException e) {
      throw new IllegalStateException(e); // only a wrong address can do this
    }
  }
}
