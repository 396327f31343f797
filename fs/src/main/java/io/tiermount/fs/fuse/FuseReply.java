package io.tiermount.fs.fuse;

import org.jspecify.annotations.Nullable;

/** The answer to one {@link FuseRequest}. */
public sealed interface FuseReply {
  /**
   * @param errno positive, from {@code backends.os.Errno}
   */
  record Failed(int errno) implements FuseReply {}

  /** Success without a body. */
  record Done() implements FuseReply {}

  /** To LOOKUP, MKNOD, MKDIR, SYMLINK, LINK. */
  record Entry(NodeEntry entry) implements FuseReply {}

  /** To GETATTR and SETATTR. */
  record Attr(Attributes attributes, long ttlNanos) implements FuseReply {}

  /** To OPEN and OPENDIR. */
  record Opened(OpenFile file) implements FuseReply {}

  /** To CREATE and TMPFILE. */
  record Created(NodeEntry entry, OpenFile file) implements FuseReply {}

  /** To READ, READDIR, READDIRPLUS: the first bytes of {@link Replier#payload}. */
  record Payload(int sizeBytes) implements FuseReply {}

  /** To READLINK, GETXATTR, LISTXATTR. */
  record Bytes(byte[] bytes) implements FuseReply {}

  /** To GETXATTR and LISTXATTR that asked for the length alone. */
  record XattrSize(int sizeBytes) implements FuseReply {}

  /** To WRITE and COPY_FILE_RANGE. */
  record Written(int sizeBytes) implements FuseReply {}

  /** To LSEEK. */
  record Offset(long offsetBytes) implements FuseReply {}

  /** To STATFS; as statvfs(3). */
  record FsStats(
      long blocks, long freeBlocks, long files, long freeFiles, int blockSizeBytes, int maxName)
      implements FuseReply {}

  FuseReply DONE = new Done();

  /**
   * How a file was opened.
   *
   * @param handle comes back with every request on it
   * @param flags FOPEN_* bits
   * @param backing the kernel reads and writes it itself (FOPEN_PASSTHROUGH is added), null for
   *     none
   */
  record OpenFile(long handle, int flags, @Nullable Backing backing) {
    public static final int DIRECT_IO = 1;
    public static final int KEEP_CACHE = 1 << 1;
    public static final int NONSEEKABLE = 1 << 2;
    public static final int CACHE_DIR = 1 << 3;
    public static final int STREAM = 1 << 4;
    public static final int NOFLUSH = 1 << 5;
    public static final int PARALLEL_DIRECT_WRITES = 1 << 6;
    public static final int PASSTHROUGH = 1 << 7;
  }

  /** A backing file registered with the kernel ({@link KernelCache#openBacking}). */
  record Backing(int id) {}
}
