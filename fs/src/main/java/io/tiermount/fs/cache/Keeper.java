package io.tiermount.fs.cache;

import io.tiermount.backends.os.Crc32c;
import io.tiermount.backends.os.ErrnoException;
import io.tiermount.backends.os.LibC;
import io.tiermount.fs.cache.Extent.Place;
import io.tiermount.fs.meta.MetaException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;

/**
 * Puts fetched chunks into data files: room is reserved and noted as allocated, then the bytes are
 * written, then the chunks are noted as present. A kill at any point leaves chunks that are charged
 * and absent, never present and torn. Runs on the cache's writer threads.
 */
final class Keeper {
  private final Parts parts;
  private final Eviction eviction;
  private final Ghosts ghosts;

  Keeper(Parts parts, Eviction eviction, Ghosts ghosts) {
    this.parts = parts;
    this.eviction = eviction;
    this.ghosts = ghosts;
  }

  /** Keeps the whole chunks of what arrived; false where some could not be kept. */
  boolean keep(Fetch fetch, long arrivedBytes) {
    boolean whole = arrivedBytes == fetch.lengthBytes;
    int chunks = whole ? fetch.chunks : (int) (arrivedBytes >>> Chunks.CHUNK_SHIFT);
    MemorySegment[] memory = fetch.memory();
    boolean kept = true;
    for (int done = 0; done < chunks; ) {
      int chunk = fetch.firstChunk + done;
      int first = chunk & 63;
      int count = Math.min(chunks - done, Chunks.PER_EXTENT - first);
      MemorySegment[] ofExtent = new MemorySegment[Chunks.PER_EXTENT];
      System.arraycopy(memory, done, ofExtent, first, count);
      long wanted = Chunks.mask(first, first + count - 1);
      try {
        if (!keep(fetch.content, chunk >> 6, wanted, ofExtent)) {
          parts.counters().notKeptBytes.add((long) count << Chunks.CHUNK_SHIFT);
          kept = false;
        }
      } catch (IOException e) {
        parts.trouble().note("keeping data of " + fetch.content.key(), e);
        kept = false;
      }
      done += count;
    }
    return kept;
  }

  private boolean keep(Content content, int number, long wanted, MemorySegment[] memory)
      throws IOException {
    long absent;
    long bytes;
    boolean fresh;
    content.lock.lock();
    try {
      if (!content.isKept()) {
        return false;
      }
      Extent extent = content.loaded(number);
      absent = wanted & ~extent.present();
      if (absent == 0) {
        return true;
      }
      fresh = !extent.isPlaced();
      long size = content.sizeBytes();
      bytes = Chunks.charge(size, number, extent.allocated() | absent);
      bytes -= Chunks.charge(size, number, extent.allocated());
      // From here on the extent is not evicted.
      content.storingBegins(number);
    } finally {
      content.lock.unlock();
    }
    try {
      if (!eviction.reserve(content.directory(), bytes)) {
        return false;
      }
      byte queue = fresh && ghosts.remove(content.key(), number) ? Place.MAIN : Place.SMALL;
      int fd = allocate(content, number, absent, bytes, queue);
      if (fd < 0) {
        return false;
      }
      if (fresh) {
        parts.frequency().reset(content.id(), number);
      }
      int[] crcs = write(content, fd, number, absent, memory);
      return add(content, number, absent, crcs);
    } finally {
      content.lock.lock();
      try {
        content.storingEnds(number);
      } finally {
        content.lock.unlock();
      }
    }
  }

  private int allocate(Content content, int number, long chunks, long reserved, byte queue)
      throws IOException {
    boolean taken = false;
    content.lock.lock();
    try {
      if (!content.isKept()) {
        return -1;
      }
      int fd = content.fileForWriting();
      taken = true;
      content.allocate(number, chunks, reserved, queue);
      return fd;
    } finally {
      content.lock.unlock();
      if (!taken) {
        content.directory().unreserve(reserved);
      }
    }
  }

  private boolean add(Content content, int number, long chunks, int[] crcs) throws MetaException {
    content.lock.lock();
    try {
      // Emptied meanwhile by hand, or found without its file: then these bytes are nowhere.
      if (!content.isKept() || (content.loaded(number).allocated() & chunks) != chunks) {
        return false;
      }
      content.add(number, chunks, crcs);
      return true;
    } finally {
      content.lock.unlock();
    }
  }

  private static int[] write(
      Content content, int fd, int number, long chunks, MemorySegment[] memory)
      throws ErrnoException {
    int[] crcs = new int[Chunks.PER_EXTENT];
    for (int chunk = 0; chunk < Chunks.PER_EXTENT; ) {
      if ((chunks & (1L << chunk)) == 0) {
        chunk++;
        continue;
      }
      // Neighbours in memory go with one call.
      int end = chunk;
      long length = 0;
      do {
        int bytes = Chunks.length(content.sizeBytes(), number << 6 | end);
        crcs[end] = Crc32c.of(memory[end], 0, bytes);
        length += bytes;
        end++;
      } while (end < Chunks.PER_EXTENT
          && (chunks & (1L << end)) != 0
          && memory[end].address() == memory[chunk].address() + length);
      long offset = (long) (number << 6 | chunk) << Chunks.CHUNK_SHIFT;
      write(fd, memory[chunk].address(), length, offset);
      chunk = end;
    }
    return crcs;
  }

  private static void write(int fd, long address, long length, long offset) throws ErrnoException {
    for (long done = 0; done < length; ) {
      long count = LibC.pwrite(fd, address + done, length - done, offset + done);
      if (count <= 0) {
        throw new ErrnoException("pwrite of a data file", (int) -count);
      }
      done += count;
    }
  }
}
