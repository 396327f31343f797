package io.tiermount.fs.fuse.libfuse;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.tiermount.fs.fuse.Attributes;
import io.tiermount.fs.fuse.FuseReply;
import java.lang.foreign.MemorySegment;

/**
 * struct stat (arch/x86/include/uapi/asm/stat.h and include/uapi/asm-generic/stat.h, which arm64
 * uses) and struct statvfs (bits/statvfs.h) of 64-bit Linux.
 */
final class StatLayout {
  static final int SIZE_BYTES = 144;
  static final int STATVFS_BYTES = 112;

  private static final boolean ARM = System.getProperty("os.arch", "").equals("aarch64");
  private static final int INO = 8;
  private static final int MODE = ARM ? 16 : 24;
  private static final int NLINK = ARM ? 20 : 16;
  private static final int UID = ARM ? 24 : 28;
  private static final int GID = ARM ? 28 : 32;
  private static final int RDEV = ARM ? 32 : 40;
  private static final int SIZE = 48;
  private static final int BLKSIZE = 56;
  private static final int BLOCKS = 64;
  private static final int ATIME = 72;
  private static final int MTIME = 88;
  private static final int CTIME = 104;
  private static final long NANOS_PER_SECOND = 1_000_000_000L;

  private StatLayout() {}

  static void write(MemorySegment stat, Attributes attributes) {
    stat.fill((byte) 0);
    stat.set(JAVA_LONG, INO, attributes.ino());
    stat.set(JAVA_INT, MODE, attributes.mode());
    // A long on x86_64, of which this is the lower half.
    stat.set(JAVA_INT, NLINK, attributes.nlink());
    stat.set(JAVA_INT, UID, attributes.uid());
    stat.set(JAVA_INT, GID, attributes.gid());
    stat.set(JAVA_LONG, RDEV, device(attributes.rdev()));
    stat.set(JAVA_LONG, SIZE, attributes.sizeBytes());
    // A long on x86_64, of which this is the lower half.
    stat.set(JAVA_INT, BLKSIZE, attributes.blockSizeBytes());
    stat.set(JAVA_LONG, BLOCKS, attributes.blocks());
    time(stat, ATIME, attributes.atimeNanos());
    time(stat, MTIME, attributes.mtimeNanos());
    time(stat, CTIME, attributes.ctimeNanos());
  }

  /** What a directory entry carries. */
  static void writeType(MemorySegment stat, long ino, int type) {
    stat.set(JAVA_LONG, INO, ino);
    stat.set(JAVA_INT, MODE, type);
  }

  /** libfuse passes on the lower 32 bits, which are the kernel's encoding already. */
  private static long device(int rdev) {
    return rdev & 0xFFFF_FFFFL;
  }

  private static void time(MemorySegment stat, int offset, long nanos) {
    stat.set(JAVA_LONG, offset, Math.floorDiv(nanos, NANOS_PER_SECOND));
    stat.set(JAVA_LONG, offset + 8L, Math.floorMod(nanos, NANOS_PER_SECOND));
  }

  static void write(MemorySegment statvfs, FuseReply.FsStats stats) {
    statvfs.fill((byte) 0);
    long[] fields = {
      stats.blockSizeBytes(),
      stats.blockSizeBytes(),
      stats.blocks(),
      stats.freeBlocks(),
      stats.freeBlocks(),
      stats.files(),
      stats.freeFiles(),
      stats.freeFiles(),
      0, // f_fsid
      0, // f_flag
      stats.maxName()
    };
    for (int i = 0; i < fields.length; i++) {
      statvfs.setAtIndex(JAVA_LONG, i, fields[i]);
    }
  }
}
