package io.tiermount.fs.write;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.tiermount.backends.os.Errno;
import io.tiermount.backends.os.ErrnoException;
import io.tiermount.backends.os.FileStat;
import io.tiermount.backends.os.FileTimes;
import io.tiermount.backends.os.LibC;
import io.tiermount.fs.cache.ReadableFile;
import io.tiermount.fs.cache.StagingFile;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.BitSet;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The content of a file that is being written on this node: its one data file, which writers change
 * in place and readers read, and what of it differs from the object it came from.
 *
 * <p>Three shapes: a whole file whose writes the kernel makes by itself (nothing but its stamp
 * tells of them); a whole file whose WRITEs come here, so that the changed ranges are known; and a
 * large one of which only the changed chunks lie here and the rest is read from the object below.
 *
 * <p>Locks: {@link #lock} orders changes of partly present chunks, size and publishing; never held
 * while waiting for an upload. Safe from any thread.
 */
public final class DirtyFile {
  private final StagingFile staging;

  /** WRITEs come here and are noted; else only the stamp tells. */
  private final boolean tracked;

  private final @Nullable Presence presence;
  private final LayeredBytes bytes;

  private final ReentrantLock lock = new ReentrantLock();

  /** Chunks that differ from the base, as far as WRITEs tell. */
  @GuardedBy("lock")
  private BitSet changed = new BitSet();

  /** Chunks of the version that is being sent; -1 where that is all of it. */
  @GuardedBy("lock")
  private long sendingChunks;

  /** Nothing is known to be the base's. */
  @GuardedBy("lock")
  private boolean allChanged;

  /** As it was after the last change made through here. */
  @GuardedBy("lock")
  private Stamp own;

  /** As it was when it was the same as the object in the store. */
  @GuardedBy("lock")
  private Stamp published;

  private DirtyFile(
      StagingFile staging,
      boolean tracked,
      @Nullable Presence presence,
      @Nullable ReadableFile under,
      Stamp published)
      throws ErrnoException {
    this.staging = staging;
    this.tracked = tracked;
    this.presence = presence;
    this.bytes = new LayeredBytes(staging, presence, under);
    this.published = published;
    this.own = Stamp.of(staging.fd());
    this.allChanged = !tracked || (presence == null && !own.equals(published));
  }

  /**
   * A whole file.
   *
   * @param published its stamp while it is the same as the base; {@link Stamp#NONE} where it is not
   */
  public static DirtyFile whole(StagingFile staging, boolean tracked, Stamp published)
      throws ErrnoException {
    return new DirtyFile(staging, tracked, null, null, published);
  }

  /** A file that has just been taken over, or made, as what it was in the store. */
  public static DirtyFile takenOver(StagingFile staging, boolean tracked) throws ErrnoException {
    return new DirtyFile(staging, tracked, null, null, Stamp.of(staging.fd()));
  }

  /**
   * A file of which only changes lie here.
   *
   * @param under the object below; this file closes it
   * @param published null where it is as long as the object below and nothing was changed yet
   */
  public static DirtyFile partial(
      StagingFile staging, ReadableFile under, Presence.Journal journal, @Nullable Stamp published)
      throws ErrnoException {
    Presence presence = new Presence(under.sizeBytes(), journal);
    Stamp same = published == null ? Stamp.of(staging.fd()) : published;
    return new DirtyFile(staging, true, presence, under, same);
  }

  /** Tells a partial file what was journalled of it: all of that may differ from the base. */
  public void restore(int group, long chunks) {
    if (presence == null) {
      return;
    }
    presence.restore(group, chunks);
    lock.lock();
    try {
      for (long rest = chunks; rest != 0; rest &= rest - 1) {
        changed.set((group << Presence.GROUP_SHIFT) + Long.numberOfTrailingZeros(rest));
      }
    } finally {
      lock.unlock();
    }
  }

  /** After a restart: the object below counts up to here only. */
  public void restoreCut(long sizeBytes) {
    if (presence != null) {
      presence.cut(sizeBytes);
    }
  }

  /** How much of the object below counts; -1 where all is here. */
  public long underBytes() {
    return presence == null ? -1 : presence.underBytes();
  }

  /** The same bytes have another object below them from here on; this file closes it. */
  public void under(ReadableFile same) {
    bytes.under(same);
  }

  /** All that still lies in the object below comes here. Blocks. */
  public void bringHere() throws IOException {
    if (presence == null) {
      return;
    }
    for (long at = 0; at < presence.underBytes(); at += Presence.CHUNK_BYTES) {
      lock.lock();
      try {
        bytes.fill(at + 1);
      } finally {
        lock.unlock();
      }
    }
  }

  public StagingFile staging() {
    return staging;
  }

  /** All of it lies in the data file: the kernel may read it by itself. */
  public boolean isWhole() {
    return presence == null;
  }

  /** WRITEs have to come here. */
  public boolean isTracked() {
    return tracked;
  }

  public FileStat stat() throws ErrnoException {
    return LibC.fstat(staging.fd());
  }

  // ---- Reading and writing

  /** For a descriptor; closing it closes nothing. */
  public ReadableFile reader() {
    return bytes.reader();
  }

  /** True where {@link #write} would wait for the store. */
  public boolean writeWaits(long offsetBytes, long lengthBytes) {
    return bytes.isPartly(offsetBytes) || bytes.isPartly(offsetBytes + lengthBytes);
  }

  /**
   * Writes all of {@code data}.
   *
   * @throws ErrnoException ENOSPC and what else pwrite(2) says; nothing is acknowledged then
   */
  public void write(long offsetBytes, MemorySegment data) throws IOException {
    Presence known = presence;
    if (!tracked) {
      bytes.pwrite(offsetBytes, data);
      return;
    }
    long end = offsetBytes + data.byteSize();
    lock.lock();
    try {
      bytes.fill(offsetBytes);
      bytes.fill(end);
      bytes.pwrite(offsetBytes, data);
      int last = (int) ((end - 1) >>> Presence.CHUNK_SHIFT);
      for (int chunk = (int) (offsetBytes >>> Presence.CHUNK_SHIFT); chunk <= last; chunk++) {
        changed.set(chunk);
        if (known != null && !known.has(chunk)) {
          known.add(chunk);
        }
      }
      own = Stamp.of(staging.fd());
    } finally {
      lock.unlock();
    }
  }

  /** ftruncate(2); may wait for the store where a chunk is cut in two. */
  public void truncate(long sizeBytes) throws IOException {
    Presence known = presence;
    lock.lock();
    try {
      long before = stat().sizeBytes();
      if (known != null && sizeBytes < before) {
        bytes.fill(sizeBytes);
        known.cut(sizeBytes);
      }
      LibC.ftruncate(staging.fd(), sizeBytes);
      if (tracked) {
        int from = (int) (Math.min(before, sizeBytes) >>> Presence.CHUNK_SHIFT);
        int to = (int) ((Math.max(before, sizeBytes) - 1) >>> Presence.CHUNK_SHIFT);
        changed.set(from, Math.max(from, to) + 1);
        own = Stamp.of(staging.fd());
      }
    } finally {
      lock.unlock();
    }
  }

  /** fallocate(2) with mode 0 or FALLOC_FL_KEEP_SIZE: reserves, changes no byte. */
  public void reserve(int mode, long offsetBytes, long lengthBytes) throws IOException {
    if (presence != null) {
      throw new ErrnoException("reserving space in a partly present file", Errno.EOPNOTSUPP);
    }
    lock.lock();
    try {
      long before = stat().sizeBytes();
      LibC.fallocate(staging.fd(), mode, offsetBytes, lengthBytes);
      long after = stat().sizeBytes();
      if (tracked && after > before) {
        changed.set(
            (int) (before >>> Presence.CHUNK_SHIFT),
            (int) ((after - 1) >>> Presence.CHUNK_SHIFT) + 1);
      }
      own = Stamp.of(staging.fd());
    } finally {
      lock.unlock();
    }
  }

  /**
   * Sets times, which is no change of content.
   *
   * @param atimeNanos or {@link FileTimes#OMIT}
   */
  public void setTimes(long atimeNanos, long mtimeNanos) throws IOException {
    lock.lock();
    try {
      Stamp before = Stamp.of(staging.fd());
      boolean clean = before.equals(published);
      boolean known = before.equals(own);
      FileTimes.set(staging.fd(), atimeNanos, mtimeNanos);
      Stamp after = Stamp.of(staging.fd());
      if (clean) {
        published = after;
      }
      if (known) {
        own = after;
      }
    } finally {
      lock.unlock();
    }
  }

  /** Data and directory entry are on the disk. */
  public void sync() throws IOException {
    LibC.fdatasync(staging.fd());
    staging.syncDirectory();
  }

  /** Reads what is there now, as {@link PublishBytes}. */
  public int readNow(long offsetBytes, ByteBuffer target) throws IOException {
    long size = stat().sizeBytes();
    return new Sending(new Stamp(size, 0, 0), new BitSet(), true).read(offsetBytes, target);
  }

  // ---- Publishing

  /** True where the content is not what the store has. */
  public boolean isChanged() throws IOException {
    lock.lock();
    try {
      return !Stamp.of(staging.fd()).equals(published);
    } finally {
      lock.unlock();
    }
  }

  /** How many bytes of it the store does not have, at most; also while they are being sent. */
  public long changedBytes() throws IOException {
    lock.lock();
    try {
      Stamp now = Stamp.of(staging.fd());
      if (now.equals(published)) {
        return 0;
      }
      boolean known = tracked && !allChanged && now.equals(own);
      long chunks = changed.cardinality() + sendingChunks;
      return known && sendingChunks >= 0
          ? Math.min(now.sizeBytes(), chunks << Presence.CHUNK_SHIFT)
          : now.sizeBytes();
    } finally {
      lock.unlock();
    }
  }

  /** The stamp under which it is the same as its base. */
  public Stamp published() {
    lock.lock();
    try {
      return published;
    } finally {
      lock.unlock();
    }
  }

  /** A version of the content, about to be sent. One at a time. */
  public Sending send() throws IOException {
    lock.lock();
    try {
      Stamp now = Stamp.of(staging.fd());
      if (!now.equals(own) || !tracked) {
        // Somebody wrote through a mapping or past us.
        allChanged = true;
      }
      Sending sending = new Sending(now, changed, allChanged);
      sendingChunks = allChanged ? -1 : changed.cardinality();
      changed = new BitSet();
      allChanged = false;
      own = now;
      return sending;
    } finally {
      lock.unlock();
    }
  }

  /** See {@link #send}; ends with {@link #sent} or {@link #failed}. */
  public final class Sending implements PublishContent {
    private final Stamp stamp;
    private final BitSet chunks;
    private final boolean all;

    private Sending(Stamp stamp, BitSet chunks, boolean all) {
      this.stamp = stamp;
      this.chunks = chunks;
      this.all = all;
    }

    public Stamp stamp() {
      return stamp;
    }

    @Override
    public long sizeBytes() {
      return stamp.sizeBytes();
    }

    @Override
    public int read(long offsetBytes, ByteBuffer target) throws IOException {
      int count = (int) Math.min(target.remaining(), stamp.sizeBytes() - offsetBytes);
      if (count <= 0) {
        return 0;
      }
      if (target.isDirect()) {
        ByteBuffer part = target.slice().limit(count);
        bytes.read(offsetBytes, MemorySegment.ofBuffer(part), false);
        target.position(target.position() + count);
        return count;
      }
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment buffer = arena.allocate(count, 64);
        bytes.read(offsetBytes, buffer, false);
        target.put(buffer.asByteBuffer());
      }
      return count;
    }

    @Override
    public boolean unchanged(long offsetBytes, long lengthBytes) {
      if (all) {
        return false;
      }
      int last = (int) ((offsetBytes + lengthBytes - 1) >>> Presence.CHUNK_SHIFT);
      int next = chunks.nextSetBit((int) (offsetBytes >>> Presence.CHUNK_SHIFT));
      return next < 0 || next > last;
    }

    @Override
    public boolean stillSame() throws IOException {
      return Stamp.of(staging.fd()).equals(stamp);
    }

    /**
     * It is in the store.
     *
     * @param newUnder the object below from here on, where this is a partial file
     */
    public void sent(@Nullable ReadableFile newUnder) {
      lock.lock();
      try {
        published = stamp;
        sendingChunks = 0;
        if (presence != null && newUnder != null) {
          bytes.under(newUnder);
        }
      } finally {
        lock.unlock();
      }
    }

    /** It is not: what it would have changed counts as changed again. */
    public void failed() {
      lock.lock();
      try {
        sendingChunks = 0;
        changed.or(chunks);
        allChanged |= all;
      } finally {
        lock.unlock();
      }
    }
  }

  /** Closes what lies below; the data file stays. */
  public void close() {
    bytes.close();
  }
}
