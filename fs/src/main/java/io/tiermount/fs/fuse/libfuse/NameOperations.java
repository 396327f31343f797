package io.tiermount.fs.fuse.libfuse;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.tiermount.backends.os.Errno;
import io.tiermount.fs.fuse.Attributes;
import io.tiermount.fs.fuse.Caller;
import io.tiermount.fs.fuse.FuseReply;
import io.tiermount.fs.fuse.FuseRequest;
import io.tiermount.fs.fuse.FuseRequest.SetAttr;
import java.lang.foreign.MemorySegment;

/** libfuse's operations on paths. Each returns at least 0; arguments as in fuse.h. */
final class NameOperations {
  private static final long NANOS_PER_SECOND = 1_000_000_000L;
  private static final long UTIME_NOW = (1L << 30) - 1;
  private static final long UTIME_OMIT = (1L << 30) - 2;
  private static final int TIMES_BYTES = 32;

  private final PathRequests requests;
  private final PathNodes nodes;

  NameOperations(PathRequests requests, PathNodes nodes) {
    this.requests = requests;
    this.nodes = nodes;
  }

  int getattr(long path, long stat) throws FuseFailure {
    Caller caller = requests.caller();
    try (PathNodes.Held node = nodes.resolve(NativeFuse.string(path), caller)) {
      Attributes attributes = node.fresh();
      if (attributes == null) {
        attributes =
            requests
                .ask(FuseReply.Attr.class, new FuseRequest.GetAttr(node.id(), caller, null))
                .attributes();
      }
      StatLayout.write(NativeFuse.memory(stat, StatLayout.SIZE_BYTES), attributes);
      return 0;
    }
  }

  int readlink(long path, long buffer, long size) throws FuseFailure {
    Caller caller = requests.caller();
    try (PathNodes.Held node = nodes.resolve(NativeFuse.string(path), caller)) {
      byte[] target =
          requests.ask(FuseReply.Bytes.class, new FuseRequest.ReadLink(node.id(), caller)).bytes();
      int length = (int) Math.min(target.length, size - 1);
      MemorySegment result = NativeFuse.memory(buffer, size);
      MemorySegment.copy(target, 0, result, JAVA_BYTE, 0, length);
      result.set(JAVA_BYTE, length, (byte) 0);
      return 0;
    }
  }

  int mknod(long path, int mode, int rdev) throws FuseFailure {
    return make(
        NativeFuse.string(path),
        (parent, caller, name) ->
            new FuseRequest.MkNod(parent, caller, name, mode, rdev, requests.umask()));
  }

  int mkdir(long path, int mode) throws FuseFailure {
    return make(
        NativeFuse.string(path),
        (parent, caller, name) ->
            new FuseRequest.MkDir(parent, caller, name, mode, requests.umask()));
  }

  int symlink(long target, long path) throws FuseFailure {
    return make(
        NativeFuse.string(path),
        (parent, caller, name) ->
            new FuseRequest.Symlink(parent, caller, name, NativeFuse.string(target)));
  }

  int link(long from, long to) throws FuseFailure {
    try (PathNodes.Held target = nodes.resolve(NativeFuse.string(from), requests.caller())) {
      return make(
          NativeFuse.string(to),
          (parent, caller, name) -> new FuseRequest.Link(parent, caller, name, target.id()));
    }
  }

  private interface Making {
    FuseRequest request(long parent, Caller caller, String name);
  }

  private int make(String path, Making making) throws FuseFailure {
    Caller caller = requests.caller();
    String name = PathNodes.name(path);
    try (PathNodes.Held parent = nodes.parent(path, caller)) {
      FuseReply.Entry made =
          requests.ask(FuseReply.Entry.class, making.request(parent.id(), caller, name));
      nodes.adopt(parent.id(), name, made.entry()).close();
      return 0;
    }
  }

  int unlink(long path) throws FuseFailure {
    return remove(NativeFuse.string(path), FuseRequest.Unlink::new);
  }

  int rmdir(long path) throws FuseFailure {
    return remove(NativeFuse.string(path), FuseRequest.RmDir::new);
  }

  private int remove(String path, Making removing) throws FuseFailure {
    Caller caller = requests.caller();
    String name = PathNodes.name(path);
    try (PathNodes.Held parent = nodes.parent(path, caller)) {
      requests.ask(FuseReply.Done.class, removing.request(parent.id(), caller, name));
      nodes.invalidate(parent.id(), name);
      return 0;
    }
  }

  int rename(long from, long to) throws FuseFailure {
    Caller caller = requests.caller();
    String oldPath = NativeFuse.string(from);
    String newPath = NativeFuse.string(to);
    String oldName = PathNodes.name(oldPath);
    String newName = PathNodes.name(newPath);
    try (PathNodes.Held oldParent = nodes.parent(oldPath, caller);
        PathNodes.Held newParent = nodes.parent(newPath, caller)) {
      requests.ask(
          FuseReply.Done.class,
          new FuseRequest.Rename(oldParent.id(), caller, oldName, newParent.id(), newName, 0));
      nodes.invalidate(oldParent.id(), oldName);
      nodes.invalidate(newParent.id(), newName);
      return 0;
    }
  }

