package io.tiermount.backends.os;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.MemorySegment;

/**
 * What statx(2) tells. Times are nanoseconds since the epoch.
 *
 * @param blocks allocated units of 512 B
 * @param mode type and permission bits
 * @param rdev the device of a special file, in the kernel's 32-bit encoding
 */
public record FileStat(
    long ino,
    int mode,
    int nlink,
    int uid,
    int gid,
    int rdev,
    int devMajor,
    int devMinor,
    long sizeBytes,
    long blocks,
    int blockSizeBytes,
    long atimeNanos,
    long mtimeNanos,
    long ctimeNanos) {
  /** From struct statx (include/uapi/linux/stat.h). */
  static FileStat of(MemorySegment s) {
    return new FileStat(
        s.get(JAVA_LONG, 32),
        Short.toUnsignedInt(s.get(JAVA_SHORT, 28)),
        s.get(JAVA_INT, 16),
        s.get(JAVA_INT, 20),
        s.get(JAVA_INT, 24),
        encodeDevice(s.get(JAVA_INT, 128), s.get(JAVA_INT, 132)),
        s.get(JAVA_INT, 136),
        s.get(JAVA_INT, 140),
        s.get(JAVA_LONG, 40),
        s.get(JAVA_LONG, 48),
        s.get(JAVA_INT, 4),
        nanos(s, 64),
        nanos(s, 112),
        nanos(s, 96));
  }

  private static long nanos(MemorySegment s, long offset) {
    return s.get(JAVA_LONG, offset) * 1_000_000_000L + s.get(JAVA_INT, offset + 8);
  }

  /** new_encode_dev of include/linux/kdev_t.h. */
  private static int encodeDevice(int major, int minor) {
    return (minor & 0xFF) | (major << 8) | ((minor & ~0xFF) << 12);
  }

  /** st_dev as one number: equal for files of one file system. */
  public long dev() {
    return ((long) devMajor << 32) | (devMinor & 0xFFFF_FFFFL);
  }

  /** True for a directory. */
  public boolean isDirectory() {
    return (mode & 0170000) == 0040000;
  }

  /** True for a regular file. */
  public boolean isRegular() {
    return (mode & 0170000) == 0100000;
  }
}
