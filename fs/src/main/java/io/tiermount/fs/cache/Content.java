package io.tiermount.fs.cache;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.tiermount.backends.os.ErrnoException;
import io.tiermount.backends.os.LibC;
import io.tiermount.fs.meta.MetaException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * One content that somebody has open, or that is being evicted: there is never more than one of
 * these for a content. Its memory is what the index says: every change is written there first.
 *
 * <p>Readers take no lock. An {@link Extent} is immutable; what removes chunks publishes one of
 * another generation <em>before</em> it punches the bytes out, and a reader looks at the generation
 * again <em>after</em> its pread. If it is unchanged, the punching had not begun when the bytes
 * were read. This costs readers one load, where pins would make them write to shared memory.
 */
final class Content {
  private final Parts parts;
  private final ContentKey key;
  private final long sizeBytes;

  /** Null where nothing of the content is kept. */
  private final @Nullable CacheDirectory directory;

  private final ExtentTable extents;

  private final InFlight inFlight = new InFlight(this);
  private final ChunkReader reader;

  /** Held for every change; never while waiting for another content's. */
  final ReentrantLock lock = new ReentrantLock();

  private volatile ContentRecord record;

  /** The record is in the index. */
  @GuardedBy("lock")
  private boolean indexed;

  /** Left the cache while it was open: nothing more is read from or written to its file. */
  private volatile boolean detached;

  private volatile int fd = -1;

  /** Extents with bytes on their way into the file, and how many such writes. */
  @GuardedBy("lock")
  private final Map<Integer, Integer> storing = new HashMap<>();

  private final Condition stored = lock.newCondition();

  /** Guarded by the cache's lock for this key: openings, and those plus uses of the cache's own. */
  int handles;

  int references;

  Content(
      Parts parts,
      ContentKey key,
      @Nullable CacheDirectory directory,
      ContentRecord record,
      boolean indexed) {
    this.parts = parts;
    this.key = key;
    this.sizeBytes = record.sizeBytes();
    this.directory = directory;
    this.record = record;
    this.indexed = indexed;
    reader = new ChunkReader(parts, record.id(), sizeBytes);
    extents = new ExtentTable(parts, directory == null ? 0 : Chunks.extents(sizeBytes));
  }

  ContentKey key() {
    return key;
  }

  long id() {
    return record.id();
  }

  long sizeBytes() {
    return sizeBytes;
  }

  ContentRecord record() {
    return record;
  }

  InFlight inFlight() {
    return inFlight;
  }

  boolean isKept() {
    return directory != null && !detached;
  }

  boolean isDetached() {
    return detached;
  }

  CacheDirectory directory() {
    if (directory == null) {
      throw new IllegalStateException("a content that is not kept has no directory");
    }
    return directory;
  }

  boolean isWhole() {
    return sizeBytes == 0 || (isKept() && record.presentChunks() == Chunks.count(sizeBytes));
  }

  void forget(Fetch fetch) {
    inFlight.remove(fetch);
  }

  // ---- Reading

  /** True where every chunk of a range is present. */
  boolean has(long offsetBytes, long endBytes) {
    if (detached || record.presentChunks() == 0) {
      return offsetBytes == endBytes;
    }
    for (long at = offsetBytes; at < endBytes; ) {
      int number = (int) (at >>> Chunks.EXTENT_SHIFT);
      long until = Math.min(endBytes, (number + 1L) << Chunks.EXTENT_SHIFT);
      int first = (int) (at >>> Chunks.CHUNK_SHIFT) & 63;
      int last = (int) ((until - 1) >>> Chunks.CHUNK_SHIFT) & 63;
      if (!extent(number).has(Chunks.mask(first, last))) {
        return false;
      }
      at = until;
    }
    return true;
  }

  /** See {@link CachedFile#readCached}; counts nothing. */
  boolean readCached(long offsetBytes, MemorySegment target) {
    long length = target.byteSize();
    if (length == 0) {
      return true;
    }
    if (detached || record.presentChunks() == 0) {
      return false;
    }
    int file = fd;
    if (file < 0) {
      file = openFile();
      if (file < 0) {
        return false;
      }
    }
    long end = offsetBytes + length;
    for (long at = offsetBytes; at < end; ) {
      int number = (int) (at >>> Chunks.EXTENT_SHIFT);
      long until = Math.min(end, (number + 1L) << Chunks.EXTENT_SHIFT);
      Extent extent = extent(number);
      int first = (int) (at >>> Chunks.CHUNK_SHIFT) & 63;
      int last = (int) ((until - 1) >>> Chunks.CHUNK_SHIFT) & 63;
      if (!extent.has(Chunks.mask(first, last))) {
        return false;
      }
      MemorySegment part = target.asSlice(at - offsetBytes, until - at);
      long bad = reader.read(file, number, extent, at, part);
      if (bad != 0) {
        dropBad(number, extent, bad);
        return false;
      }
      // The pread must be over before the generation is looked at.
      VarHandle.fullFence();
      Extent now = extents.get(number);
      if (now == null || now.generation() != extent.generation()) {
        return false;
      }
      parts.frequency().touch(record.id(), number);
      at = until;
    }
    return true;
  }

