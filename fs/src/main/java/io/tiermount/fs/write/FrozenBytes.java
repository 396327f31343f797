package io.tiermount.fs.write;

import io.tiermount.backends.ByteSource;
import io.tiermount.backends.os.Crc32c;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/**
 * A range of a file as it was at one moment, to be sent any number of times with the same bytes:
 * from memory, or where it is too large for that, from the file itself through a window whose
 * checksums were taken before. In the latter case a file that changed meanwhile ends the reading.
 */
final class FrozenBytes implements ByteSource, AutoCloseable {
  static final int WINDOW_BYTES = 1 << 20;

  private final PublishBytes file;
  private final long offsetBytes;
  private final long sizeBytes;
  private final SendMemory.Piece memory;
  private final int[] windows;
  private final int crc;
  private long inMemory = -1;
  private volatile boolean changed;

  /**
   * Reads the range.
   *
   * @throws ContentChangedException where the file ends before
   */
  static FrozenBytes of(PublishBytes file, long offsetBytes, long sizeBytes, SendMemory from)
      throws IOException, InterruptedException {
    boolean whole = sizeBytes <= from.maxPieceBytes();
    SendMemory.Piece memory = from.take(whole ? Math.max(1, sizeBytes) : WINDOW_BYTES);
    try {
      return new FrozenBytes(file, offsetBytes, sizeBytes, memory, whole);
    } catch (IOException | RuntimeException | Error e) {
      memory.close();
      throw e;
    }
  }

  private FrozenBytes(
      PublishBytes file, long offsetBytes, long sizeBytes, SendMemory.Piece memory, boolean whole)
      throws IOException {
    this.file = file;
    this.offsetBytes = offsetBytes;
    this.sizeBytes = sizeBytes;
    this.memory = memory;
    if (whole) {
      windows = new int[0];
      fill(0, memory.bytes().asSlice(0, sizeBytes));
      crc = Crc32c.of(memory.bytes(), 0, sizeBytes);
      return;
    }
    windows = new int[Math.toIntExact(Math.ceilDiv(sizeBytes, WINDOW_BYTES))];
    CRC32C all = new CRC32C();
    for (int i = 0; i < windows.length; i++) {
      MemorySegment window = window(i);
      fill((long) i * WINDOW_BYTES, window);
      windows[i] = Crc32c.of(window);
      all.update(window.asByteBuffer());
    }
    crc = (int) all.getValue();
    inMemory = windows.length - 1L;
  }

  private MemorySegment window(long index) {
    return memory.bytes().asSlice(0, Math.min(WINDOW_BYTES, sizeBytes - index * WINDOW_BYTES));
  }

  private void fill(long from, MemorySegment bytes) throws IOException {
    ByteBuffer target = bytes.asByteBuffer();
    while (target.hasRemaining()) {
      long at = offsetBytes + from + target.position();
      if (file.read(at, target) <= 0) {
        throw new ContentChangedException(at);
      }
    }
  }

  /** CRC-32C of all of it. */
  int crc() {
    return crc;
  }

  /** True where a read failed because the file is another one now. */
  boolean isChanged() {
    return changed;
  }

  @Override
  public long sizeBytes() {
    return sizeBytes;
  }

  @Override
  public int read(long from, ByteBuffer target) throws IOException {
    int done = 0;
    while (target.hasRemaining() && from + done < sizeBytes) {
      done += readSome(from + done, target);
    }
    return done;
  }

  private int readSome(long from, ByteBuffer target) throws IOException {
    long start = 0;
    long end = sizeBytes;
    if (windows.length > 0) {
      long index = from / WINDOW_BYTES;
      bring(index);
      start = index * WINDOW_BYTES;
      end = Math.min(sizeBytes, start + WINDOW_BYTES);
    }
    int count = (int) Math.min(target.remaining(), end - from);
    target.put(memory.bytes().asSlice(from - start, count).asByteBuffer());
    return count;
  }

  private void bring(long index) throws IOException {
    if (inMemory == index) {
      return;
    }
    inMemory = -1;
    MemorySegment window = window(index);
    try {
      fill(index * WINDOW_BYTES, window);
      if (Crc32c.of(window) != windows[(int) index]) {
        throw new ContentChangedException(offsetBytes + index * WINDOW_BYTES);
      }
    } catch (ContentChangedException e) {
      changed = true;
      throw e;
    }
    inMemory = index;
  }

  @Override
  public void close() {
    memory.close();
  }
}
