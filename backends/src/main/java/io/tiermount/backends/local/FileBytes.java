package io.tiermount.backends.local;

import io.tiermount.backends.ByteSource;
import io.tiermount.backends.ReadTarget;
import io.tiermount.backends.os.DirectoryCalls;
import io.tiermount.backends.os.Errno;
import io.tiermount.backends.os.ErrnoException;
import io.tiermount.backends.os.LibC;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;

/** Moves bytes between files and buffers. Ends with InterruptedIOException where interrupted. */
final class FileBytes {
  private static final int BUFFER_BYTES = 256 << 10;
  private static final long COPY_STEP_BYTES = 64L << 20;
  private static final int PAGE_BYTES = 4096;

  private FileBytes() {}

  /** Reads a range, less where the file ends before. */
  static void read(int fd, long offsetBytes, long lengthBytes, ReadTarget target)
      throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment buffer = arena.allocate(Math.clamp(lengthBytes, 1, BUFFER_BYTES), PAGE_BYTES);
      long done = 0;
      while (done < lengthBytes) {
        checkInterrupt();
        long wanted = Math.min(buffer.byteSize(), lengthBytes - done);
        long count = LibC.pread(fd, buffer.asSlice(0, wanted), offsetBytes + done);
        if (count < 0) {
          throw new ErrnoException("pread(fd " + fd + ")", (int) -count);
        }
        if (count == 0) {
          return;
        }
        target.accept(buffer.asSlice(0, count).asByteBuffer());
        done += count;
      }
    }
  }

  /** Writes all of a source to an empty file. */
  static void write(int fd, ByteSource source) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      long size = source.sizeBytes();
      MemorySegment buffer = arena.allocate(Math.clamp(size, 1, BUFFER_BYTES), PAGE_BYTES);
      long done = 0;
      while (done < size) {
        checkInterrupt();
        ByteBuffer bytes = buffer.asByteBuffer();
        bytes.limit((int) Math.min(bytes.capacity(), size - done));
        int count = source.read(done, bytes);
        if (count <= 0) {
          throw new IOException("the source of the upload ended at byte " + done + " of " + size);
        }
        writeFully(fd, buffer.asSlice(0, count), done);
        done += count;
      }
    }
  }

  /** Writes bytes to the beginning of a file. */
  static void write(int fd, byte[] bytes) throws ErrnoException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment buffer = arena.allocate(Math.max(1, bytes.length));
      buffer.copyFrom(MemorySegment.ofArray(bytes));
      writeFully(fd, buffer.asSlice(0, bytes.length), 0);
    }
  }

  private static void writeFully(int fd, MemorySegment bytes, long offsetBytes)
      throws ErrnoException {
    long done = 0;
    while (done < bytes.byteSize()) {
      long count = LibC.pwrite(fd, bytes.asSlice(done), offsetBytes + done);
      if (count < 0) {
        throw new ErrnoException("pwrite(fd " + fd + ")", (int) -count);
      }
      done += count;
    }
  }

  /** Makes an empty file the same as another: by reference, in the kernel, or through memory. */
  static void copy(int source, int target, long sizeBytes) throws IOException {
    try {
      LibC.ioctl(target, LibC.FICLONE, source);
    } catch (ErrnoException e) {
      append(source, 0, target, 0, sizeBytes);
    }
  }

  /** Copies a range of a file to an offset of another, by reference where the disk can. */
  static void append(
      int source, long sourceOffsetBytes, int target, long targetOffsetBytes, long sizeBytes)
      throws IOException {
    long done = 0;
    try {
      while (done < sizeBytes) {
        checkInterrupt();
        long step = Math.min(COPY_STEP_BYTES, sizeBytes - done);
        long count =
            DirectoryCalls.copyFileRange(
                source, sourceOffsetBytes + done, target, targetOffsetBytes + done, step);
        if (count == 0) {
          return; // shorter than it was: the caller compares identities afterwards
        }
        done += count;
      }
    } catch (ErrnoException e) {
      int errno = e.errno();
      if (errno != Errno.EXDEV
          && errno != Errno.EINVAL
          && errno != Errno.EOPNOTSUPP
          && errno != Errno.ENOSYS) {
        throw e;
      }
      long[] at = {targetOffsetBytes + done};
      read(
          source,
          sourceOffsetBytes + done,
          sizeBytes - done,
          bytes -> {
            MemorySegment segment = MemorySegment.ofBuffer(bytes);
            writeFully(target, segment, at[0]);
            at[0] += segment.byteSize();
            bytes.position(bytes.limit());
          });
    }
  }

  private static void checkInterrupt() throws InterruptedIOException {
    if (Thread.currentThread().isInterrupted()) {
      throw new InterruptedIOException("interrupted");
    }
  }
}
