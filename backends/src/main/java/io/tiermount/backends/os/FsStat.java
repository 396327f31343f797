package io.tiermount.backends.os;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;

/**
 * What statfs(2) tells; block counts in units of {@code blockSizeBytes}.
 *
 * @param type the file system's magic number (linux/magic.h)
 * @param availableBlocks what an unprivileged user may still take
 */
public record FsStat(
    long type,
    long blockSizeBytes,
    long blocks,
    long freeBlocks,
    long availableBlocks,
    long files,
    long freeFiles,
    long maxName) {
  public static final long OVERLAYFS_MAGIC = 0x794c7630L;
  public static final long TMPFS_MAGIC = 0x01021994L;
  public static final long EXT4_MAGIC = 0xEF53L;
  public static final long XFS_MAGIC = 0x58465342L;
  public static final long BTRFS_MAGIC = 0x9123683EL;
  public static final long NFS_MAGIC = 0x6969L;
  public static final long FUSE_MAGIC = 0x65735546L;

  /** From struct statfs, the same on all 64-bit Linux. */
  static FsStat of(MemorySegment s) {
    return new FsStat(
        s.get(JAVA_LONG, 0),
        s.get(JAVA_LONG, 8),
        s.get(JAVA_LONG, 16),
        s.get(JAVA_LONG, 24),
        s.get(JAVA_LONG, 32),
        s.get(JAVA_LONG, 40),
        s.get(JAVA_LONG, 48),
        s.get(JAVA_LONG, 64));
  }
}
