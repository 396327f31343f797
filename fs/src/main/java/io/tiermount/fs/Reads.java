package io.tiermount.fs;

import io.tiermount.backends.os.Errno;
import io.tiermount.fs.cache.CachedFile;
import io.tiermount.fs.cache.ReadableFile;
import io.tiermount.fs.fuse.FuseReply;
import io.tiermount.fs.fuse.FuseRequest;
import io.tiermount.fs.fuse.Replier;
import io.tiermount.fs.tree.FileHandle;
import io.tiermount.fs.tree.Handles;
import io.tiermount.fs.tree.Node;
import io.tiermount.fs.tree.Nodes;
import io.tiermount.fs.volume.Facts;
import io.tiermount.fs.volume.Resolution.Found;
import io.tiermount.fs.volume.Volume;
import java.io.IOException;
import java.lang.foreign.MemorySegment;

/** READ: of an open file, or of a node where opens are skipped. */
final class Reads implements AutoCloseable {
  private final FileSystem fs;
  private final Volume volume;
  private final Nodes nodes;
  private final Handles handles;
  private final ImplicitOpens implicit = new ImplicitOpens();
  private final int blockBytes;

  Reads(FileSystem fs, Volume volume, Nodes nodes, Handles handles, int blockBytes) {
    this.fs = fs;
    this.volume = volume;
    this.nodes = nodes;
    this.handles = handles;
    this.blockBytes = blockBytes;
  }

  void read(FuseRequest.Read request, Replier replier) throws IOException {
    FileHandle handle = handles.get(request.handle());
    if (handle != null) {
      serve(handle, request, replier, () -> {});
    } else if (request.handle() == 0) {
      unopened(request, replier);
    } else {
      replier.fail(Errno.EBADF);
    }
  }

  /** {@code fuse.open = skip}: the file is opened by its first READ. */
  private void unopened(FuseRequest.Read request, Replier replier) throws IOException {
    Node node = nodes.byKernelId(request.nodeId());
    Node dir = node == null ? null : node.parent();
    if (node == null || dir == null) {
      replier.fail(Errno.ESTALE);
      return;
    }
    Facts facts = FileSystem.attached(node);
    if (facts != null) {
      unopened(node, facts, request, replier);
    } else {
      fs.later(
          replier,
          () -> {
            if (volume.resolve(dir, node.name(), node) instanceof Found found) {
              node.attach(found.facts());
              unopened(node, found.facts(), request, replier);
            } else {
              replier.fail(Errno.ESTALE);
            }
          });
    }
  }

  private void unopened(Node node, Facts facts, FuseRequest.Read request, Replier replier)
      throws IOException {
    if (facts.directory()) {
      replier.fail(Errno.EISDIR);
      return;
    }
    ImplicitOpens.Lease lease = implicit.acquire(node, facts, () -> opened(node, facts));
    serve(lease.handle(), request, replier, lease::close);
  }

  private FileHandle opened(Node node, Facts facts) throws IOException {
    CachedFile file = volume.open(facts);
    return new FileHandle(0, node, file, blockBytes, false);
  }

  /**
   * Answers from the cache on this thread, or fetches on a virtual one.
   *
   * @param done runs once the handle is no longer used
   */
  private void serve(FileHandle handle, FuseRequest.Read request, Replier replier, Runnable done) {
    FileHandle.Source source = handle.source();
    ReadableFile file = source.file();
    long offset = request.offsetBytes();
    int size = (int) Math.min(request.sizeBytes(), Math.max(0, file.sizeBytes() - offset));
    if (size == 0) {
      done.run();
      replier.reply(new FuseReply.Payload(0));
      return;
    }
    boolean random = source.readAhead().read(offset, size);
    // A miss takes no buffer along: it takes one of the pool when its bytes are on the way.
    if (file.isCached(offset, size) && file.readCached(offset, payload(replier, size))) {
      done.run();
      replier.reply(new FuseReply.Payload(size));
      return;
    }
    fs.later(
        replier,
        () -> {
          try {
            file.read(offset, payload(replier, size), random);
          } finally {
            done.run();
          }
          replier.reply(new FuseReply.Payload(size));
        });
  }

  private static MemorySegment payload(Replier replier, int size) {
    return replier.payload(size).asSlice(0, size);
  }

  @Override
  public void close() {
    implicit.close();
  }
}
