package io.tiermount.backends.os;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * System calls relative to an open directory, none of which follows a symlink in the last
 * component: what a walk needs that must not be led out of a tree. One component a call keeps it
 * so. Safe from any thread.
 */
public final class DirectoryCalls {
  private static final int AT_SYMLINK_NOFOLLOW = 0x100;
  private static final int AT_REMOVEDIR = 0x200;
  private static final int STATX_BASIC_STATS = 0x7ff;
  private static final long UTIME_OMIT = (1L << 30) - 2;
  private static final int DIRENT_BUFFER_BYTES = 64 << 10;
  private static final int LINK_MAX_BYTES = 4096;

  /** Types of directory entries ({@code d_type} of readdir(3)). */
  public static final int DT_UNKNOWN = 0;

  public static final int DT_DIR = 4;
  public static final int DT_REG = 8;
  public static final int DT_LNK = 10;

  private static final SystemCall STATX = SystemCall.of("statx", 5, false);
  private static final SystemCall MKDIRAT = SystemCall.of("mkdirat", 3, false);
  private static final SystemCall UNLINKAT = SystemCall.of("unlinkat", 3, false);
  private static final SystemCall RENAMEAT2 = SystemCall.of("renameat2", 5, false);
  private static final SystemCall READLINKAT = SystemCall.of("readlinkat", 4, true);
  private static final SystemCall GETDENTS64 = SystemCall.of("getdents64", 3, true);
  private static final SystemCall LGETXATTR = SystemCall.of("lgetxattr", 4, true);
  private static final SystemCall COPY_FILE_RANGE = SystemCall.of("copy_file_range", 6, true);
  private static final SystemCall FCHMOD = SystemCall.of("fchmod", 2, false);
  private static final SystemCall FCHOWN = SystemCall.of("fchown", 3, false);
  private static final SystemCall FUTIMENS = SystemCall.of("futimens", 2, false);

  private DirectoryCalls() {}

  /** Takes the entries of a directory. */
  @FunctionalInterface
  public interface Visitor {
    /**
     * One entry, in the directory's own order, without "." and "..".
     *
     * @param type DT_*
     * @return false to stop
     */
    boolean entry(String name, int type) throws ErrnoException;
  }

