package io.tiermount.fs.cache;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * Chunk-sized native buffers for bytes in flight. {@link FetchQueue} bounds how many are out; what
 * comes back is kept for the next. Made 1 MiB at a time.
 */
final class FetchBuffers {
  private static final int SLAB_CHUNKS = 16;

  @GuardedBy("this")
  private final Deque<MemorySegment> free = new ArrayDeque<>();

  synchronized MemorySegment[] take(int count) {
    while (free.size() < count) {
      MemorySegment slab =
          Arena.ofAuto().allocate((long) SLAB_CHUNKS * CacheOptions.CHUNK_BYTES, 4096);
      for (int i = 0; i < SLAB_CHUNKS; i++) {
        long offset = (long) i * CacheOptions.CHUNK_BYTES;
        free.addLast(slab.asSlice(offset, CacheOptions.CHUNK_BYTES));
      }
    }
    MemorySegment[] taken = new MemorySegment[count];
    for (int i = 0; i < count; i++) {
      taken[i] = free.removeFirst();
    }
    return taken;
  }

  synchronized void give(MemorySegment[] buffers) {
    // Backwards, so that neighbours stay neighbours and are written with one call.
    for (int i = buffers.length - 1; i >= 0; i--) {
      free.addFirst(buffers[i]);
    }
  }
}
