package io.tiermount.fs;

import io.tiermount.backends.StoreException;
import io.tiermount.backends.Version;
import io.tiermount.backends.os.Errno;
import io.tiermount.backends.os.ErrnoException;
import io.tiermount.fs.cache.CachedFile;
import io.tiermount.fs.fuse.Attributes;
import io.tiermount.fs.fuse.FuseHandler;
import io.tiermount.fs.fuse.FuseOptions;
import io.tiermount.fs.fuse.FuseReply;
import io.tiermount.fs.fuse.FuseRequest;
import io.tiermount.fs.fuse.KernelCache;
import io.tiermount.fs.fuse.Names;
import io.tiermount.fs.fuse.NodeEntry;
import io.tiermount.fs.fuse.Replier;
import io.tiermount.fs.tree.Handles;
import io.tiermount.fs.tree.Handles.Opened;
import io.tiermount.fs.tree.Node;
import io.tiermount.fs.tree.Nodes;
import io.tiermount.fs.volume.Facts;
import io.tiermount.fs.volume.Resolution;
import io.tiermount.fs.volume.Resolution.Found;
import io.tiermount.fs.volume.Resolution.Missing;
import io.tiermount.fs.volume.Volume;
import io.tiermount.fs.volume.VolumeOptions.Revalidate;
import java.io.IOException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One mounted volume: the one switch over the kernel's requests. What is at hand is answered on the
 * thread that delivered the request; what needs a store moves to a virtual thread, which
 * FUSE_INTERRUPT interrupts. The order of a request through the house: here, {@link Nodes} and
 * {@link Handles}, {@link Volume}, the cache, the store.
 */
public final class FileSystem implements FuseHandler {
  private static final Logger log = LoggerFactory.getLogger(FileSystem.class);

  /** Fetched whole when opened: a second request would cost more than the bytes. */
  private static final long FETCH_AT_OPEN_BYTES = 1 << 20;

  /**
   * Read and verified while an OPEN waits (tens of milliseconds); larger files in the background.
   */
  private static final long VERIFY_AT_OPEN_BYTES = 64 << 20;

  /** A size that no program takes for nearly full: 1 PiB in 4 KiB blocks. */
  private static final long STATFS_BLOCKS = 1L << 38;

  private static final long STATFS_FILES = 1L << 32;
  private static final int O_ACCMODE = 3;
  private static final int MAX_NAME_BYTES = 255;

  private final Volume volume;
  private final Nodes nodes;
  private final Handles handles;
  private final Directories directories;
  private final Reads reads;
  private final boolean opensSkipped;
  private final int blockBytes;
  private final String name;
  private volatile KernelNotifier kernel;

  /**
   * @param name of the mount, for messages
   * @param blockBytes the cache's block
   * @param open {@code SKIP} only over a transport that passes ENOSYS on to the kernel
   */
  public FileSystem(
      String name,
      Volume volume,
      Nodes nodes,
      Handles handles,
      int blockBytes,
      FuseOptions.Open open) {
    this.name = name;
    this.volume = volume;
    this.nodes = nodes;
    this.handles = handles;
    this.blockBytes = blockBytes;
    this.opensSkipped = open == FuseOptions.Open.SKIP;
    this.directories = new Directories(this, volume, nodes, handles);
    this.reads = new Reads(this, volume, nodes, handles, blockBytes);
    this.kernel = new KernelNotifier(new NoKernel(), name);
  }

  /** The mount is up: from here on passthrough and notices work. */
  public void mounted(KernelCache mountedKernel) {
    kernel = new KernelNotifier(mountedKernel, name);
  }

  @Override
  public void handle(FuseRequest request, Replier replier) {
    run(replier, () -> dispatch(request, replier));
  }

  @Override
  public void destroyed() {
    handles.closeAll(kernel.kernel());
    reads.close();
    kernel.close();
  }

