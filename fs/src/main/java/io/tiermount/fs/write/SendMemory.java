package io.tiermount.fs.write;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.Semaphore;

/**
 * The memory of all content on its way to the store, off the heap. Who wants more than is left
 * waits for others to finish; nobody takes two pieces, so that always ends. What is given back is
 * freed, but for {@link #IDLE} buffers of the usual size. Any thread.
 */
final class SendMemory {
  /** One permit. */
  private static final int UNIT_BYTES = 4096;

  /** Buffers kept for the next part. */
  private static final int IDLE = 2;

  private final long totalBytes;
  private final long usualBytes;
  private final Semaphore units;

  @GuardedBy("this")
  private final Deque<Piece> idle = new ArrayDeque<>();

  @GuardedBy("this")
  private boolean closed;

  /** A piece of memory, of one user until it is closed. */
  final class Piece implements AutoCloseable {
    private final Arena arena;
    private final MemorySegment bytes;

    // Closed when the piece is freed, in giveBack() or close().
    @SuppressWarnings("MustBeClosedChecker")
    private Piece(long sizeBytes) {
      arena = Arena.ofShared();
      bytes = arena.allocate(sizeBytes, UNIT_BYTES);
    }

    MemorySegment bytes() {
      return bytes;
    }

    @Override
    public void close() {
      giveBack(this);
    }
  }

  SendMemory(long totalBytes, long usualBytes) {
    this.totalBytes = totalBytes;
    this.usualBytes = Math.min(usualBytes, totalBytes);
    this.units = new Semaphore(Math.toIntExact(totalBytes / UNIT_BYTES), true);
  }

  /** The most that one piece may have: the half, so that one never waits for all others. */
  long maxPieceBytes() {
    return totalBytes / 2;
  }

  Piece take(long sizeBytes) throws InterruptedException {
    if (sizeBytes > maxPieceBytes()) {
      throw new IllegalArgumentException(sizeBytes + " bytes are more than a piece");
    }
    long size = isUsual(sizeBytes) ? usualBytes : sizeBytes;
    units.acquire(units(size));
    if (size == usualBytes) {
      synchronized (this) {
        if (!idle.isEmpty()) {
          return idle.removeLast();
        }
      }
    }
    try {
      return new Piece(size);
    } catch (OutOfMemoryError e) {
      units.release(units(size));
      throw e;
    }
  }

  /** Near enough to the usual size to take a buffer of it. */
  private boolean isUsual(long sizeBytes) {
    return sizeBytes > usualBytes / 2 && sizeBytes <= usualBytes && usualBytes <= maxPieceBytes();
  }

  private static int units(long sizeBytes) {
    return (int) Math.max(1, Math.ceilDiv(sizeBytes, UNIT_BYTES));
  }

  private void giveBack(Piece piece) {
    long size = piece.bytes.byteSize();
    boolean kept = false;
    synchronized (this) {
      if (!closed && size == usualBytes && idle.size() < IDLE) {
        idle.addLast(piece);
        kept = true;
      }
    }
    if (!kept) {
      piece.arena.close();
    }
    units.release(units(size));
  }

  /** Frees what is idle now and what becomes idle later. */
  synchronized void close() {
    closed = true;
    idle.forEach(piece -> piece.arena.close());
    idle.clear();
  }
}
