package io.tiermount.backends.os;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.lang.ref.Reference;
import java.util.function.LongBinaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * System calls of Linux (x86_64, aarch64) through java.lang.foreign. Safe from any thread; a
 * virtual thread stays on its carrier for the time of the call. The calls of the data path return
 * at least 0 or -errno; all others throw {@link ErrnoException}. Paths may carry {@link PathBytes}
 * escapes.
 */
public final class LibC {
  private static final boolean ARM = System.getProperty("os.arch", "").equals("aarch64");

  public static final int O_RDONLY = 0;
  public static final int O_WRONLY = 1;
  public static final int O_RDWR = 2;
  public static final int O_ACCMODE = 3;
  public static final int O_CREAT = 0100;
  public static final int O_EXCL = 0200;
  public static final int O_TRUNC = 01000;
  public static final int O_APPEND = 02000;
  public static final int O_NONBLOCK = 04000;
  public static final int O_DSYNC = 010000;
  public static final int O_SYNC = 04010000;
  public static final int O_NOATIME = 01000000;
  public static final int O_CLOEXEC = 02000000;
  public static final int O_PATH = 010000000;
  // These four differ: arch/arm64/include/uapi/asm/fcntl.h against include/uapi/asm-generic.
  public static final int O_DIRECT = ARM ? 0200000 : 040000;
  public static final int O_DIRECTORY = ARM ? 040000 : 0200000;
  public static final int O_NOFOLLOW = ARM ? 0100000 : 0400000;
  public static final int O_TMPFILE = 020000000 | O_DIRECTORY;

  public static final int AT_FDCWD = -100;
  private static final int AT_SYMLINK_NOFOLLOW = 0x100;
  private static final int AT_EMPTY_PATH = 0x1000;

  public static final int FALLOC_FL_KEEP_SIZE = 1;
  public static final int FALLOC_FL_PUNCH_HOLE = 2;
  public static final int FALLOC_FL_ZERO_RANGE = 16;

  public static final int SEEK_SET = 0;
  public static final int SEEK_CUR = 1;
  public static final int SEEK_END = 2;
  public static final int SEEK_DATA = 3;
  public static final int SEEK_HOLE = 4;

  public static final int F_GETFD = 1;
  public static final int F_SETFD = 2;
  public static final int F_GETFL = 3;
  public static final int F_SETFL = 4;
  public static final int F_SETLEASE = 1024;
  public static final int F_GETLEASE = 1025;
  public static final int F_RDLCK = 0;
  public static final int F_WRLCK = 1;
  public static final int F_UNLCK = 2;
  public static final int FD_CLOEXEC = 1;

  public static final int LOCK_SH = 1;
  public static final int LOCK_EX = 2;
  public static final int LOCK_NB = 4;
  public static final int LOCK_UN = 8;

  public static final int RENAME_NOREPLACE = 1;
  public static final int RENAME_EXCHANGE = 2;
  public static final int RENAME_WHITEOUT = 4;

  public static final long MS_RDONLY = 1;
  public static final long MS_NOSUID = 2;
  public static final long MS_NODEV = 4;
  public static final long MS_NOEXEC = 8;
  public static final long MS_BIND = 4096;
  public static final int MNT_FORCE = 1;
  public static final int MNT_DETACH = 2;
  public static final int UMOUNT_NOFOLLOW = 8;

  public static final int PROT_READ = 1;
  public static final int PROT_WRITE = 2;
  public static final int MAP_SHARED = 1;
  public static final int MAP_PRIVATE = 2;
  public static final int MAP_ANONYMOUS = 0x20;

  public static final int POLLIN = 1;
  public static final int POLLOUT = 4;
  public static final int POLLERR = 8;
  public static final int POLLHUP = 16;

  public static final int SYNC_FILE_RANGE_WAIT_BEFORE = 1;
  public static final int SYNC_FILE_RANGE_WRITE = 2;
  public static final int SYNC_FILE_RANGE_WAIT_AFTER = 4;