  private void dispatch(FuseRequest request, Replier replier) throws IOException {
    switch (request) {
      case FuseRequest.Lookup r -> lookup(r, replier);
      case FuseRequest.Forget r -> nodes.forget(r.nodeId(), r.lookups());
      case FuseRequest.GetAttr r -> getAttr(r, replier);
      case FuseRequest.ReadLink r -> readLink(r, replier);
      case FuseRequest.Open r -> open(r, replier);
      case FuseRequest.Read r -> reads.read(r, replier);
      case FuseRequest.Release r -> {
        handles.release(r.handle(), kernel.kernel());
        replier.reply(FuseReply.DONE);
      }
      case FuseRequest.OpenDir r -> directories.open(r, replier);
      case FuseRequest.ReadDir r -> directories.read(r, replier);
      case FuseRequest.ReleaseDir r -> {
        directories.release(r.handle());
        replier.reply(FuseReply.DONE);
      }
      case FuseRequest.StatFs r -> statFs(replier);
      case FuseRequest.FSync r -> replier.reply(FuseReply.DONE);
      case FuseRequest.FSyncDir r -> replier.reply(FuseReply.DONE);
      case FuseRequest.SyncFs r -> replier.reply(FuseReply.DONE);
      case FuseRequest.Access r -> replier.reply(FuseReply.DONE);
      // Not implemented is remembered by the kernel, which then does without: no FLUSH at each
      // close, no GETXATTR at each stat of `ls -l`, SEEK_DATA and SEEK_HOLE by the file's size.
      case FuseRequest.Flush r -> replier.fail(Errno.ENOSYS);
      case FuseRequest.GetXattr r -> replier.fail(Errno.ENOSYS);
      case FuseRequest.ListXattr r -> replier.fail(Errno.ENOSYS);
      case FuseRequest.LSeek r -> replier.fail(Errno.ENOSYS);
      case FuseRequest.Unknown r -> replier.fail(Errno.ENOSYS);
      case FuseRequest.SetAttr r -> replier.fail(Errno.EROFS);
      case FuseRequest.Symlink r -> replier.fail(Errno.EROFS);
      case FuseRequest.MkNod r -> replier.fail(Errno.EROFS);
      case FuseRequest.MkDir r -> replier.fail(Errno.EROFS);
      case FuseRequest.Unlink r -> replier.fail(Errno.EROFS);
      case FuseRequest.RmDir r -> replier.fail(Errno.EROFS);
      case FuseRequest.Rename r -> replier.fail(Errno.EROFS);
      case FuseRequest.Link r -> replier.fail(Errno.EROFS);
      case FuseRequest.Create r -> replier.fail(Errno.EROFS);
      case FuseRequest.TmpFile r -> replier.fail(Errno.EROFS);
      case FuseRequest.Write r -> replier.fail(Errno.EROFS);
      case FuseRequest.SetXattr r -> replier.fail(Errno.EROFS);
      case FuseRequest.RemoveXattr r -> replier.fail(Errno.EROFS);
      case FuseRequest.Fallocate r -> replier.fail(Errno.EROFS);
      case FuseRequest.CopyFileRange r -> replier.fail(Errno.EROFS);
    }
  }

  /** Answers a request, or throws what becomes its errno. */
  interface Work {
    void run() throws IOException;
  }

  /** Does work on a virtual thread, which an interrupt of the request interrupts. */
  void later(Replier replier, Work work) {
    Thread thread = Thread.ofVirtual().unstarted(() -> answer(replier, work));
    replier.onInterrupt(thread::interrupt);
    thread.start();
  }

  /**
   * Whoever waits must not wait for ever because of our mistake: the transport's rule, here too.
   */
  private void answer(Replier replier, Work work) {
    try {
      run(replier, work);
    } catch (RuntimeException | Error e) {
      log.error("{}: a request failed; the caller gets EIO", name, e);
      try {
        replier.fail(Errno.EIO);
      } catch (IllegalStateException answered) {
        log.debug("{}: it had been answered before it failed", name, answered);
      }
    }
  }

  private void run(Replier replier, Work work) {
    try {
      work.run();
    } catch (StoreException e) {
      log.debug("{}: {}", name, e.getMessage());
      replier.fail(ErrnoMapping.errno(e.kind()));
    } catch (ErrnoException e) {
      log.warn("{}: {}", name, e.getMessage());
      replier.fail(Errno.EIO);
    } catch (IOException e) {
      log.warn("{}: {}", name, e.getMessage());
      replier.fail(Errno.EIO);
    }
  }

