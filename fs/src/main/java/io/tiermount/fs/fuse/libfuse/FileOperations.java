package io.tiermount.fs.fuse.libfuse;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.tiermount.backends.os.Errno;
import io.tiermount.fs.fuse.Caller;
import io.tiermount.fs.fuse.FuseReply;
import io.tiermount.fs.fuse.FuseReply.OpenFile;
import io.tiermount.fs.fuse.FuseRequest;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicLong;

/**
 * libfuse's operations on open files and directories. Each returns at least 0; arguments as in
 * fuse.h. The path is not looked at: an open file may have lost its name.
 */
final class FileOperations {
  // struct fuse_file_info (fuse_common.h of 2.9): flags@0, bits@20, fh@24, lock_owner@32.
  private static final int INFO_BYTES = 40;
  private static final int FLAGS = 0;
  private static final int BITS = 20;
  private static final int HANDLE = 24;
  private static final int LOCK_OWNER = 32;
  private static final int BIT_DIRECT_IO = 1;
  private static final int BIT_KEEP_CACHE = 1 << 1;
  private static final int BIT_NONSEEKABLE = 1 << 3;

  /** An open file or directory; its node is held while it is open. */
  private record Opened(PathNodes.Held node, long handle) {}

  private final PathRequests requests;
  private final PathNodes nodes;
  private final ConcurrentMap<Long, Opened> open = new ConcurrentHashMap<>();
  private final AtomicLong lastHandle = new AtomicLong();

  FileOperations(PathRequests requests, PathNodes nodes) {
    this.requests = requests;
    this.nodes = nodes;
  }

  private static MemorySegment info(long address) {
    return NativeFuse.memory(address, INFO_BYTES);
  }

  private Opened opened(long info) throws FuseFailure {
    Opened opened = open.get(info(info).get(JAVA_LONG, HANDLE));
    if (opened == null) {
      throw new FuseFailure(Errno.EBADF);
    }
    return opened;
  }

  private void register(PathNodes.Held node, OpenFile file, long info) {
    long handle = lastHandle.incrementAndGet();
    open.put(handle, new Opened(node, file.handle()));
    MemorySegment target = info(info);
    int bits = target.get(JAVA_INT, BITS);
    bits |= (file.flags() & OpenFile.DIRECT_IO) != 0 ? BIT_DIRECT_IO : 0;
    bits |= (file.flags() & OpenFile.KEEP_CACHE) != 0 ? BIT_KEEP_CACHE : 0;
    bits |= (file.flags() & OpenFile.NONSEEKABLE) != 0 ? BIT_NONSEEKABLE : 0;
    target.set(JAVA_INT, BITS, bits);
    target.set(JAVA_LONG, HANDLE, handle);
  }

  int open(long path, long info) throws FuseFailure {
    int flags = info(info).get(JAVA_INT, FLAGS);
    return open(path, info, (node, caller) -> new FuseRequest.Open(node, caller, flags));
  }

  int opendir(long path, long info) throws FuseFailure {
    int flags = info(info).get(JAVA_INT, FLAGS);
    return open(path, info, (node, caller) -> new FuseRequest.OpenDir(node, caller, flags));
  }

  private interface Opening {
    FuseRequest request(long node, Caller caller);
  }

  private int open(long path, long info, Opening opening) throws FuseFailure {
    Caller caller = requests.caller();
    PathNodes.Held node = nodes.resolve(NativeFuse.string(path), caller);
    boolean registered = false;
    try {
      FuseReply.Opened reply =
          requests.ask(FuseReply.Opened.class, opening.request(node.id(), caller));
      register(node, reply.file(), info);
      registered = true;
      return 0;
    } finally {
      if (!registered) {
        node.close();
      }
    }
  }

  int create(long path, int mode, long info) throws FuseFailure {
    Caller caller = requests.caller();
    String text = NativeFuse.string(path);
    String name = PathNodes.name(text);
    int flags = info(info).get(JAVA_INT, FLAGS);
    try (PathNodes.Held parent = nodes.parent(text, caller)) {
      FuseReply.Created created =
          requests.ask(
              FuseReply.Created.class,
              new FuseRequest.Create(parent.id(), caller, name, flags, mode, requests.umask()));
      register(nodes.adopt(parent.id(), name, created.entry()), created.file(), info);
      return 0;
    }
  }