  public static final int POSIX_FADV_RANDOM = 1;
  public static final int POSIX_FADV_SEQUENTIAL = 2;
  public static final int POSIX_FADV_WILLNEED = 3;
  public static final int POSIX_FADV_DONTNEED = 4;

  /** ioctl: the whole file shares the extents of the descriptor given as argument (reflink). */
  public static final long FICLONE = 0x40049409L;

  private static final MethodHandle READ = SystemCall.hot("read", 3);
  private static final MethodHandle WRITE = SystemCall.hot("write", 3);
  private static final MethodHandle WRITEV = SystemCall.hot("writev", 3);
  private static final MethodHandle PREAD = SystemCall.hot("pread", 4);
  private static final MethodHandle PWRITE = SystemCall.hot("pwrite", 4);

  private static final SystemCall OPENAT = SystemCall.variadic("openat", 4, 3);
  private static final SystemCall CLOSE = SystemCall.of("close", 1, false);
  private static final SystemCall DUP3 = SystemCall.of("dup3", 3, false);
  private static final SystemCall FSYNC = SystemCall.of("fsync", 1, false);
  private static final SystemCall FDATASYNC = SystemCall.of("fdatasync", 1, false);
  private static final SystemCall FTRUNCATE = SystemCall.of("ftruncate", 2, false);
  private static final SystemCall FALLOCATE = SystemCall.of("fallocate", 4, false);
  private static final SystemCall STATX = SystemCall.of("statx", 5, false);
  private static final SystemCall STATFS = SystemCall.of("statfs", 2, false);
  private static final SystemCall LSEEK = SystemCall.of("lseek", 3, true);
  private static final SystemCall FCNTL = SystemCall.variadic("fcntl", 3, 2);
  private static final SystemCall FLOCK = SystemCall.of("flock", 2, false);
  private static final SystemCall RENAME = SystemCall.of("rename", 2, false);
  private static final SystemCall RENAMEAT2 = SystemCall.of("renameat2", 5, false);
  private static final SystemCall LINK = SystemCall.of("link", 2, false);
  private static final SystemCall UNLINK = SystemCall.of("unlink", 1, false);
  private static final SystemCall IOCTL = SystemCall.variadic("ioctl", 3, 2);
  private static final SystemCall MOUNT = SystemCall.of("mount", 5, false);
  private static final SystemCall UMOUNT2 = SystemCall.of("umount2", 2, false);
  private static final SystemCall POLL = SystemCall.of("poll", 3, false);
  private static final SystemCall MMAP = SystemCall.of("mmap", 6, true);
  private static final SystemCall MUNMAP = SystemCall.of("munmap", 2, false);
  private static final SystemCall GETUID = SystemCall.of("getuid", 0, false);
  private static final SystemCall SYNC_FILE_RANGE = SystemCall.of("sync_file_range", 4, false);
  private static final SystemCall POSIX_FADVISE = SystemCall.of("posix_fadvise", 4, false);

  private LibC() {}

  /** read(2) into {@code address}; bytes read (0 at the end) or -errno. */
  public static long read(int fd, long address, long sizeBytes) {
    MemorySegment errno = SystemCall.errnoSegment();
    long result;
    try {
      result = (long) READ.invokeExact(errno, (long) fd, address, sizeBytes);
    } catch (Throwable e) {
      throw SystemCall.unexpected(e);
    }
    return result < 0 ? -SystemCall.errno(errno) : result;
  }

  /** {@link #read(int, long, long)} into a native segment. */
  public static long read(int fd, MemorySegment target) {
    try {
      return read(fd, target.address(), target.byteSize());
    } finally {
      Reference.reachabilityFence(target);
    }
  }

  /** write(2) from {@code address}; bytes written or -errno. */
  public static long write(int fd, long address, long sizeBytes) {
    MemorySegment errno = SystemCall.errnoSegment();
    long result;
    try {
      result = (long) WRITE.invokeExact(errno, (long) fd, address, sizeBytes);
    } catch (Throwable e) {
      throw SystemCall.unexpected(e);
    }
    return result < 0 ? -SystemCall.errno(errno) : result;
  }

