package io.tiermount.backends.os;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Extended attributes of files (xattr(7)). Paths follow symlinks. */
public final class Xattrs {
  public static final int CREATE = 1;
  public static final int REPLACE = 2;

  private static final SystemCall GETXATTR = SystemCall.of("getxattr", 4, true);
  private static final SystemCall FGETXATTR = SystemCall.of("fgetxattr", 4, true);
  private static final SystemCall SETXATTR = SystemCall.of("setxattr", 5, false);
  private static final SystemCall FSETXATTR = SystemCall.of("fsetxattr", 5, false);
  private static final SystemCall LISTXATTR = SystemCall.of("listxattr", 3, true);
  private static final SystemCall FLISTXATTR = SystemCall.of("flistxattr", 3, true);
  private static final SystemCall REMOVEXATTR = SystemCall.of("removexattr", 2, false);
  private static final SystemCall FREMOVEXATTR = SystemCall.of("fremovexattr", 2, false);

  private Xattrs() {}

  /**
   * A value.
   *
   * @throws ErrnoException ENODATA where there is none of that name
   */
  public static byte[] get(String path, String name) throws ErrnoException {
    try (Arena arena = Arena.ofConfined()) {
      long n = PathBytes.toC(arena, name).address();
      return grow(GETXATTR, PathBytes.toC(arena, path).address(), n, "getxattr(" + path + ")");
    }
  }

  /** {@link #get(String, String)} of an open file. */
  public static byte[] get(int fd, String name) throws ErrnoException {
    try (Arena arena = Arena.ofConfined()) {
      long n = PathBytes.toC(arena, name).address();
      return grow(FGETXATTR, fd, n, "getxattr(fd " + fd + ")");
    }
  }

  /**
   * Sets a value.
   *
   * @param flags {@link #CREATE}, {@link #REPLACE} or 0
   */
  public static void set(String path, String name, byte[] value, int flags) throws ErrnoException {
    try (Arena arena = Arena.ofConfined()) {
      long p = PathBytes.toC(arena, path).address();
      set(SETXATTR, p, name, value, flags, "setxattr(" + path + ")");
    }
  }

  /** {@link #set(String, String, byte[], int)} of an open file. */
  public static void set(int fd, String name, byte[] value, int flags) throws ErrnoException {
    set(FSETXATTR, fd, name, value, flags, "setxattr(fd " + fd + ")");
  }

  /** All names, with their namespace ("user.x"). */
  public static List<String> list(String path) throws ErrnoException {
    try (Arena arena = Arena.ofConfined()) {
      long p = PathBytes.toC(arena, path).address();
      return split(grow(LISTXATTR, p, 0, "listxattr(" + path + ")"));
    }
  }

  /** {@link #list(String)} of an open file. */
  public static List<String> list(int fd) throws ErrnoException {
    return split(grow(FLISTXATTR, fd, 0, "listxattr(fd " + fd + ")"));
  }

  /** Removes one. */
  public static void remove(String path, String name) throws ErrnoException {
    try (Arena arena = Arena.ofConfined()) {
      long n = PathBytes.toC(arena, name).address();
      long result = REMOVEXATTR.call(PathBytes.toC(arena, path).address(), n);
      check(result, "removexattr(" + path + ")");
    }
  }

  /** {@link #remove(String, String)} of an open file. */
  public static void remove(int fd, String name) throws ErrnoException {
    try (Arena arena = Arena.ofConfined()) {
      long n = PathBytes.toC(arena, name).address();
      check(FREMOVEXATTR.call(fd, n), "removexattr(fd " + fd + ")");
    }
  }

  private static void set(
      SystemCall call, long file, String name, byte[] value, int flags, String what)
      throws ErrnoException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment v = arena.allocate(Math.max(1, value.length));
      MemorySegment.copy(value, 0, v, JAVA_BYTE, 0, value.length);
      long n = PathBytes.toC(arena, name).address();
      check(call.call(file, n, v.address(), value.length, flags), what);
    }
  }

  /** Reads a value or, where {@code name} is 0, the list; again while it grows under our hands. */
  private static byte[] grow(SystemCall call, long file, long name, String what)
      throws ErrnoException {
    long sizeBytes = 256;
    while (true) {
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment buffer = arena.allocate(sizeBytes);
        long address = buffer.address();
        long result =
            name == 0
                ? call.call(file, address, sizeBytes)
                : call.call(file, name, address, sizeBytes);
        if (result >= 0) {
          return buffer.asSlice(0, result).toArray(JAVA_BYTE);
        }
        if (result != -Errno.ERANGE) {
          check(result, what);
        }
        long needed = check(name == 0 ? call.call(file, 0, 0) : call.call(file, name, 0, 0), what);
        sizeBytes = needed + 64;
      }
    }
  }

  private static List<String> split(byte[] names) {
    List<String> result = new ArrayList<>();
    int start = 0;
    for (int i = 0; i < names.length; i++) {
      if (names[i] == 0) {
        result.add(PathBytes.decode(Arrays.copyOfRange(names, start, i)));
        start = i + 1;
      }
    }
    return result;
  }

  private static long check(long result, String what) throws ErrnoException {
    if (result < 0) {
      throw new ErrnoException(what, (int) -result);
    }
    return result;
  }
}
