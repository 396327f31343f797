package io.tiermount.fs.cache;

import io.tiermount.backends.os.Crc32c;
import io.tiermount.backends.os.ErrnoException;
import io.tiermount.backends.os.LibC;
import java.lang.foreign.MemorySegment;

/**
 * Reads chunks out of one content's data file and verifies them. Whole chunks go straight into the
 * target; of a chunk that is read in part, all is read into a scratch buffer, since the checksum is
 * of the whole, unless that was done a moment ago ({@link CheckedChunks}).
 */
final class ChunkReader {
  private final Parts parts;
  private final long contentId;
  private final long sizeBytes;

  ChunkReader(Parts parts, long contentId, long sizeBytes) {
    this.parts = parts;
    this.contentId = contentId;
    this.sizeBytes = sizeBytes;
  }

  /**
   * Fills the target from one extent's chunks, which must be present.
   *
   * @return 0, or the chunks of the extent that are bad; the target is then undefined
   */
  long read(int file, int number, Extent extent, long fromBytes, MemorySegment target) {
    long until = fromBytes + target.byteSize();
    if (!parts.verifyReads()) {
      return readFully(file, target, fromBytes);
    }
    for (long at = fromBytes; at < until; ) {
      int chunk = (int) (at >>> Chunks.CHUNK_SHIFT);
      long chunkStart = (long) chunk << Chunks.CHUNK_SHIFT;
      long chunkEnd = chunkStart + Chunks.length(sizeBytes, chunk);
      boolean whole = at == chunkStart && until >= chunkEnd;
      // As many whole chunks as there are, with one pread.
      long next = Math.min(until, chunkEnd);
      if (whole && until != sizeBytes) {
        next = until & -CacheOptions.CHUNK_BYTES;
      } else if (whole) {
        next = until;
      }
      MemorySegment part = target.asSlice(at - fromBytes, next - at);
      long bad =
          whole
              ? readWhole(file, number, extent, chunk, part)
              : readPart(file, extent, chunk, at - chunkStart, part, true);
      if (bad != 0) {
        return bad;
      }
      at = next;
    }
    return 0;
  }

  /** Reads one chunk and throws it away; its bit where it is bad. */
  long check(int file, int chunk, Extent extent) {
    return readPart(file, extent, chunk, 0, MemorySegment.NULL, false);
  }

  private long readWhole(int file, int number, Extent extent, int first, MemorySegment target) {
    long bad = readFully(file, target, (long) first << Chunks.CHUNK_SHIFT);
    if (bad != 0) {
      return bad;
    }
    for (long offset = 0; offset < target.byteSize(); offset += CacheOptions.CHUNK_BYTES) {
      int chunk = first + (int) (offset >>> Chunks.CHUNK_SHIFT);
      int length = Chunks.length(sizeBytes, chunk);
      if (Crc32c.of(target, offset, length) != extent.crcs()[chunk - (number << 6)]) {
        bad |= 1L << (chunk & 63);
      } else {
        parts.checked().checked(contentId, extent.generation(), chunk);
      }
    }
    return bad;
  }

  private long readPart(
      int file, Extent extent, int chunk, long within, MemorySegment target, boolean mayBelieve) {
    long start = (long) chunk << Chunks.CHUNK_SHIFT;
    if (mayBelieve && parts.checked().isChecked(contentId, extent.generation(), chunk)) {
      return readFully(file, target, start + within);
    }
    MemorySegment buffer = parts.scratch().take();
    try {
      MemorySegment bytes = buffer.asSlice(0, Chunks.length(sizeBytes, chunk));
      long bad = readFully(file, bytes, start);
      if (bad == 0 && Crc32c.of(bytes) != extent.crcs()[chunk & 63]) {
        bad = 1L << (chunk & 63);
      }
      if (bad == 0) {
        parts.checked().checked(contentId, extent.generation(), chunk);
      }
      if (bad == 0 && target.byteSize() > 0) {
        MemorySegment.copy(bytes, within, target, 0, target.byteSize());
      }
      return bad;
    } finally {
      parts.scratch().give(buffer);
    }
  }

  /** 0, or all chunks touched where the disk does not give them. */
  private long readFully(int file, MemorySegment target, long offsetBytes) {
    long length = target.byteSize();
    long done = LibC.pread(file, target, offsetBytes);
    while (done > 0 && done < length) {
      long more = LibC.pread(file, target.asSlice(done), offsetBytes + done);
      done = more > 0 ? done + more : more;
    }
    if (done == length) {
      return 0;
    }
    // 0 is a file that ends early, which its length did not say when it was opened.
    parts.trouble().note("reading a data file", new ErrnoException("pread", (int) -done));
    int first = (int) (offsetBytes >>> Chunks.CHUNK_SHIFT) & 63;
    int last = (int) ((offsetBytes + length - 1) >>> Chunks.CHUNK_SHIFT) & 63;
    return Chunks.mask(first, last);
  }
}
