package io.tiermount.fs.cache;

import io.tiermount.backends.os.Crc32c;
import io.tiermount.backends.os.ErrnoException;
import io.tiermount.backends.os.FileStat;
import io.tiermount.backends.os.LibC;
import io.tiermount.fs.cache.BlockIndex.Ledger;
import io.tiermount.fs.cache.ContentRecord.Stamp;
import io.tiermount.fs.cache.Extent.Place;
import io.tiermount.fs.meta.MetaException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.jspecify.annotations.Nullable;

/**
 * Moves files between {@code data/} and {@code staging/}, by rename(2): who has one open or mapped
 * goes on seeing the same file.
 *
 * <p>Either way there is a moment in which a file lies in {@code data/} and no index knows it, so
 * that a kill there leaves nothing but a file to be swept. The janitor, who sweeps, is kept out
 * meanwhile.
 */
final class Handover {
  private final Parts parts;
  private final Contents contents;
  private final Eviction eviction;
  private final Verifier verifier;
  private volatile long maxFileBytes;

  /** Read for a move; taken before any key's lock. */
  private final ReentrantReadWriteLock moving = new ReentrantReadWriteLock();

  Handover(
      Parts parts, Contents contents, Eviction eviction, Verifier verifier, long maxFileBytes) {
    this.parts = parts;
    this.contents = contents;
    this.eviction = eviction;
    this.verifier = verifier;
    this.maxFileBytes = maxFileBytes;
  }

  /** Larger ones are not kept from now on. */
  void maxFileBytes(long bytes) {
    maxFileBytes = bytes;
  }

  void whileNothingMoves(Janitor.Work work) throws IOException {
    moving.writeLock().lock();
    try {
      work.run();
    } finally {
      moving.writeLock().unlock();
    }
  }

  // ---- data/ → staging/

  /** See {@link Staging#takeOver}. */
  @Nullable StagingFile takeOver(ContentKey key, long sizeBytes, long maxVerifyBytes)
      throws IOException {
    Content content = contents.openCached(key);
    if (content == null) {
      return null;
    }
    try {
      if (content.sizeBytes() != sizeBytes) {
        return null;
      }
      int verified = verifier.backingFile(content, maxVerifyBytes);
      if (verified < 0) {
        return null;
      }
      LibC.close(verified);
      return take(content);
    } finally {
      contents.close(content);
    }
  }

  private @Nullable StagingFile take(Content content) throws IOException {
    ReentrantLock key = contents.lock(content.key());
    while (true) {
      content.awaitStored();
      moving.readLock().lock();
      key.lock();
      content.lock.lock();
      try {
        // What is being stored goes into the file whatever the index says: again, then.
        if (!content.isStoring()) {
          return move(content);
        }
      } finally {
        content.lock.unlock();
        key.unlock();
        moving.readLock().unlock();
      }
    }
  }

  /** With the key's and the content's locks. */
  private @Nullable StagingFile move(Content content) throws IOException {
    if (!content.isWhole() || !content.isKept()) {
      return null;
    }
    CacheDirectory home = content.directory();
    int flags = LibC.O_RDWR | LibC.O_NOATIME;
    int fd = home.files().open(content.id(), content.sizeBytes(), flags);
    if (fd < 0) {
      return null;
    }
    StagingFile file = null;
    try {
      long bytes = LibC.fstat(fd).blocks() * 512;
      Path data = home.files().path(content.id());
      leave(content, bytes);
      file = new StagingFile(home, contents.newId(), fd, bytes);
      rename(data, file);
      return file;
    } finally {
      if (file == null) {
        LibC.close(fd);
      }
    }
  }

  /** The content is in no index any more, and nobody of ours is at its file. */
  private void leave(Content content, long stagedBytes) throws MetaException {
    content.lock.lock();
    try {
      content.forgetAll(content.directory(), stagedBytes);
      content.detach();
      contents.remove(content);
    } finally {
      content.lock.unlock();
    }
  }

  private static void rename(Path data, StagingFile file) throws IOException {
    boolean taken = false;
    try {
      file.directory().staging().take(data, file.id());
      taken = true;
    } finally {
      if (!taken) {
        file.directory().holdBack(data, file.handOver());
        file.close();
      }
    }
  }

  // ---- staging/ → data/

