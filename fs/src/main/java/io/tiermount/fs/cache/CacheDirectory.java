package io.tiermount.fs.cache;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.tiermount.backends.os.ErrnoException;
import io.tiermount.backends.os.FsStat;
import io.tiermount.backends.os.LibC;
import io.tiermount.fs.cache.BlockIndex.Ledger;
import io.tiermount.fs.cache.DataFiles.Held;
import io.tiermount.fs.cache.Extent.Place;
import io.tiermount.fs.meta.MetaException;
import io.tiermount.fs.meta.Scan;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.UnaryOperator;

/**
 * One disk's budget: what is used there, what is reserved for bytes on their way, what files of
 * writers take, and what unlinked files still hold. The used bytes are in the index, changed in the
 * same write as the records they are the sum of, so that they are right after a kill.
 */
final class CacheDirectory {
  /** Our own data never takes the last of a disk, which index and state need to be written. */
  private static final long FLOOR_BYTES = 32L << 20;

  private static final int FLOOR_PARTS = 20;
  private static final long MIN_FREE_INODES = 1024;

  private final DataFiles files;
  private final StagingArea staging;
  private final BlockIndex index;
  private volatile long maxBytes;
  private volatile long minFreeBytes;
  private final ReentrantLock lock = new ReentrantLock();

  /** One thread at a time chooses victims. */
  final ReentrantLock evicting = new ReentrantLock();

  @GuardedBy("lock")
  private Ledger ledger;

  @GuardedBy("lock")
  private long reservedBytes;

  /** What files of writers take, as far as it was looked at. */
  @GuardedBy("lock")
  private long stagedBytes;

  /** What those are about to take. */
  @GuardedBy("lock")
  private long aheadBytes;

  /**
   * Held while a file becomes held, and while they are counted; never while waiting for another.
   */
  private final ReentrantLock holding = new ReentrantLock();

  /** Changed with both locks. */
  @GuardedBy("lock")
  private Held held = Held.NOTHING;

  CacheDirectory(
      DataFiles files, BlockIndex index, long maxBytes, long minFreeBytes, Ledger ledger) {
    this.files = files;
    this.index = index;
    this.maxBytes = maxBytes;
    this.minFreeBytes = minFreeBytes;
    this.ledger = ledger;
    staging = new StagingArea(files.directory());
  }

  /** The disk as statfs(2) tells it; an inode count of 0 in all means there is no limit. */
  record Free(long bytes, long inodes, long minBytes) {
    boolean leaves(long moreBytes) {
      return bytes - moreBytes >= minBytes && inodes >= MIN_FREE_INODES;
    }
  }

  long id() {
    return files.id();
  }

  Path path() {
    return files.directory();
  }

  DataFiles files() {
    return files;
  }

  StagingArea staging() {
    return staging;
  }

  long maxBytes() {
    return maxBytes;
  }

  /** Another ceiling: a lower one is come down to by cleaning. */
  void resize(long maxUsedBytes, long leaveFreeBytes) {
    maxBytes = maxUsedBytes;
    minFreeBytes = leaveFreeBytes;
  }

  /** Everything that counts against the ceiling. */
  long totalBytes() {
    lock.lock();
    try {
      return total();
    } finally {
      lock.unlock();
    }
  }

  @GuardedBy("lock")
  private long total() {
    return ledger.usedBytes() + reservedBytes + stagedBytes + held.bytes();
  }

  Ledger ledger() {
    lock.lock();
    try {
      return ledger;
    } finally {
      lock.unlock();
    }
  }

  long heldBytes() {
    lock.lock();
    try {
      return held.bytes();
    } finally {
      lock.unlock();
    }
  }

  long stagedBytes() {
    lock.lock();
    try {
      return stagedBytes;
    } finally {
      lock.unlock();
    }
  }

  /** Files of writers took more, or less. */
  void stage(long moreBytes) {
    lock.lock();
    try {
      stagedBytes += moreBytes;
    } finally {
      lock.unlock();
    }
  }

  /** What was reserved is a writer's. */
  void stageReserved(long bytes) {
    lock.lock();
    try {
      reservedBytes -= bytes;
      stagedBytes += bytes;
    } finally {
      lock.unlock();
    }
  }