  /**
   * Chunks are not what they should be: they are absent from now on. Not punched, since the kernel
   * may be reading the file by itself; the next fetch writes over them.
   */
  private void dropBad(int number, Extent seen, long chunks) {
    lock.lock();
    try {
      Extent now = extents.get(number);
      if (chunks == 0 || now == null || now.generation() != seen.generation() || detached) {
        return; // Removed meanwhile: the bytes were not bad but gone.
      }
      long gone = now.present() & chunks;
      Extent next = now.remove(gone, extents.nextGeneration());
      ContentRecord less = record.count(-Long.bitCount(gone), 0).verified(ContentRecord.Stamp.NONE);
      parts.counters().badChunks.add(Long.bitCount(gone));
      try {
        put(number, next, less);
      } catch (MetaException e) {
        // Absent in memory all the same; read from the index again, it would be found bad again.
        parts.trouble().note("dropping a bad chunk of " + key, e);
      }
      extents.set(number, next);
      record = less;
    } finally {
      lock.unlock();
    }
  }

  /** What is known of an extent; nothing where the index can't be read. */
  Extent extent(int number) {
    Extent extent = extents.get(number);
    if (extent != null) {
      return extent;
    }
    boolean many;
    lock.lock();
    try {
      extent = loaded(number);
      many = parts.counters().loadedExtents.sum() > Parts.MAX_LOADED_EXTENTS;
    } catch (MetaException e) {
      parts.trouble().note("looking up " + key, e);
      return Extent.empty(-1);
    } finally {
      lock.unlock();
    }
    if (many && !lock.isHeldByCurrentThread()) {
      parts.manyLoaded().run();
    }
    return extent;
  }

  @GuardedBy("lock")
  Extent loaded(int number) throws MetaException {
    return extents.load(record.id(), number, indexed);
  }

  /** Forgets what can be read from the index again; does nothing while a change is going on. */
  void unload() {
    if (lock.tryLock()) {
      try {
        extents.unload();
      } finally {
        lock.unlock();
      }
    }
  }

  /** Reads one chunk for one who has it open; drops it where it is bad. False where absent. */
  boolean verify(int chunk) {
    int file = openFile();
    int number = chunk >> 6;
    Extent extent = extent(number);
    if (file < 0 || !extent.has(1L << (chunk & 63))) {
      return false;
    }
    dropBad(number, extent, reader.check(file, chunk, extent));
    return true;
  }

  // ---- The data file

  private String path() {
    return directory == null ? key.toString() : directory.files().path(record.id()).toString();
  }

  /** The descriptor for reading; -1 where there is no such file, which is noticed for good. */
  int openFile() {
    lock.lock();
    try {
      if (fd >= 0 || detached || directory == null || !indexed) {
        return fd;
      }
      fd = directory.files().open(record.id(), sizeBytes, LibC.O_RDWR | LibC.O_NOATIME);
      if (fd < 0) {
        parts.counters().lostFiles.increment();
        forgetAll(directory);
      }
      return fd;
    } catch (IOException e) {
      parts.trouble().note("opening " + path(), e);
      return -1;
    } finally {
      lock.unlock();
    }
  }

  /** The descriptor, with a new file where there is none. */
  @GuardedBy("lock")
  int fileForWriting() throws IOException {
    if (fd < 0) {
      openFile();
    }
    if (fd < 0) {
      fd = directory().files().create(record.id(), sizeBytes);
    }
    return fd;
  }

  /** Only while nobody reads and nothing {@link #isStoring}. True where it was open. */
  @GuardedBy("lock")
  boolean closeFile() {
    if (fd < 0) {
      return false;
    }
    try {
      LibC.close(fd);
    } catch (ErrnoException e) {
      parts.trouble().note("closing " + path(), e);
    }
    fd = -1;
    return true;
  }

  // ---- Changes; each is in the index before it is in memory

  private ContentBooks books() {
    return new ContentBooks(key, sizeBytes, directory());
  }

  @GuardedBy("lock")
  boolean isIndexed() {
    return indexed;
  }

  @GuardedBy("lock")
  void store(ContentRecord changed) throws MetaException {
    if (indexed) {
      parts.index().change(change -> change.putContent(key, changed));
    }
    record = changed;
  }

  /** True where something is being done with an extent that eviction must not disturb. */
  @GuardedBy("lock")
  boolean isBusy(int number) {
    return storing.containsKey(number) || inFlight.touches(number);
  }