  int read(long buffer, long size, long offset, long info) throws FuseFailure {
    Opened file = opened(info);
    int flags = info(info).get(JAVA_INT, FLAGS);
    try (Exchange exchange = requests.exchange()) {
      int filled =
          requests
              .ask(
                  exchange,
                  FuseReply.Payload.class,
                  new FuseRequest.Read(
                      file.node.id(), requests.caller(), file.handle, offset, (int) size, flags))
              .sizeBytes();
      MemorySegment.copy(
          exchange.payload((int) size), 0, NativeFuse.memory(buffer, size), 0, filled);
      return filled;
    }
  }

  int write(long buffer, long size, long offset, long info) throws FuseFailure {
    Opened file = opened(info);
    int flags = info(info).get(JAVA_INT, FLAGS);
    return requests
        .ask(
            FuseReply.Written.class,
            new FuseRequest.Write(
                file.node.id(),
                requests.caller(),
                file.handle,
                offset,
                NativeFuse.memory(buffer, size),
                0,
                flags))
        .sizeBytes();
  }

  int fgetattr(long stat, long info) throws FuseFailure {
    Opened file = opened(info);
    FuseReply.Attr attr =
        requests.ask(
            FuseReply.Attr.class,
            new FuseRequest.GetAttr(file.node.id(), requests.caller(), file.handle));
    StatLayout.write(NativeFuse.memory(stat, StatLayout.SIZE_BYTES), attr.attributes());
    return 0;
  }

  int ftruncate(long size, long info) throws FuseFailure {
    Opened file = opened(info);
    requests.ask(
        FuseReply.Attr.class,
        new FuseRequest.SetAttr(
            file.node.id(),
            requests.caller(),
            FuseRequest.SetAttr.SIZE | FuseRequest.SetAttr.HANDLE,
            file.handle,
            size,
            0,
            0,
            0,
            0,
            0,
            0));
    return 0;
  }

  int flush(long info) throws FuseFailure {
    Opened file = opened(info);
    long owner = info(info).get(JAVA_LONG, LOCK_OWNER);
    requests.ask(
        FuseReply.Done.class,
        new FuseRequest.Flush(file.node.id(), requests.caller(), file.handle, owner));
    return 0;
  }

  int fsync(boolean dataOnly, long info) throws FuseFailure {
    Opened file = opened(info);
    requests.ask(
        FuseReply.Done.class,
        new FuseRequest.FSync(file.node.id(), requests.caller(), file.handle, dataOnly));
    return 0;
  }

  int fsyncdir(boolean dataOnly, long info) throws FuseFailure {
    Opened directory = opened(info);
    requests.ask(
        FuseReply.Done.class,
        new FuseRequest.FSyncDir(
            directory.node.id(), requests.caller(), directory.handle, dataOnly));
    return 0;
  }

  int fallocate(int mode, long offset, long length, long info) throws FuseFailure {
    Opened file = opened(info);
    requests.ask(
        FuseReply.Done.class,
        new FuseRequest.Fallocate(
            file.node.id(), requests.caller(), file.handle, offset, length, mode));
    return 0;
  }

  int readdir(long buffer, long filler, long offset, long info) throws FuseFailure {
    Opened directory = opened(info);
    try (Exchange exchange = requests.exchange(filler, buffer)) {
      requests.ask(
          exchange,
          FuseReply.Payload.class,
          // The filler knows how much fits; the size is only what a plan may be made by.
          new FuseRequest.ReadDir(
              directory.node.id(),
              requests.caller(),
              directory.handle,
              offset,
              PayloadPool.BUFFER_BYTES,
              false));
      return 0;
    }
  }

  int release(long info) throws FuseFailure {
    int flags = info(info).get(JAVA_INT, FLAGS);
    return release(
        info,
        (file, caller) -> new FuseRequest.Release(file.node.id(), caller, file.handle, flags));
  }

  int releasedir(long info) throws FuseFailure {
    return release(
        info, (file, caller) -> new FuseRequest.ReleaseDir(file.node.id(), caller, file.handle));
  }

  private interface Releasing {
    FuseRequest request(Opened file, Caller caller);
  }

  private int release(long info, Releasing releasing) throws FuseFailure {
    Opened file = open.remove(info(info).get(JAVA_LONG, HANDLE));
    if (file == null) {
      throw new FuseFailure(Errno.EBADF);
    }
    try (PathNodes.Held _ = file.node) {
      requests.ask(FuseReply.Done.class, releasing.request(file, requests.caller()));
      return 0;
    }
  }
}