  /** {@link #write(int, long, long)} from a native segment. */
  public static long write(int fd, MemorySegment source) {
    try {
      return write(fd, source.address(), source.byteSize());
    } finally {
      Reference.reachabilityFence(source);
    }
  }

  /** writev(2) of {@code count} struct iovec {address u64, size u64}; bytes written or -errno. */
  public static long writev(int fd, long iovecAddress, int count) {
    MemorySegment errno = SystemCall.errnoSegment();
    long result;
    try {
      result = (long) WRITEV.invokeExact(errno, (long) fd, iovecAddress, (long) count);
    } catch (Throwable e) {
      throw SystemCall.unexpected(e);
    }
    return result < 0 ? -SystemCall.errno(errno) : result;
  }

  /** pread(2) into {@code address}; bytes read (0 at the end) or -errno. */
  public static long pread(int fd, long address, long sizeBytes, long offsetBytes) {
    MemorySegment errno = SystemCall.errnoSegment();
    long result;
    try {
      result = (long) PREAD.invokeExact(errno, (long) fd, address, sizeBytes, offsetBytes);
    } catch (Throwable e) {
      throw SystemCall.unexpected(e);
    }
    return result < 0 ? -SystemCall.errno(errno) : result;
  }

  /** {@link #pread(int, long, long, long)} into a native segment. */
  public static long pread(int fd, MemorySegment target, long offsetBytes) {
    try {
      return pread(fd, target.address(), target.byteSize(), offsetBytes);
    } finally {
      Reference.reachabilityFence(target);
    }
  }

  /** pwrite(2) from {@code address}; bytes written or -errno. */
  public static long pwrite(int fd, long address, long sizeBytes, long offsetBytes) {
    MemorySegment errno = SystemCall.errnoSegment();
    long result;
    try {
      result = (long) PWRITE.invokeExact(errno, (long) fd, address, sizeBytes, offsetBytes);
    } catch (Throwable e) {
      throw SystemCall.unexpected(e);
    }
    return result < 0 ? -SystemCall.errno(errno) : result;
  }

  /** {@link #pwrite(int, long, long, long)} from a native segment. */
  public static long pwrite(int fd, MemorySegment source, long offsetBytes) {
    try {
      return pwrite(fd, source.address(), source.byteSize(), offsetBytes);
    } finally {
      Reference.reachabilityFence(source);
    }
  }

  /**
   * Opens; add O_CLOEXEC unless a child is meant to have it.
   *
   * @param mode permission bits of a created file, before the umask
   */
  public static int open(String path, int flags, int mode) throws ErrnoException {
    return openat(AT_FDCWD, path, flags, mode);
  }

  /** Opens relative to a directory's descriptor. */
  public static int openat(int directory, String path, int flags, int mode) throws ErrnoException {
    try (Arena arena = Arena.ofConfined()) {
      long c = PathBytes.toC(arena, path).address();
      long fd = OPENAT.call(directory, c, flags, mode);
      if (fd < 0) {
        throw new ErrnoException("open(" + path + ")", (int) -fd);
      }
      return (int) fd;
    }
  }

  /** Closes; the descriptor is gone also when this throws (an error of earlier writes). */
  public static void close(int fd) throws ErrnoException {
    check(CLOSE.call(fd), "close", fd);
  }

  /** Makes {@code target} another descriptor of {@code fd}'s file: atomic, and O_CLOEXEC. */
  public static void dup3(int fd, int target) throws ErrnoException {
    check(DUP3.call(fd, target, O_CLOEXEC), "dup3", fd);
  }

  /** Waits until data and metadata are on the device. */
  public static void fsync(int fd) throws ErrnoException {
    check(FSYNC.call(fd), "fsync", fd);
  }

  /** Waits until the data, and the size where it changed, are on the device. */
  public static void fdatasync(int fd) throws ErrnoException {
    check(FDATASYNC.call(fd), "fdatasync", fd);
  }