  private void lookup(FuseRequest.Lookup request, Replier replier) throws IOException {
    Node dir = nodes.byKernelId(request.nodeId());
    if (dir == null) {
      replier.fail(Errno.ESTALE);
      return;
    }
    if (request.name().length() > MAX_NAME_BYTES / 3
        && Names.encode(request.name()).length > MAX_NAME_BYTES) {
      // The kernel lets names of up to 1,024 bytes through.
      replier.fail(Errno.ENAMETOOLONG);
      return;
    }
    if (request.name().equals("..") || request.name().equals(".")) {
      // Only an NFS server exporting the mount asks for these.
      Node parent = dir.parent();
      Node node = request.name().equals(".") || parent == null ? dir : parent;
      entry(node, node == nodes.root() ? volume.rootFacts() : attached(node), replier);
      return;
    }
    Node known = nodes.child(dir, request.name());
    Resolution resolution = volume.peek(dir, request.name(), known);
    if (resolution != null) {
      entry(dir, request.name(), resolution, replier);
    } else {
      later(
          replier,
          () -> entry(dir, request.name(), volume.resolve(dir, request.name(), known), replier));
    }
  }

  private void entry(Node dir, String entryName, Resolution resolution, Replier replier)
      throws IOException {
    switch (resolution) {
      case Found found -> entry(node(dir, entryName, found), found.facts(), replier);
      case Missing missing -> {
        long ttl = volume.options().negativeTtl().toNanos();
        if (ttl > 0) {
          replier.reply(new FuseReply.Entry(new NodeEntry(0, 0, ttl, 0, NOTHING)));
        } else {
          replier.fail(Errno.ENOENT);
        }
      }
    }
  }

