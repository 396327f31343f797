package io.tiermount.fs.write;

import io.tiermount.backends.StoreException;
import io.tiermount.backends.os.ErrnoException;
import io.tiermount.backends.os.LibC;
import io.tiermount.fs.cache.ReadableFile;
import io.tiermount.fs.cache.StagingFile;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * The bytes of a file that is written: those of its data file, and where chunks are not there yet,
 * those of the object below.
 */
final class LayeredBytes {
  private final StagingFile staging;
  private final @Nullable Presence presence;
  private volatile @Nullable ReadableFile under;

  /**
   * @param under null where all is in the data file
   */
  LayeredBytes(StagingFile staging, @Nullable Presence presence, @Nullable ReadableFile under) {
    this.staging = staging;
    this.presence = presence;
    this.under = under;
  }

  /** Another object of the same bytes lies below from here on. */
  void under(ReadableFile now) {
    ReadableFile old = under;
    under = now;
    if (old != null) {
      old.close();
    }
  }

  /** For a descriptor; closing it closes nothing. */
  ReadableFile reader() {
    return new Reader();
  }

  private final class Reader implements ReadableFile {
    @Override
    public long sizeBytes() {
      try {
        return LibC.fstat(staging.fd()).sizeBytes();
      } catch (ErrnoException e) {
        return 0; // Given up meanwhile.
      }
    }

    @Override
    public boolean isCached(long offsetBytes, int sizeBytes) {
      return presence == null || presence.hasAll(offsetBytes, sizeBytes);
    }

    @Override
    public boolean readCached(long offsetBytes, MemorySegment target) {
      if (!isCached(offsetBytes, (int) target.byteSize())) {
        return false;
      }
      try {
        pread(offsetBytes, target);
        return true;
      } catch (ErrnoException e) {
        return false;
      }
    }

    @Override
    public void read(long offsetBytes, MemorySegment target, boolean random) throws StoreException {
      try {
        LayeredBytes.this.read(offsetBytes, target, random);
      } catch (ErrnoException e) {
        throw new StoreException(
            StoreException.Kind.LOCAL_IO,
            "",
            "reading " + staging.path() + " failed: " + e.getMessage(),
            e);
      }
    }

    @Override
    public void prefetch(long offsetBytes, long lengthBytes) {
      ReadableFile below = under;
      if (below != null && offsetBytes < below.sizeBytes()) {
        below.prefetch(offsetBytes, Math.min(lengthBytes, below.sizeBytes() - offsetBytes));
      }
    }

    @Override
    public void close() {}
  }

  /** Reads what is there; behind the end of the file the target is filled with zeros. */
  void read(long offsetBytes, MemorySegment target, boolean random)
      throws ErrnoException, StoreException {
    Presence known = presence;
    ReadableFile below = under;
    if (known == null || below == null) {
      pread(offsetBytes, target);
      return;
    }
    long end = offsetBytes + target.byteSize();
    for (long at = offsetBytes; at < end; ) {
      long to = known.runEnd(at, end);
      MemorySegment part = target.asSlice(at - offsetBytes, to - at);
      if (known.has((int) (at >>> Presence.CHUNK_SHIFT))) {
        pread(at, part);
      } else {
        readUnder(known, below, at, part, random);
      }
      at = to;
    }
  }

  private static void readUnder(
      Presence known, ReadableFile below, long at, MemorySegment part, boolean random)
      throws StoreException {
    long there = Math.clamp(known.underBytes() - at, 0, part.byteSize());
    if (there > 0) {
      below.read(at, part.asSlice(0, there), random);
    }
    part.asSlice(there).fill((byte) 0);
  }

  private void pread(long offsetBytes, MemorySegment target) throws ErrnoException {
    long done = 0;
    while (done < target.byteSize()) {
      long count = LibC.pread(staging.fd(), target.asSlice(done), offsetBytes + done);
      if (count < 0) {
        throw new ErrnoException("pread of " + staging.path(), (int) -count);
      }
      if (count == 0) {
        target.asSlice(done).fill((byte) 0);
        return;
      }
      done += count;
    }
  }

  /** True where a change that begins or ends here needs the rest of its chunk first. */
  boolean isPartly(long at) {
    Presence known = presence;
    return known != null
        && (at & (Presence.CHUNK_BYTES - 1)) != 0
        && !known.has((int) (at >>> Presence.CHUNK_SHIFT));
  }

  /** Before a chunk is changed in part the rest of it has to be here. */
  void fill(long at) throws IOException {
    Presence known = presence;
    ReadableFile below = under;
    if (known == null || below == null || !isPartly(at)) {
      return;
    }
    int chunk = (int) (at >>> Presence.CHUNK_SHIFT);
    long start = (long) chunk << Presence.CHUNK_SHIFT;
    try (Arena arena = Arena.ofConfined()) {
      long length = Math.min(Presence.CHUNK_BYTES, known.underBytes() - start);
      MemorySegment buffer = arena.allocate(length, 64);
      below.read(start, buffer, true);
      pwrite(start, buffer);
    }
    known.add(chunk);
  }

  void pwrite(long offsetBytes, MemorySegment data) throws ErrnoException {
    long done = 0;
    while (done < data.byteSize()) {
      long count = LibC.pwrite(staging.fd(), data.asSlice(done), offsetBytes + done);
      if (count < 0) {
        throw new ErrnoException("writing " + staging.path(), (int) -count);
      }
      done += count;
    }
  }

  void close() {
    ReadableFile below = under;
    if (below != null) {
      below.close();
    }
  }
}
