package io.tiermount.backends.os;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Small files that have no name and lie on no disk (memfd_create(2)): a descriptor is all. */
public final class MemoryFile {
  private static final int MFD_CLOEXEC = 1;
  private static final SystemCall MEMFD_CREATE = SystemCall.of("memfd_create", 2, false);

  private MemoryFile() {}

  /**
   * Makes one.
   *
   * @param name shown in /proc alone
   * @return its descriptor, the caller's
   */
  public static int create(String name, byte[] content) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      int fd = (int) MEMFD_CREATE.call(arena.allocateFrom(name).address(), MFD_CLOEXEC);
      if (fd < 0) {
        throw new ErrnoException("memfd_create", -fd);
      }
      if (content.length > 0) {
        MemorySegment bytes = arena.allocateFrom(ValueLayout.JAVA_BYTE, content);
        long written = LibC.pwrite(fd, bytes, 0);
        if (written != content.length) {
          LibC.close(fd);
          throw new ErrnoException("writing a memory file", Errno.ENOSPC);
        }
      }
      return fd;
    }
  }

  /** All of a descriptor's file, from its beginning. */
  public static byte[] read(int fd) throws IOException {
    int size = (int) LibC.fstat(fd).sizeBytes();
    if (size == 0) {
      return new byte[0];
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment bytes = arena.allocate(size);
      long count = LibC.pread(fd, bytes, 0);
      if (count != size) {
        throw new ErrnoException("reading a memory file", Errno.EIO);
      }
      return bytes.toArray(ValueLayout.JAVA_BYTE);
    }
  }
}