  /** Attributes of an entry, of the symlink itself where it is one. */
  public static FileStat stat(int directory, String name) throws ErrnoException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment s = arena.allocate(256, 8);
      long c = PathBytes.toC(arena, name).address();
      long result = STATX.call(directory, c, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, s.address());
      check(result, "stat", name);
      return FileStat.of(s);
    }
  }

  /** Makes a directory. */
  public static void mkdir(int directory, String name, int mode) throws ErrnoException {
    try (Arena arena = Arena.ofConfined()) {
      check(MKDIRAT.call(directory, PathBytes.toC(arena, name).address(), mode), "mkdir", name);
    }
  }

  /** Removes a name that is no directory. */
  public static void unlink(int directory, String name) throws ErrnoException {
    try (Arena arena = Arena.ofConfined()) {
      check(UNLINKAT.call(directory, PathBytes.toC(arena, name).address(), 0), "unlink", name);
    }
  }

  /** Removes an empty directory. */
  public static void rmdir(int directory, String name) throws ErrnoException {
    try (Arena arena = Arena.ofConfined()) {
      long c = PathBytes.toC(arena, name).address();
      check(UNLINKAT.call(directory, c, AT_REMOVEDIR), "rmdir", name);
    }
  }

  /**
   * Renames between directories.
   *
   * @param flags {@link LibC#RENAME_NOREPLACE} and its like
   */
  public static void rename(int fromDirectory, String from, int toDirectory, String to, int flags)
      throws ErrnoException {
    try (Arena arena = Arena.ofConfined()) {
      long f = PathBytes.toC(arena, from).address();
      long t = PathBytes.toC(arena, to).address();
      check(RENAMEAT2.call(fromDirectory, f, toDirectory, t, flags), "rename", from + ", " + to);
    }
  }

  /** The target of a symlink, as it is stored. */
  public static byte[] readlink(int directory, String name) throws ErrnoException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment buffer = arena.allocate(LINK_MAX_BYTES);
      long c = PathBytes.toC(arena, name).address();
      long length =
          check(READLINKAT.call(directory, c, buffer.address(), LINK_MAX_BYTES), "readlink", name);
      return buffer.asSlice(0, length).toArray(JAVA_BYTE);
    }
  }

  /** Visits the entries of a directory opened with O_RDONLY, from its position on. */
  public static void list(int directory, Visitor visitor) throws ErrnoException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment buffer = arena.allocate(DIRENT_BUFFER_BYTES, 8);
      while (true) {
        long filled =
            check(
                GETDENTS64.call(directory, buffer.address(), DIRENT_BUFFER_BYTES),
                "getdents",
                "fd " + directory);
        if (filled == 0 || !visit(buffer.asSlice(0, filled), visitor)) {
          return;
        }
      }
    }
  }

  /** struct linux_dirent64: d_ino@0, d_off@8, d_reclen u16@16, d_type u8@18, d_name@19. */
  private static boolean visit(MemorySegment entries, Visitor visitor) throws ErrnoException {
    for (long at = 0; at < entries.byteSize(); ) {
      int length = Short.toUnsignedInt(entries.get(JAVA_SHORT, at + 16));
      int type = entries.get(JAVA_BYTE, at + 18);
      long end = at + 19;
      while (entries.get(JAVA_BYTE, end) != 0) {
        end++;
      }
      String name = PathBytes.decode(entries.asSlice(at + 19, end - at - 19).toArray(JAVA_BYTE));
      at += length;
      if (!name.equals(".") && !name.equals("..") && !visitor.entry(name, type)) {
        return false;
      }
    }
    return true;
  }

  /**
   * An extended attribute of an entry ("." for the directory itself).
   *
   * @throws ErrnoException ENODATA where it has none, EOPNOTSUPP where the file system takes none
   */
  public static byte[] xattr(int directory, String name, String attribute) throws ErrnoException {
    final int maxValueBytes = 64 << 10;
    // There is no lgetxattrat before Linux 6.13; /proc leads to the open directory instead.
    String path = "/proc/self/fd/" + directory + "/" + name;
    try (Arena arena = Arena.ofConfined()) {
      long p = PathBytes.toC(arena, path).address();
      long n = PathBytes.toC(arena, attribute).address();
      final int usualBytes = 1024;
      MemorySegment usual = arena.allocate(usualBytes);
      long length = LGETXATTR.call(p, n, usual.address(), usualBytes);
      if (length != -Errno.ERANGE) {
        check(length, "getxattr", name);
        return usual.asSlice(0, length).toArray(JAVA_BYTE);
      }
      MemorySegment whole = arena.allocate(maxValueBytes);
      length = check(LGETXATTR.call(p, n, whole.address(), maxValueBytes), "getxattr", name);
      return whole.asSlice(0, length).toArray(JAVA_BYTE);
    }
  }

  /**
   * Copies inside the kernel, by reference where the file system can.
   *
   * @return bytes copied, 0 at the end of the source
   * @throws ErrnoException EXDEV, EINVAL, EOPNOTSUPP or ENOSYS where it can't be done this way
   */
  public static long copyFileRange(
      int source, long sourceOffsetBytes, int target, long targetOffsetBytes, long lengthBytes)
      throws ErrnoException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment offsets = arena.allocate(16, 8);
      offsets.set(JAVA_LONG, 0, sourceOffsetBytes);
      offsets.set(JAVA_LONG, 8, targetOffsetBytes);
      long from = offsets.address();
      return check(
          COPY_FILE_RANGE.call(source, from, target, from + 8, lengthBytes, 0),
          "copy_file_range",
          "fd " + source);
    }
  }

  /** Sets permission bits. */
  public static void fchmod(int fd, int mode) throws ErrnoException {
    check(FCHMOD.call(fd, mode), "fchmod", "fd " + fd);
  }

  /** Sets the owner. */
  public static void fchown(int fd, int uid, int gid) throws ErrnoException {
    check(FCHOWN.call(fd, uid, gid), "fchown", "fd " + fd);
  }

  /** Sets the time of the last change of the content, and leaves that of the last access. */
  public static void setModified(int fd, long mtimeNanos) throws ErrnoException {
    final long nanosPerSecond = 1_000_000_000L;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment times = arena.allocate(32, 8);
      times.set(JAVA_LONG, 8, UTIME_OMIT);
      times.set(JAVA_LONG, 16, Math.floorDiv(mtimeNanos, nanosPerSecond));
      times.set(JAVA_LONG, 24, Math.floorMod(mtimeNanos, nanosPerSecond));
      check(FUTIMENS.call(fd, times.address()), "futimens", "fd " + fd);
    }
  }

  private static long check(long result, String call, String argument) throws ErrnoException {
    if (result < 0) {
      throw new ErrnoException(call + "(" + argument + ")", (int) -result);
    }
    return result;
  }
}
