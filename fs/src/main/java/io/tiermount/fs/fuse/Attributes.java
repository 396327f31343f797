package io.tiermount.fs.fuse;

/**
 * What stat(2) shows. Times are nanoseconds since the epoch (1677 to 2262).
 *
 * @param ino st_ino; survives a change of the node id
 * @param mode type and permission bits (S_IFMT | 07777)
 * @param blocks allocated units of 512 B
 */
public record Attributes(
    long ino,
    int mode,
    int nlink,
    int uid,
    int gid,
    int rdev,
    long sizeBytes,
    long blocks,
    int blockSizeBytes,
    long atimeNanos,
    long mtimeNanos,
    long ctimeNanos) {
  public static final int S_IFMT = 0170000;
  public static final int S_IFSOCK = 0140000;
  public static final int S_IFLNK = 0120000;
  public static final int S_IFREG = 0100000;
  public static final int S_IFBLK = 0060000;
  public static final int S_IFDIR = 0040000;
  public static final int S_IFCHR = 0020000;
  public static final int S_IFIFO = 0010000;

  public boolean isDirectory() {
    return (mode & S_IFMT) == S_IFDIR;
  }

  public boolean isRegular() {
    return (mode & S_IFMT) == S_IFREG;
  }

  public boolean isSymlink() {
    return (mode & S_IFMT) == S_IFLNK;
  }
}