  /** Sets the size. */
  public static void ftruncate(int fd, long sizeBytes) throws ErrnoException {
    check(FTRUNCATE.call(fd, sizeBytes), "ftruncate", fd);
  }

  /**
   * Allocates, or with FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE gives a range's space back.
   *
   * @param mode FALLOC_FL_* bits
   */
  public static void fallocate(int fd, int mode, long offsetBytes, long lengthBytes)
      throws ErrnoException {
    check(FALLOCATE.call(fd, mode, offsetBytes, lengthBytes), "fallocate", fd);
  }

  /** Attributes of an open file. */
  public static FileStat fstat(int fd) throws ErrnoException {
    return statx(fd, "", AT_EMPTY_PATH);
  }

  /** Attributes of what a path leads to. */
  public static FileStat stat(String path) throws ErrnoException {
    return statx(AT_FDCWD, path, 0);
  }

  /** Attributes of a path itself, symlink or not. */
  public static FileStat lstat(String path) throws ErrnoException {
    return statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW);
  }

  private static FileStat statx(int directory, String path, int flags) throws ErrnoException {
    final int basicStats = 0x7ff;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment s = arena.allocate(256, 8);
      long c = PathBytes.toC(arena, path).address();
      long result = STATX.call(directory, c, flags, basicStats, s.address());
      if (result < 0) {
        throw new ErrnoException(
            path.isEmpty() ? "fstat(" + directory + ")" : "stat(" + path + ")", (int) -result);
      }
      return FileStat.of(s);
    }
  }

  /** The file system a path is on. */
  public static FsStat statfs(String path) throws ErrnoException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment s = arena.allocate(128, 8);
      check(STATFS.call(PathBytes.toC(arena, path).address(), s.address()), "statfs", path);
      return FsStat.of(s);
    }
  }

  /**
   * Moves the file's position, or finds data and holes.
   *
   * @throws ErrnoException ENXIO where SEEK_DATA finds nothing more
   */
  public static long lseek(int fd, long offsetBytes, int whence) throws ErrnoException {
    return check(LSEEK.call(fd, offsetBytes, whence), "lseek", fd);
  }

  /** fcntl(2) with an integer argument: F_SETLEASE, F_GETLEASE, F_SETFD and their like. */
  public static int fcntl(int fd, int command, int argument) throws ErrnoException {
    return (int) check(FCNTL.call(fd, command, argument), "fcntl", fd);
  }

  /** Locks the open file description; EAGAIN where LOCK_NB is given and another holds it. */
  public static void flock(int fd, int operation) throws ErrnoException {
    check(FLOCK.call(fd, operation), "flock", fd);
  }

  /** Renames, replacing what is there. */
  public static void rename(String from, String to) throws ErrnoException {
    twoPaths("rename", from, to, RENAME::call);
  }

  /**
   * Renames under conditions.
   *
   * @param flags RENAME_NOREPLACE, RENAME_EXCHANGE, RENAME_WHITEOUT
   */
  public static void renameat2(String from, String to, int flags) throws ErrnoException {
    twoPaths("rename", from, to, (f, t) -> RENAMEAT2.call(AT_FDCWD, f, AT_FDCWD, t, flags));
  }

  /** Makes {@code to} another name of {@code from}. */
  public static void link(String from, String to) throws ErrnoException {
    twoPaths("link", from, to, LINK::call);
  }

  private static void twoPaths(String name, String from, String to, LongBinaryOperator call)
      throws ErrnoException {
    try (Arena arena = Arena.ofConfined()) {
      long f = PathBytes.toC(arena, from).address();
      long t = PathBytes.toC(arena, to).address();
      check(call.applyAsLong(f, t), name, from + ", " + to);
    }
  }

  /** Removes a name. */
  public static void unlink(String path) throws ErrnoException {
    try (Arena arena = Arena.ofConfined()) {
      check(UNLINK.call(PathBytes.toC(arena, path).address()), "unlink", path);
    }
  }

  /**
   * ioctl(2) with a pointer.
   *
   * @return what the call returned, at least 0
   */
  public static int ioctl(int fd, long request, MemorySegment argument) throws ErrnoException {
    try {
      return ioctl(fd, request, argument.address());
    } finally {
      Reference.reachabilityFence(argument);
    }
  }

  /** ioctl(2) with a number, as FICLONE takes the source's descriptor. */
  public static int ioctl(int fd, long request, long argument) throws ErrnoException {
    return (int)
        check(IOCTL.call(fd, request, argument), "ioctl 0x" + Long.toHexString(request), fd);
  }

  /**
   * mount(2).
   *
   * @param flags MS_* bits
   * @param data the file system's own options, comma separated
   */
  public static void mount(
      String source, String target, String type, long flags, @Nullable String data)
      throws ErrnoException {
    try (Arena arena = Arena.ofConfined()) {
      long result =
          MOUNT.call(
              PathBytes.toC(arena, source).address(),
              PathBytes.toC(arena, target).address(),
              PathBytes.toC(arena, type).address(),
              flags,
              data == null ? 0 : PathBytes.toC(arena, data).address());
      check(result, "mount", target);
    }
  }

  /** umount2(2) with MNT_* flags. */
  public static void umount2(String target, int flags) throws ErrnoException {
    try (Arena arena = Arena.ofConfined()) {
      check(UMOUNT2.call(PathBytes.toC(arena, target).address(), flags), "umount", target);
    }
  }

  /**
   * Waits for one descriptor.
   *
   * @param timeoutMillis -1 for no limit
   * @return POLL* bits that are true, 0 at the timeout
   */
  public static int poll(int fd, int events, int timeoutMillis) throws ErrnoException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment pollfd = arena.allocate(8, 4);
      pollfd.set(JAVA_INT, 0, fd);
      pollfd.set(JAVA_SHORT, 4, (short) events);
      check(POLL.call(pollfd.address(), 1, timeoutMillis), "poll", fd);
      return Short.toUnsignedInt(pollfd.get(JAVA_SHORT, 6));
    }
  }

  /**
   * Maps a file.
   *
   * @return the address, for {@link MemorySegment#ofAddress} and {@link #munmap}
   */
  public static long mmap(int fd, long offsetBytes, long lengthBytes, int protection, int flags)
      throws ErrnoException {
    return check(MMAP.call(0, lengthBytes, protection, flags, fd, offsetBytes), "mmap", fd);
  }

  /** Ends a mapping. */
  public static void munmap(long address, long lengthBytes) throws ErrnoException {
    check(MUNMAP.call(address, lengthBytes), "munmap", "0x" + Long.toHexString(address));
  }

  /** This process. */
  public static int getpid() {
    return (int) ProcessHandle.current().pid();
  }

  /** The real user. */
  public static int getuid() {
    return (int) GETUID.call();
  }

  /** Starts or awaits write-back of a range; says nothing about durability. */
  public static void syncFileRange(int fd, long offsetBytes, long lengthBytes, int flags)
      throws ErrnoException {
    check(SYNC_FILE_RANGE.call(fd, offsetBytes, lengthBytes, flags), "sync_file_range", fd);
  }

  /** Tells the kernel how a range will be used; length 0 is to the end. */
  public static void posixFadvise(int fd, long offsetBytes, long lengthBytes, int advice)
      throws ErrnoException {
    // Returns the errno itself instead of setting it.
    check(-POSIX_FADVISE.call(fd, offsetBytes, lengthBytes, advice), "posix_fadvise", fd);
  }

  private static long check(long result, String call, int fd) throws ErrnoException {
    return result >= 0 ? result : check(result, call, "fd " + fd);
  }

  private static long check(long result, String call, String argument) throws ErrnoException {
    if (result < 0) {
      throw new ErrnoException(call + "(" + argument + ")", (int) -result);
    }
    return result;
  }
}
