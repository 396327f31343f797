package io.tiermount.fs.fuse.libfuse;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.Semaphore;

/**
 * Page-aligned buffers for the data of READ answers, of libfuse's largest request each. At most
 * {@link #LIMIT} are out at a time; whoever needs one more waits.
 */
final class PayloadPool {
  static final int BUFFER_BYTES = 128 << 10;
  private static final int LIMIT = 64;
  private static final int PAGE_BYTES = 4096;

  private final Semaphore permits = new Semaphore(LIMIT);
  private final ConcurrentLinkedDeque<MemorySegment> free = new ConcurrentLinkedDeque<>();

  MemorySegment take() {
    permits.acquireUninterruptibly();
    MemorySegment buffer = free.pollLast();
    return buffer != null ? buffer : Arena.ofAuto().allocate(BUFFER_BYTES, PAGE_BYTES);
  }

  void give(MemorySegment buffer) {
    free.addLast(buffer);
    permits.release();
  }
}