  @GuardedBy("lock")
  boolean isStoring() {
    return !storing.isEmpty();
  }

  @GuardedBy("lock")
  void storingBegins(int number) {
    storing.merge(number, 1, Integer::sum);
  }

  @GuardedBy("lock")
  void storingEnds(int number) {
    storing.computeIfPresent(number, (_, count) -> count == 1 ? null : count - 1);
    stored.signalAll();
  }

  /**
   * Waits until nothing is on its way into the file; more may begin at once. Not with the key's
   * lock held: who stores may wait for an eviction that waits for that.
   */
  void awaitStored() {
    lock.lock();
    try {
      while (isStoring()) {
        stored.awaitUninterruptibly();
      }
    } finally {
      lock.unlock();
    }
  }

  /** Space is about to be taken; {@code reserved} becomes used. */
  @GuardedBy("lock")
  void allocate(int number, long chunks, long reserved, byte queue) throws MetaException {
    CacheDirectory home = directory();
    Extent old;
    try {
      old = loaded(number);
    } catch (MetaException e) {
      home.unreserve(reserved);
      throw e;
    }
    ContentRecord more = record.count(0, old.isPlaced() ? 0 : 1);
    Extent next = books().allocate(more, !indexed, number, old, chunks, reserved, queue);
    indexed = true;
    record = more;
    extents.set(number, next);
  }

  private void put(int number, Extent extent, ContentRecord content) throws MetaException {
    parts
        .index()
        .change(change -> {
          change.putExtent(content.id(), number, extent);
          change.putContent(key, content);
        });
  }

  /** Chunks are in the file, whole. */
  @GuardedBy("lock")
  void add(int number, long chunks, int[] crcs) throws MetaException {
    Extent old = loaded(number);
    Extent next = old.add(chunks, crcs);
    ContentRecord more = record.count(Long.bitCount(chunks & ~old.present()), 0);
    put(number, next, more);
    extents.set(number, next);
    record = more;
  }

  /** From here on no reader that begins finds the extent's chunks. */
  @GuardedBy("lock")
  void withdraw(int number) throws MetaException {
    Extent old = loaded(number);
    Extent next = old.remove(-1L, extents.nextGeneration());
    ContentRecord less = record.count(-Long.bitCount(old.present()), 0);
    put(number, next, less);
    extents.set(number, next);
    record = less;
  }

  /** An extent's space was given back; returns how much. */
  @GuardedBy("lock")
  long freed(int number) throws MetaException {
    Extent old = loaded(number);
    ContentRecord less = record.count(0, -1);
    long bytes = books().free(less, number, old);
    indexed = less.extents() > 0;
    record = less;
    extents.set(number, Extent.empty(extents.nextGeneration()));
    return bytes;
  }

  /** Punches one extent out; the bytes given back. */
  @GuardedBy("lock")
  long empty(int number) throws IOException {
    withdraw(number);
    int file = openFile();
    if (file < 0) {
      return 0; // Lost, and forgotten whole by now.
    }
    long offset = (long) number << Chunks.EXTENT_SHIFT;
    long length = Math.min(Chunks.EXTENT_BYTES, sizeBytes - offset);
    // Whole pages: the rest of a last one would stay allocated.
    directory().files().punch(file, offset, (length + 4095) & -4096);
    return freed(number);
  }

  /** True while anybody else has the file open or mapped; only while nobody has it through us. */
  @GuardedBy("lock")
  boolean isInUse() {
    closeFile();
    return directory().files().isInUse(record.id());
  }

  /** To the tail of a queue. */
  @GuardedBy("lock")
  void requeue(int number, byte queue) throws MetaException {
    Extent next = books().move(record.id(), number, loaded(number), queue);
    extents.set(number, next);
  }

  /** The file is gone, or is no longer ours: so is all the index says. Returns what was charged. */
  @GuardedBy("lock")
  long forgetAll(CacheDirectory home) throws MetaException {
    return forgetAll(home, 0);
  }

  /** The same for a file that is staged from now on, where it takes {@code stagedBytes}. */
  @GuardedBy("lock")
  long forgetAll(CacheDirectory home, long stagedBytes) throws MetaException {
    ContentRecord old = record;
    long bytes = home.forget(key, old.id(), sizeBytes, stagedBytes);
    indexed = false;
    record = old.emptied();
    extents.clear();
    return bytes;
  }

  /**
   * Nothing touches the file any more from here on. Its descriptor's number stays ours until the
   * last use ends, since readers take no lock, but leads nowhere.
   */
  @GuardedBy("lock")
  void detach() {
    detached = true;
    if (fd < 0) {
      return;
    }
    try {
      DataFiles.leadNowhere(fd);
    } catch (ErrnoException e) {
      parts.trouble().note("letting go of " + path(), e);
    }
  }
}
