package io.tiermount.fs.write;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.util.BitSet;

/**
 * Which chunks of a file lie in its data file, where the rest is still in the object it was opened
 * on. Chunks come, they never go. Every 64 of them are journalled together before a change of
 * theirs is acknowledged.
 */
public final class Presence {
  /** 64 KiB, the cache's own. */
  static final int CHUNK_SHIFT = 16;

  static final int CHUNK_BYTES = 1 << CHUNK_SHIFT;

  /** 64 chunks are journalled together. */
  static final int GROUP_SHIFT = 6;

  /** Writes a group of chunks down. */
  public interface Journal {
    void present(int group, long chunks) throws IOException;
  }

  private final Journal journal;

  @GuardedBy("this")
  private final BitSet chunks = new BitSet();

  @GuardedBy("this")
  private long underBytes;

  /**
   * A file of which nothing lies here yet.
   *
   * @param underBytes how much of the object below counts; what is behind it lies in the data file
   */
  Presence(long underBytes, Journal journal) {
    this.underBytes = underBytes;
    this.journal = journal;
  }

  /** As it was journalled. */
  synchronized void restore(int group, long bits) {
    for (long rest = bits; rest != 0; rest &= rest - 1) {
      chunks.set((group << GROUP_SHIFT) + Long.numberOfTrailingZeros(rest));
    }
  }

  synchronized long underBytes() {
    return underBytes;
  }

  /** The object below counts up to here only. */
  synchronized void cut(long sizeBytes) {
    underBytes = Math.min(underBytes, sizeBytes);
  }

  synchronized boolean has(int chunk) {
    return chunks.get(chunk) || ((long) chunk << CHUNK_SHIFT) >= underBytes;
  }

  synchronized boolean hasAll(long offsetBytes, long lengthBytes) {
    int last = (int) ((offsetBytes + lengthBytes - 1) >>> CHUNK_SHIFT);
    for (int chunk = (int) (offsetBytes >>> CHUNK_SHIFT); chunk <= last; chunk++) {
      if (!has(chunk)) {
        return false;
      }
    }
    return true;
  }

  /** A chunk lies whole in the data file now. */
  void add(int chunk) throws IOException {
    int group = chunk >>> GROUP_SHIFT;
    long bits = 0;
    synchronized (this) {
      if (chunks.get(chunk)) {
        return;
      }
      chunks.set(chunk);
      long[] words = chunks.toLongArray();
      bits = group < words.length ? words[group] : 0;
    }
    journal.present(group, bits);
  }

  /** The first offset at or behind {@code offsetBytes} whose presence is another one. */
  synchronized long runEnd(long offsetBytes, long endBytes) {
    int chunk = (int) (offsetBytes >>> CHUNK_SHIFT);
    boolean here = has(chunk);
    do {
      chunk++;
    } while (((long) chunk << CHUNK_SHIFT) < endBytes && has(chunk) == here);
    return Math.min(endBytes, (long) chunk << CHUNK_SHIFT);
  }
}