  /** So much will be taken soon by writers that ask nobody: cleaning makes room for it, too. */
  void expect(long bytes) {
    lock.lock();
    try {
      aheadBytes = bytes;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Takes a file that is in use out of the cache; it counts as held until nobody uses it.
   *
   * @param staged what was counted as staged for it, and is no more
   */
  void holdBack(Path file, long staged) throws IOException {
    holding.lock();
    try {
      Held more = files.holdBack(file);
      lock.lock();
      try {
        held = held.plus(more);
        stagedBytes -= staged;
      } finally {
        lock.unlock();
      }
    } finally {
      holding.unlock();
    }
  }

  /** Deletes the held files nobody uses any more, and counts the rest: who uses them may write. */
  void releaseHeld() throws IOException {
    holding.lock();
    try {
      Held left = files.releaseHeld();
      lock.lock();
      try {
        held = left;
      } finally {
        lock.unlock();
      }
    } finally {
      holding.unlock();
    }
  }

  boolean holdsFiles() {
    lock.lock();
    try {
      return held.files() > 0;
    } finally {
      lock.unlock();
    }
  }

  /** Reserves where the ceiling and the disk allow it. */
  boolean tryReserve(long bytes) {
    Free free = free();
    lock.lock();
    try {
      if (bytes > maxBytes - total() || !free.leaves(reservedBytes + bytes) || files.isBlocked()) {
        return false;
      }
      reservedBytes += bytes;
      return true;
    } finally {
      lock.unlock();
    }
  }

  void unreserve(long bytes) {
    lock.lock();
    try {
      reservedBytes -= bytes;
    } finally {
      lock.unlock();
    }
  }

  /** How many bytes would have to go before {@code moreBytes} could come; 0 for none. */
  long excess(long moreBytes, int marginPercent) {
    Free free = free();
    lock.lock();
    try {
      long bytes = moreBytes + aheadBytes;
      long over = 0;
      if (maxBytes != Long.MAX_VALUE) {
        over = total() + bytes - (maxBytes - maxBytes / 100 * marginPercent);
      }
      long wanted = free.minBytes() + free.minBytes() / 100 * marginPercent;
      over = Math.max(over, wanted + reservedBytes + bytes - free.bytes());
      if (free.inodes() < MIN_FREE_INODES) {
        over = Math.max(over, 1);
      }
      return Math.max(0, over);
    } finally {
      lock.unlock();
    }
  }

  Free free() {
    try {
      FsStat stat = LibC.statfs(files.directory().toString());
      long bytes = stat.availableBlocks() * stat.blockSizeBytes();
      long all = stat.blocks() * stat.blockSizeBytes();
      long floor = Math.min(FLOOR_BYTES, all / FLOOR_PARTS);
      long inodes = stat.files() == 0 ? Long.MAX_VALUE : stat.freeFiles();
      return new Free(bytes, inodes, Math.max(minFreeBytes, floor));
    } catch (ErrnoException e) {
      return new Free(0, 0, Math.max(minFreeBytes, FLOOR_BYTES));
    }
  }

  /** Adds records to a change of the ledger. */
  @FunctionalInterface
  interface WithLedger {
    /**
     * @param position a fresh place at the tail of either queue, and so are all after it: the
     *     ledger returned says how many were taken, where it was more than the one
     */
    Ledger apply(BlockIndex.Change change, Ledger ledger, long position) throws MetaException;
  }

  /**
   * Changes records together with the ledger; what was reserved before becomes used.
   *
   * @param reserved given back whether it succeeds or not
   */
  void change(long reserved, WithLedger changer) throws MetaException {
    change(reserved, 0, changer);
  }

  /**
   * The same where files become staged, or cease to be.
   *
   * @param staged more or less bytes of those; nothing where this fails
   */
  void change(long reserved, long staged, WithLedger changer) throws MetaException {
    lock.lock();
    try {
      reservedBytes -= reserved;
      Ledger before = ledger;
      Ledger[] after = {before};
      index.change(change -> {
        Ledger counted = changer.apply(change, before, before.nextPosition());
        long next = Math.max(counted.nextPosition(), before.nextPosition() + 1);
        after[0] = new Ledger(counted.usedBytes(), counted.smallBytes(), next);
        change.putLedger(files.id(), after[0]);
      });
      ledger = after[0];
      stagedBytes += staged;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Removes all records of a content whose file is gone or no longer ours.
   *
   * @param staged what it takes from now on as a writer's
   * @return what it was charged
   */
  long forget(ContentKey key, long id, long sizeBytes, long staged) throws MetaException {
    long[] bytes = {0};
    change(
        0,
        staged,
        (change, ledger, _) -> {
          Ledger counted = ledger;
          try (Scan scan = index.extentsOf(id)) {
            while (scan.next()) {
              int number = BlockIndex.extentNumber(scan.key());
              Extent extent = BlockIndex.decode(scan.value(), 0);
              long charge = Chunks.charge(sizeBytes, number, extent.allocated());
              bytes[0] += charge;
              change.removeExtent(id, number);
              change.dequeue(files.id(), extent.place());
              counted = add(extent.place(), -charge).apply(counted);
            }
          }
          change.removeContent(key, id);
          return counted;
        });
    return bytes[0];
  }

  /** A ledger that changed by {@code bytes} in the queue of {@code place}. */
  static UnaryOperator<Ledger> add(Place place, long bytes) {
    return ledger ->
        new Ledger(
            ledger.usedBytes() + bytes,
            place.queue() == Place.SMALL ? ledger.smallBytes() + bytes : ledger.smallBytes(),
            ledger.nextPosition());
  }
}
