package io.tiermount.fs.fuse.libfuse;

import io.tiermount.fs.fuse.FuseRequest;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;

/** Requests by the kernel's name of their opcode, as the file system got them. */
final class RequestCounter {
  private static final List<String> NAMES =
      List.of(
          "LOOKUP",
          "FORGET",
          "GETATTR",
          "SETATTR",
          "READLINK",
          "SYMLINK",
          "MKNOD",
          "MKDIR",
          "UNLINK",
          "RMDIR",
          "RENAME",
          "LINK",
          "OPEN",
          "READ",
          "WRITE",
          "STATFS",
          "RELEASE",
          "FSYNC",
          "SETXATTR",
          "GETXATTR",
          "LISTXATTR",
          "REMOVEXATTR",
          "FLUSH",
          "OPENDIR",
          "READDIR",
          "RELEASEDIR",
          "FSYNCDIR",
          "CREATE",
          "FALLOCATE",
          "OTHER");

  private final Map<String, LongAdder> counts = new ConcurrentHashMap<>();

  RequestCounter() {
    NAMES.forEach(name -> counts.put(name, new LongAdder()));
  }

  void count(FuseRequest request) {
    counts.computeIfAbsent(name(request), _ -> new LongAdder()).increment();
  }

  Map<String, Long> counts() {
    Map<String, Long> result = new TreeMap<>();
    counts.forEach((name, count) -> result.put(name, count.sum()));
    return result;
  }

  private static String name(FuseRequest request) {
    return switch (request) {
      case FuseRequest.Lookup _ -> "LOOKUP";
      case FuseRequest.Forget _ -> "FORGET";
      case FuseRequest.GetAttr _ -> "GETATTR";
      case FuseRequest.SetAttr _ -> "SETATTR";
      case FuseRequest.ReadLink _ -> "READLINK";
      case FuseRequest.Symlink _ -> "SYMLINK";
      case FuseRequest.MkNod _ -> "MKNOD";
      case FuseRequest.MkDir _ -> "MKDIR";
      case FuseRequest.Unlink _ -> "UNLINK";
      case FuseRequest.RmDir _ -> "RMDIR";
      case FuseRequest.Rename _ -> "RENAME";
      case FuseRequest.Link _ -> "LINK";
      case FuseRequest.Open _ -> "OPEN";
      case FuseRequest.Create _ -> "CREATE";
      case FuseRequest.Read _ -> "READ";
      case FuseRequest.Write _ -> "WRITE";
      case FuseRequest.StatFs _ -> "STATFS";
      case FuseRequest.Flush _ -> "FLUSH";
      case FuseRequest.Release _ -> "RELEASE";
      case FuseRequest.FSync _ -> "FSYNC";
      case FuseRequest.SetXattr _ -> "SETXATTR";
      case FuseRequest.GetXattr _ -> "GETXATTR";
      case FuseRequest.ListXattr _ -> "LISTXATTR";
      case FuseRequest.RemoveXattr _ -> "REMOVEXATTR";
      case FuseRequest.OpenDir _ -> "OPENDIR";
      case FuseRequest.ReadDir _ -> "READDIR";
      case FuseRequest.ReleaseDir _ -> "RELEASEDIR";
      case FuseRequest.FSyncDir _ -> "FSYNCDIR";
      case FuseRequest.Fallocate _ -> "FALLOCATE";
      case FuseRequest.TmpFile _,
          FuseRequest.Access _,
          FuseRequest.LSeek _,
          FuseRequest.CopyFileRange _,
          FuseRequest.SyncFs _,
          FuseRequest.Unknown _ ->
          "OTHER";
    };
  }
}
