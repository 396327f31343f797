package io.tiermount.fs.fuse;

import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * One request of the kernel, named as in include/uapi/linux/fuse.h. INIT, DESTROY and INTERRUPT are
 * the transport's own business. Names that are not valid UTF-8 carry each offending byte as a lone
 * surrogate U+DC80..U+DCFF ({@link Names}).
 *
 * <p>Memory segments are valid until {@link FuseHandler#handle} returns; what outlives it is copied
 * before.
 */
public sealed interface FuseRequest {
  /** The node the request is about (the parent where it names an entry). */
  long nodeId();

  /** Who asks. */
  Caller caller();

  record Lookup(long nodeId, Caller caller, String name) implements FuseRequest {}

  /** Never answered. BATCH_FORGET arrives as several of these. */
  record Forget(long nodeId, Caller caller, long lookups) implements FuseRequest {}

  /** {@code handle} is null where the request carries none. */
  record GetAttr(long nodeId, Caller caller, @Nullable Long handle) implements FuseRequest {}

  /**
   * @param valid FATTR_* bits that say which of the others count
   */
  record SetAttr(
      long nodeId,
      Caller caller,
      int valid,
      long handle,
      long sizeBytes,
      int mode,
      int uid,
      int gid,
      long atimeNanos,
      long mtimeNanos,
      long ctimeNanos)
      implements FuseRequest {
    public static final int MODE = 1;
    public static final int UID = 1 << 1;
    public static final int GID = 1 << 2;
    public static final int SIZE = 1 << 3;
    public static final int ATIME = 1 << 4;
    public static final int MTIME = 1 << 5;
    public static final int HANDLE = 1 << 6;
    public static final int ATIME_NOW = 1 << 7;
    public static final int MTIME_NOW = 1 << 8;
    public static final int LOCK_OWNER = 1 << 9;
    public static final int CTIME = 1 << 10;
    public static final int KILL_SUIDGID = 1 << 11;
  }

  record ReadLink(long nodeId, Caller caller) implements FuseRequest {}

  record Symlink(long nodeId, Caller caller, String name, String target) implements FuseRequest {}

  record MkNod(long nodeId, Caller caller, String name, int mode, int rdev, int umask)
      implements FuseRequest {}

  record MkDir(long nodeId, Caller caller, String name, int mode, int umask)
      implements FuseRequest {}

  record Unlink(long nodeId, Caller caller, String name) implements FuseRequest {}

  record RmDir(long nodeId, Caller caller, String name) implements FuseRequest {}

  /**
   * @param flags RENAME_NOREPLACE, RENAME_EXCHANGE, RENAME_WHITEOUT
   */
  record Rename(long nodeId, Caller caller, String name, long newParent, String newName, int flags)
      implements FuseRequest {}

  /** {@code nodeId} is the new name's parent, {@code target} the inode that gets it. */
  record Link(long nodeId, Caller caller, String name, long target) implements FuseRequest {}

  /**
   * @param flags open(2)'s, as the kernel passes them on
   */
  record Open(long nodeId, Caller caller, int flags) implements FuseRequest {}

  record Create(long nodeId, Caller caller, String name, int flags, int mode, int umask)
      implements FuseRequest {}

  record TmpFile(long nodeId, Caller caller, int flags, int mode, int umask)
      implements FuseRequest {}

  record Read(long nodeId, Caller caller, long handle, long offsetBytes, int sizeBytes, int flags)
      implements FuseRequest {}

  record Write(
      long nodeId,
      Caller caller,
      long handle,
      long offsetBytes,
      MemorySegment data,
      int writeFlags,
      int flags)
      implements FuseRequest {}

  record StatFs(long nodeId, Caller caller) implements FuseRequest {}

  record Flush(long nodeId, Caller caller, long handle, long lockOwner) implements FuseRequest {}

  record Release(long nodeId, Caller caller, long handle, int flags) implements FuseRequest {}

  record FSync(long nodeId, Caller caller, long handle, boolean dataOnly) implements FuseRequest {}

  record SetXattr(long nodeId, Caller caller, String name, MemorySegment value, int flags)
      implements FuseRequest {}

  /** {@code sizeBytes} 0 asks for the length alone. */
  record GetXattr(long nodeId, Caller caller, String name, int sizeBytes) implements FuseRequest {}

  /** {@code sizeBytes} 0 asks for the length alone. */
  record ListXattr(long nodeId, Caller caller, int sizeBytes) implements FuseRequest {}

  record RemoveXattr(long nodeId, Caller caller, String name) implements FuseRequest {}

  record OpenDir(long nodeId, Caller caller, int flags) implements FuseRequest {}

  /**
   * @param offset the cookie of the last entry taken, 0 at the start
   * @param plus entries carry their attributes (READDIRPLUS)
   */
  record ReadDir(long nodeId, Caller caller, long handle, long offset, int sizeBytes, boolean plus)
      implements FuseRequest {}

  record ReleaseDir(long nodeId, Caller caller, long handle) implements FuseRequest {}

  record FSyncDir(long nodeId, Caller caller, long handle, boolean dataOnly)
      implements FuseRequest {}

  /** Only without default_permissions. */
  record Access(long nodeId, Caller caller, int mask) implements FuseRequest {}

  record Fallocate(
      long nodeId, Caller caller, long handle, long offsetBytes, long lengthBytes, int mode)
      implements FuseRequest {}

  record LSeek(long nodeId, Caller caller, long handle, long offsetBytes, int whence)
      implements FuseRequest {}

  record CopyFileRange(
      long nodeId,
      Caller caller,
      long handle,
      long offsetBytes,
      long targetNodeId,
      long targetHandle,
      long targetOffsetBytes,
      long lengthBytes)
      implements FuseRequest {}

  record SyncFs(long nodeId, Caller caller) implements FuseRequest {}

  /** Any other opcode; answered ENOSYS, which tells the kernel not to ask again. */
  record Unknown(long nodeId, Caller caller, int opcode) implements FuseRequest {}
}