  private static final Attributes NOTHING = new Attributes(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

  private void entry(Node node, @Nullable Facts facts, Replier replier) throws IOException {
    if (facts == null) {
      replier.fail(Errno.ESTALE);
      return;
    }
    NodeEntry entry = entry(node, facts);
    nodes.remember(node);
    if (!replier.reply(new FuseReply.Entry(entry))) {
      nodes.forget(entry.nodeId(), 1);
    }
  }

  NodeEntry entry(Node node, Facts facts) {
    return new NodeEntry(
        nodes.kernelId(node),
        0,
        volume.entryTtlNanos(facts),
        volume.attrTtlNanos(facts),
        volume.attributes(node, facts));
  }

  /**
   * The node of a name that was just resolved; a new one where its inode is open on another
   * version.
   */
  Node node(Node dir, String entryName, Found found) throws IOException {
    Facts facts = found.facts();
    long ino = volume.ino(dir, found.segment(), facts.directory());
    return settle(nodes.childOrNew(dir, entryName, found.segment(), ino), facts);
  }

  /**
   * Notes what is known of a node. An inode that is open shows the version it is open on until its
   * last close; where the store has another by now, the name gets a new node.
   */
  private Node settle(Node node, Facts facts) throws IOException {
    Version open = handles.openVersion(node);
    if (open != null && !open.equals(facts.version())) {
      Node renewed = nodes.renew(node);
      renewed.attach(facts);
      return renewed;
    }
    Facts before = attached(node);
    node.attach(facts);
    if (opensSkipped && before != null && !before.sameObject(facts)) {
      // No open will drop the pages of the version before.
      kernel.invalidatePages(nodes.kernelId(node));
    }
    return node;
  }

  static @Nullable Facts attached(Node node) {
    return node.attachment() instanceof Facts facts ? facts : null;
  }

  private void getAttr(FuseRequest.GetAttr request, Replier replier) throws IOException {
    Node node = nodes.byKernelId(request.nodeId());
    if (node == null) {
      replier.fail(Errno.ESTALE);
      return;
    }
    Node dir = node.parent();
    if (dir == null) {
      attr(node, volume.rootFacts(), replier);
    } else if (!nodes.isCurrent(node)) {
      attr(node, attached(node), replier);
    } else {
      Resolution resolution = volume.peek(dir, node.name(), node);
      if (resolution != null) {
        attr(node, resolution, replier);
      } else {
        later(replier, () -> attr(node, volume.resolve(dir, node.name(), node), replier));
      }
    }
  }

  private void attr(Node node, Resolution resolution, Replier replier) throws IOException {
    switch (resolution) {
      case Found found -> {
        Node now = settle(node, found.facts());
        if (now != node) {
          replaced(node);
        }
        attr(node, attached(node), replier);
      }
      case Missing missing -> {
        // Deleted elsewhere: whoever has it open goes on reading it.
        if (handles.openVersion(node) != null) {
          attr(node, attached(node), replier);
        } else {
          replier.fail(Errno.ENOENT);
        }
      }
    }
  }

  /** The next one who asks for the name finds the new node. */
  private void replaced(Node node) {
    Node parent = node.parent();
    if (parent != null) {
      kernel.invalidateEntry(nodes.kernelId(parent), node.name());
    }
  }

  private void attr(Node node, @Nullable Facts facts, Replier replier) {
    if (facts == null) {
      replier.fail(Errno.ESTALE);
    } else {
      replier.reply(new FuseReply.Attr(volume.attributes(node, facts), volume.attrTtlNanos(facts)));
    }
  }

  private void readLink(FuseRequest.ReadLink request, Replier replier) throws IOException {
    Node node = nodes.byKernelId(request.nodeId());
    Node dir = node == null ? null : node.parent();
    if (node == null || dir == null) {
      replier.fail(node == null ? Errno.ESTALE : Errno.EINVAL);
      return;
    }
    later(
        replier,
        () -> {
          Facts facts = attached(node);
          if (facts == null && volume.resolve(dir, node.name(), node) instanceof Found found) {
            facts = found.facts();
          }
          if (facts == null) {
            replier.fail(Errno.ENOENT);
          } else if (!volume.attributes(node, facts).isSymlink()) {
            replier.fail(Errno.EINVAL);
          } else {
            replier.reply(new FuseReply.Bytes(volume.readLink(facts)));
          }
        });
  }

  private void open(FuseRequest.Open request, Replier replier) throws IOException {
    if (opensSkipped) {
      // The kernel remembers it: no OPEN, no RELEASE, and READs without a handle from here on.
      replier.fail(Errno.ENOSYS);
      return;
    }
    Node node = nodes.byKernelId(request.nodeId());
    Node dir = node == null ? null : node.parent();
    if (node == null || (dir != null && !nodes.isCurrent(node))) {
      replier.fail(Errno.ESTALE);
    } else if (dir == null) {
      replier.fail(Errno.EISDIR);
    } else if ((request.flags() & O_ACCMODE) != 0) {
      replier.fail(Errno.EROFS);
    } else {
      Resolution resolution =
          volume.options().revalidateOnOpen() == Revalidate.ALWAYS
              ? null
              : volume.peek(dir, node.name(), node);
      if (resolution != null) {
        open(node, resolution, 0, replier);
      } else {
        later(
            replier,
            () ->
                open(node, volume.resolve(dir, node.name(), node), VERIFY_AT_OPEN_BYTES, replier));
      }
    }
  }

  private void open(Node node, Resolution resolution, long verifyBytes, Replier replier)
      throws IOException {
    if (!(resolution instanceof Found found)) {
      replier.fail(Errno.ENOENT);
      return;
    }
    Facts facts = found.facts();
    if (facts.directory()) {
      replier.fail(Errno.EISDIR);
      return;
    }
    Facts told = attached(node);
    if (told == null || !versionOf(facts).equals(told.version())) {
      // The kernel has another version's size for this inode, and keeps it for attr_ttl: a read
      // would end there. It looks the name up again and opens the new node.
      nodes.renew(node).attach(facts);
      replier.fail(Errno.ESTALE);
      return;
    }
    if (settle(node, facts) != node) {
      replier.fail(Errno.ESTALE);
      return;
    }
    CachedFile file = volume.open(facts);
    boolean kept = false;
    try {
      Opened outcome =
          handles.open(
              node, versionOf(facts), file, blockBytes, verifyBytes, kernel.kernel(), replier);
      kept = outcome == Opened.DONE;
      switch (outcome) {
        case DONE -> {
          if (file.sizeBytes() <= FETCH_AT_OPEN_BYTES && !file.isWhole()) {
            file.prefetch(0, file.sizeBytes());
          }
        }
        case RENEW -> {
          nodes.renew(node).attach(facts);
          replier.fail(Errno.ESTALE);
        }
        case VERIFY -> later(replier, () -> open(node, resolution, VERIFY_AT_OPEN_BYTES, replier));
      }
    } finally {
      if (!kept) {
        file.close();
      }
    }
  }

  static Version versionOf(Facts facts) {
    Version version = facts.version();
    if (version == null) {
      throw new IllegalStateException("a file has a version");
    }
    return version;
  }

  private static void statFs(Replier replier) {
    replier.reply(
        new FuseReply.FsStats(
            STATFS_BLOCKS, STATFS_BLOCKS, STATFS_FILES, STATFS_FILES, 4096, MAX_NAME_BYTES));
  }
}
