package io.tiermount.fs.cache;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicReferenceArray;

/**
 * Chunk-sized buffers for reads that are smaller than what has to be verified. At most {@value
 * #SLOTS} are kept (2 MiB), spread over threads so that two rarely meet; not a ThreadLocal, since
 * virtual threads come here too.
 */
final class Scratch {
  private static final int SLOTS = 32;
  private final AtomicReferenceArray<MemorySegment> slots = new AtomicReferenceArray<>(SLOTS);

  /** Give it back with {@link #give}; forgetting to costs only garbage. */
  MemorySegment take() {
    MemorySegment buffer = slots.getAndSet(slot(), null);
    return buffer != null ? buffer : Arena.ofAuto().allocate(CacheOptions.CHUNK_BYTES, 4096);
  }

  void give(MemorySegment buffer) {
    slots.lazySet(slot(), buffer);
  }

  private static int slot() {
    return (int) Thread.currentThread().threadId() & (SLOTS - 1);
  }
}