  int chmod(long path, int mode) throws FuseFailure {
    return setattr(path, new Change(SetAttr.MODE, 0, mode, 0, 0, 0, 0));
  }

  int chown(long path, int uid, int gid) throws FuseFailure {
    int valid = (uid == -1 ? 0 : SetAttr.UID) | (gid == -1 ? 0 : SetAttr.GID);
    return setattr(path, new Change(valid, 0, 0, uid, gid, 0, 0));
  }

  int truncate(long path, long size) throws FuseFailure {
    return setattr(path, new Change(SetAttr.SIZE, size, 0, 0, 0, 0, 0));
  }

  int utimens(long path, long times) throws FuseFailure {
    if (times == 0) {
      int now = SetAttr.ATIME | SetAttr.ATIME_NOW | SetAttr.MTIME | SetAttr.MTIME_NOW;
      return setattr(path, new Change(now, 0, 0, 0, 0, 0, 0));
    }
    MemorySegment spec = NativeFuse.memory(times, TIMES_BYTES);
    int valid =
        valid(spec, 0, SetAttr.ATIME, SetAttr.ATIME_NOW)
            | valid(spec, 16, SetAttr.MTIME, SetAttr.MTIME_NOW);
    return setattr(path, new Change(valid, 0, 0, 0, 0, nanos(spec, 0), nanos(spec, 16)));
  }

  private static int valid(MemorySegment spec, int offset, int set, int now) {
    long nanos = spec.get(JAVA_LONG, offset + 8L);
    if (nanos == UTIME_OMIT) {
      return 0;
    }
    return nanos == UTIME_NOW ? set | now : set;
  }

  private static long nanos(MemorySegment spec, int offset) {
    long nanos = spec.get(JAVA_LONG, offset + 8L);
    return nanos == UTIME_NOW || nanos == UTIME_OMIT
        ? 0
        : spec.get(JAVA_LONG, offset) * NANOS_PER_SECOND + nanos;
  }

  private record Change(
      int valid, long size, int mode, int uid, int gid, long atimeNanos, long mtimeNanos) {}

  private int setattr(long path, Change change) throws FuseFailure {
    if (change.valid == 0) {
      return 0;
    }
    Caller caller = requests.caller();
    try (PathNodes.Held node = nodes.resolve(NativeFuse.string(path), caller)) {
      requests.ask(
          FuseReply.Attr.class,
          new SetAttr(
              node.id(),
              caller,
              change.valid,
              0,
              change.size,
              change.mode,
              change.uid,
              change.gid,
              change.atimeNanos,
              change.mtimeNanos,
              0));
      return 0;
    }
  }

  int statfs(long path, long statvfs) throws FuseFailure {
    Caller caller = requests.caller();
    try (PathNodes.Held node = nodes.resolve(NativeFuse.string(path), caller)) {
      FuseReply.FsStats stats =
          requests.ask(FuseReply.FsStats.class, new FuseRequest.StatFs(node.id(), caller));
      StatLayout.write(NativeFuse.memory(statvfs, StatLayout.STATVFS_BYTES), stats);
      return 0;
    }
  }

  int setxattr(long path, long name, long value, long size, int flags) throws FuseFailure {
    Caller caller = requests.caller();
    try (PathNodes.Held node = nodes.resolve(NativeFuse.string(path), caller)) {
      requests.ask(
          FuseReply.Done.class,
          new FuseRequest.SetXattr(
              node.id(), caller, NativeFuse.string(name), NativeFuse.memory(value, size), flags));
      return 0;
    }
  }

  int getxattr(long path, long name, long value, long size) throws FuseFailure {
    Caller caller = requests.caller();
    try (PathNodes.Held node = nodes.resolve(NativeFuse.string(path), caller)) {
      return xattr(
          new FuseRequest.GetXattr(node.id(), caller, NativeFuse.string(name), (int) size),
          value,
          size);
    }
  }

  int listxattr(long path, long list, long size) throws FuseFailure {
    Caller caller = requests.caller();
    try (PathNodes.Held node = nodes.resolve(NativeFuse.string(path), caller)) {
      return xattr(new FuseRequest.ListXattr(node.id(), caller, (int) size), list, size);
    }
  }

  private int xattr(FuseRequest request, long buffer, long size) throws FuseFailure {
    FuseReply reply = requests.ask(FuseReply.class, request);
    if (reply instanceof FuseReply.XattrSize(int sizeBytes)) {
      return sizeBytes;
    }
    if (!(reply instanceof FuseReply.Bytes(byte[] bytes))) {
      throw new FuseFailure(Errno.EIO);
    }
    if (size > 0) {
      if (bytes.length > size) {
        throw new FuseFailure(Errno.ERANGE);
      }
      MemorySegment.copy(bytes, 0, NativeFuse.memory(buffer, size), JAVA_BYTE, 0, bytes.length);
    }
    return bytes.length;
  }

  int removexattr(long path, long name) throws FuseFailure {
    Caller caller = requests.caller();
    try (PathNodes.Held node = nodes.resolve(NativeFuse.string(path), caller)) {
      requests.ask(
          FuseReply.Done.class,
          new FuseRequest.RemoveXattr(node.id(), caller, NativeFuse.string(name)));
      return 0;
    }
  }
}