  /**
   * See {@link Staging#adopt}. Where this is false or throws, the file is no content's; it may lie
   * in either place.
   */
  boolean adopt(StagingFile file, ContentKey key) throws IOException {
    CacheDirectory home = file.directory();
    FileStat before = LibC.fstat(file.fd());
    long sizeBytes = before.sizeBytes();
    if (sizeBytes == 0 || sizeBytes > maxFileBytes) {
      return false;
    }
    List<int[]> crcs = checksums(file.fd(), sizeBytes);
    file.refresh();
    // A hole is charged like bytes: what is free now may have to be reserved. (While old data is
    // being deleted nothing can be, and this is no new data.)
    boolean blocked = home.files().isBlocked();
    long reserved = blocked ? 0 : Math.max(0, charge(sizeBytes) - before.blocks() * 512);
    if (reserved > 0 && !eviction.reserve(home, reserved)) {
      return false;
    }
    boolean given = false;
    ReentrantLock lock = contents.lock(key);
    moving.readLock().lock();
    lock.lock();
    try {
      vacate(key);
      FileStat after = LibC.fstat(file.fd());
      if (after.sizeBytes() != sizeBytes || after.mtimeNanos() != before.mtimeNanos()) {
        return false;
      }
      home.staging().give(file.id(), home.files().path(file.id()));
      given = true;
      // Read a moment ago: the kernel may have it at once.
      Stamp stamp = new Stamp(LibC.fstat(file.fd()).ctimeNanos(), verifier.boot());
      int chunks = Chunks.count(sizeBytes);
      var record =
          new ContentRecord(file.id(), sizeBytes, home.id(), chunks, crcs.size(), true, stamp);
      long giveBack = reserved;
      reserved = 0;
      enter(home, key, record, crcs, giveBack, file);
      given = false;
      return true;
    } finally {
      if (given) {
        Files.deleteIfExists(home.files().path(file.id()));
      }
      lock.unlock();
      moving.readLock().unlock();
      home.unreserve(reserved);
    }
  }

  private static long charge(long sizeBytes) {
    long bytes = 0;
    for (int number = 0; number < Chunks.extents(sizeBytes); number++) {
      bytes += Chunks.charge(sizeBytes, number, chunks(sizeBytes, number));
    }
    return bytes;
  }

  /** All chunks of one extent. */
  private static long chunks(long sizeBytes, int number) {
    int count = Math.min(Chunks.PER_EXTENT, Chunks.count(sizeBytes) - (number << 6));
    return Chunks.mask(0, count - 1);
  }

  /** By extent. */
  private List<int[]> checksums(int fd, long sizeBytes) throws IOException {
    List<int[]> crcs = new ArrayList<>();
    MemorySegment buffer = parts.scratch().take();
    try {
      for (int number = 0; number < Chunks.extents(sizeBytes); number++) {
        int[] ofExtent = new int[Chunks.PER_EXTENT];
        int count = Long.bitCount(chunks(sizeBytes, number));
        for (int i = 0; i < count; i++) {
          int chunk = number << 6 | i;
          MemorySegment bytes = buffer.asSlice(0, Chunks.length(sizeBytes, chunk));
          long length = LibC.pread(fd, bytes, (long) chunk << Chunks.CHUNK_SHIFT);
          if (length != bytes.byteSize()) {
            throw new ErrnoException("reading a staging file", (int) -Math.min(0, length));
          }
          ofExtent[i] = Crc32c.of(bytes);
        }
        crcs.add(ofExtent);
      }
      return crcs;
    } finally {
      parts.scratch().give(buffer);
    }
  }

  /** What is cached of this version already, in part as a rule, makes way. */
  private void vacate(ContentKey key) throws IOException {
    Content other = contents.acquire(key);
    if (other == null) {
      ContentRecord record = parts.index().find(key);
      if (record != null) {
        contents.forgetElsewhere(key, record);
      }
      return;
    }
    try {
      eviction.expel(other);
    } finally {
      contents.release(other);
    }
  }

  /** All of it in one change of the index. */
  private void enter(
      CacheDirectory home,
      ContentKey key,
      ContentRecord record,
      List<int[]> crcs,
      long reserved,
      StagingFile file)
      throws MetaException {
    long staged = file.handOver();
    boolean entered = false;
    try {
      home.change(
          reserved,
          -staged,
          (change, ledger, first) -> {
            change.newContent(key, record);
            Ledger counted = ledger;
            for (int number = 0; number < crcs.size(); number++) {
              long all = chunks(record.sizeBytes(), number);
              Place place = new Place(Place.SMALL, first + number);
              change.putExtent(
                  record.id(), number, new Extent(0, all, all, crcs.get(number), place));
              change.enqueue(home.id(), place, record.id(), number);
              long charge = Chunks.charge(record.sizeBytes(), number, all);
              counted = CacheDirectory.add(place, charge).apply(counted);
            }
            return new Ledger(counted.usedBytes(), counted.smallBytes(), first + crcs.size());
          });
      entered = true;
    } finally {
      if (!entered) {
        home.stage(-staged);
      }
    }
    parts.frequency().reset(record.id(), Eviction.WHOLE_FILE);
  }
}
