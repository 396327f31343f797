package io.tiermount.fs.cache;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.tiermount.backends.StoreException;
import io.tiermount.backends.StoreException.Kind;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * One ranged GET of a run of chunks, shared by all who wait for any of its bytes. Waiters copy from
 * its memory as soon as their bytes arrived; the buffers live until it is done, kept or not, and
 * the last user left.
 */
final class Fetch {
  final Content content;
  final BlockSource source;
  final int firstChunk;
  final int chunks;
  final long offsetBytes;
  final long lengthBytes;

  private final FetchQueue queue;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();

  @GuardedBy("lock")
  private MemorySegment @Nullable [] buffers;

  /** The owner (queue, then the keeper) and every waiter count one each. */
  @GuardedBy("lock")
  private int users = 1;

  @GuardedBy("lock")
  private int waiting;

  @GuardedBy("lock")
  private @Nullable StoreException failure;

  private boolean submitted;

  /** Written by the fetching thread only, after the bytes. */
  private volatile long arrivedBytes;

  Fetch(FetchQueue queue, Content content, BlockSource source, int firstChunk, int chunks) {
    this.queue = queue;
    this.content = content;
    this.source = source;
    this.firstChunk = firstChunk;
    this.chunks = chunks;
    offsetBytes = (long) firstChunk << Chunks.CHUNK_SHIFT;
    long end = (long) (firstChunk + chunks) << Chunks.CHUNK_SHIFT;
    lengthBytes = Math.min(end, content.sizeBytes()) - offsetBytes;
  }

  boolean covers(int chunk) {
    return chunk >= firstChunk && chunk - firstChunk < chunks;
  }

  long memoryBytes() {
    return (long) chunks << Chunks.CHUNK_SHIFT;
  }

  /** Becomes a user; false where it has failed, or its memory is gone already. */
  boolean join() {
    lock.lock();
    try {
      if (users == 0 || failure != null) {
        return false;
      }
      users++;
      return true;
    } finally {
      lock.unlock();
    }
  }

  /** Gives a use back; the last one frees the memory. */
  void leave() {
    MemorySegment[] free;
    lock.lock();
    try {
      if (--users > 0) {
        return;
      }
      free = buffers;
      buffers = null;
    } finally {
      lock.unlock();
    }
    queue.released(this, free);
  }

  /** Called under the queue's lock, as is {@link #isSubmitted}. */
  void submitted() {
    submitted = true;
  }

  boolean isSubmitted() {
    return submitted;
  }

  void start(MemorySegment[] memory) {
    lock.lock();
    try {
      buffers = memory;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Runs the GET on the calling thread; returns how many bytes arrived, after telling all waiters.
   */
  long run() {
    StoreException error = null;
    try {
      source.fetch(offsetBytes, lengthBytes, this::accept);
      if (arrivedBytes < lengthBytes) {
        String message = "ended after " + arrivedBytes + " of " + lengthBytes + " bytes";
        error = new StoreException(Kind.UNAVAILABLE, content.key().key(), message);
      }
    } catch (StoreException e) {
      error = e;
    } catch (RuntimeException e) {
      // A source that breaks must not leave its waiters hanging.
      error = new StoreException(Kind.UNAVAILABLE, content.key().key(), "read failed", e);
    }
    if (error != null) {
      fail(error);
    }
    return arrivedBytes;
  }

  void fail(StoreException error) {
    content.forget(this);
    lock.lock();
    try {
      failure = error;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  private void accept(ByteBuffer bytes) throws IOException {
    long at = arrivedBytes;
    if (bytes.remaining() > lengthBytes - at) {
      throw new StoreException(
          Kind.UNAVAILABLE, content.key().key(), "more bytes came than were asked for");
    }
    MemorySegment[] memory = memory();
    MemorySegment from = MemorySegment.ofBuffer(bytes);
    long done = 0;
    long length = from.byteSize();
    while (done < length) {
      MemorySegment chunk = memory[(int) ((at + done) >>> Chunks.CHUNK_SHIFT)];
      long within = (at + done) & (CacheOptions.CHUNK_BYTES - 1);
      long count = Math.min(length - done, CacheOptions.CHUNK_BYTES - within);
      MemorySegment.copy(from, done, chunk, within, count);
      done += count;
    }
    bytes.position(bytes.limit());
    lock.lock();
    try {
      arrivedBytes = at + length;
      if (waiting > 0) {
        changed.signalAll();
      }
    } finally {
      lock.unlock();
    }
  }

  /** The chunks' memory; for users only. */
  MemorySegment[] memory() {
    lock.lock();
    try {
      MemorySegment[] memory = buffers;
      if (memory == null) {
        throw new IllegalStateException("a fetch is used before it started or after its end");
      }
      return memory;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Waits for bytes and copies them; for users only.
   *
   * @param fromBytes offset in the content
   * @throws StoreException the fetch's own failure, or INTERRUPTED; the fetch itself goes on
   */
  void copy(long fromBytes, MemorySegment target) throws StoreException {
    long at = fromBytes - offsetBytes;
    await(at + target.byteSize());
    MemorySegment[] memory = memory();
    long done = 0;
    while (done < target.byteSize()) {
      MemorySegment chunk = memory[(int) ((at + done) >>> Chunks.CHUNK_SHIFT)];
      long within = (at + done) & (CacheOptions.CHUNK_BYTES - 1);
      long count = Math.min(target.byteSize() - done, CacheOptions.CHUNK_BYTES - within);
      MemorySegment.copy(chunk, within, target, done, count);
      done += count;
    }
  }

  /** Waits for all of it; for users only. */
  void await() throws StoreException {
    await(lengthBytes);
  }

  boolean hasFailed() {
    lock.lock();
    try {
      return failure != null;
    } finally {
      lock.unlock();
    }
  }

  private void await(long needBytes) throws StoreException {
    if (arrivedBytes >= needBytes) {
      return;
    }
    queue.promote(this);
    lock.lock();
    try {
      waiting++;
      try {
        awaitLocked(needBytes);
      } finally {
        waiting--;
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new StoreException(Kind.INTERRUPTED, content.key().key(), "interrupted", e);
    } finally {
      lock.unlock();
    }
  }

  @GuardedBy("lock")
  private void awaitLocked(long needBytes) throws InterruptedException, StoreException {
    while (arrivedBytes < needBytes) {
      if (failure != null) {
        // Each waiter gets one of its own: the stack is the waiter's, the cause tells the rest.
        throw new StoreException(
            failure.kind(), failure.key(), String.valueOf(failure.getMessage()), failure);
      }
      changed.await();
    }
  }
}
