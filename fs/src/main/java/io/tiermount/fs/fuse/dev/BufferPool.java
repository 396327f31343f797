package io.tiermount.fs.fuse.dev;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.ArrayDeque;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Reply buffers for answers that do not come from the reader thread. At most {@code limit} exist (1
 * MiB each, resident as far as used); whoever needs one more waits, uninterruptibly, until an
 * answer has been sent.
 */
final class BufferPool {
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition returned = lock.newCondition();
  private final int limit;

  @GuardedBy("lock")
  private final ArrayDeque<ReplyBuffer> free = new ArrayDeque<>();

  @GuardedBy("lock")
  private int made;

  BufferPool(int limit) {
    this.limit = limit;
  }

  ReplyBuffer take() {
    lock.lock();
    try {
      while (free.isEmpty() && made == limit) {
        returned.awaitUninterruptibly();
      }
      // The one given back last is the one still in the CPU's cache.
      ReplyBuffer buffer = free.pollLast();
      if (buffer == null) {
        buffer = new ReplyBuffer();
        made++;
      }
      return buffer;
    } finally {
      lock.unlock();
    }
  }

  void give(ReplyBuffer buffer) {
    lock.lock();
    try {
      free.addLast(buffer);
      returned.signal();
    } finally {
      lock.unlock();
    }
  }
}
