package io.tiermount.fs;

import io.tiermount.backends.StoreException;
import io.tiermount.backends.Version;
import io.tiermount.backends.os.Errno;
import io.tiermount.backends.os.ErrnoException;
import io.tiermount.fs.fuse.Attributes;
import io.tiermount.fs.fuse.FuseHandler;
import io.tiermount.fs.fuse.FuseOptions;
import io.tiermount.fs.fuse.FuseReply;
import io.tiermount.fs.fuse.FuseRequest;
import io.tiermount.fs.fuse.KernelCache;
import io.tiermount.fs.fuse.Names;
import io.tiermount.fs.fuse.NodeEntry;
import io.tiermount.fs.fuse.Replier;
import io.tiermount.fs.scope.AccessPolicy;
import io.tiermount.fs.tree.Handles;
import io.tiermount.fs.tree.Node;
import io.tiermount.fs.tree.Nodes;
import io.tiermount.fs.volume.Changes;
import io.tiermount.fs.volume.Facts;
import io.tiermount.fs.volume.LocalFile;
import io.tiermount.fs.volume.Quota;
import io.tiermount.fs.volume.Resolution;
import io.tiermount.fs.volume.Resolution.Found;
import io.tiermount.fs.volume.Resolution.Missing;
import io.tiermount.fs.volume.Volume;
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

  /** A size that no program takes for nearly full: 1 PiB in 4 KiB blocks. */
  private static final long STATFS_BLOCKS = 1L << 38;

  private static final long STATFS_FILES = 1L << 32;
  private static final int STATFS_BLOCK_BYTES = 4096;
  private static final int MAX_NAME_BYTES = 255;
  private static final String ACL_ACCESS = "system.posix_acl_access";

  private final Volume volume;
  private final Nodes nodes;
  private final Handles handles;
  private final Directories directories;
  private final Reads reads;
  private final Opens opens;
  private final Writes writes;
  private final NameRequests naming;
  private final Gate gate;
  private final byte @Nullable [] rootAcl;
  private final boolean opensSkipped;
  private final String name;
  private volatile KernelNotifier kernel;

  /**
   * @param name of the mount, for messages
   * @param blockBytes the cache's block
   * @param open {@code SKIP} only over a transport that passes ENOSYS on to the kernel
   * @param policy who may use the mount
   * @param rootAcl the root's {@code system.posix_acl_access}; null where the kernel is not to ask
   */
  public FileSystem(
      String name,
      Volume volume,
      Nodes nodes,
      Handles handles,
      int blockBytes,
      FuseOptions.Open open,
      AccessPolicy policy,
      byte @Nullable [] rootAcl) {
    this.name = name;
    this.gate = new Gate(policy, volume, nodes);
    this.rootAcl = rootAcl == null ? null : rootAcl.clone();
    this.volume = volume;
    this.nodes = nodes;
    this.handles = handles;
    this.opensSkipped = open == FuseOptions.Open.SKIP;
    this.directories = new Directories(this, volume, nodes, handles);
    this.reads = new Reads(this, volume, nodes, handles, blockBytes);
    this.opens = new Opens(this, volume, nodes, handles, blockBytes);
    this.writes = new Writes(this, volume, nodes, handles);
    this.naming = new NameRequests(this, volume, nodes);
    this.kernel = new KernelNotifier(new NoKernel(), name);
  }

  /** From here on passthrough and notices work. */
  @Override
  public void connected(KernelCache connected) {
    kernel = new KernelNotifier(connected, name);
    handles.closeLeftovers(connected);
  }

  /** The mount is up. */
  public void mounted() {
    volume.mounted(opens.openFiles());
  }

  /**
   * Has open what an earlier process had; before the transport resumes the mount. What can't be had
   * any more is logged, and whoever uses it gets EBADF.
   */
  public void restore() {
    TakeOver.run(name, handles, opens, directories);
  }

  KernelNotifier kernel() {
    return kernel;
  }

  /** What changes of a request are journalled under; 0 where nobody is to follow. */
  long number(Replier replier) {
    return handles.table().keeps() ? replier.unique() : 0;
  }

  boolean opensSkipped() {
    return opensSkipped;
  }

  @Override
  public void handle(FuseRequest request, Replier replier) {
    run(
        replier,
        () -> {
          int refusal = gate.refusal(request);
          if (refusal == 0) {
            dispatch(request, replier);
          } else {
            replier.fail(refusal);
          }
        });
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
      case FuseRequest.Open r -> opens.open(r, replier);
      case FuseRequest.Read r -> reads.read(r, replier);
      case FuseRequest.Release r -> opens.release(r, replier);
      case FuseRequest.OpenDir r -> directories.open(r, replier);
      case FuseRequest.ReadDir r -> directories.read(r, replier);
      case FuseRequest.ReleaseDir r -> {
        directories.release(r.handle());
        replier.reply(FuseReply.DONE);
      }
      case FuseRequest.StatFs r -> statFs(replier);
      case FuseRequest.Create r -> opens.create(r, replier);
      case FuseRequest.Flush r -> opens.flush(r, replier);
      case FuseRequest.FSync r -> opens.fsync(r, replier);
      case FuseRequest.FSyncDir r -> opens.fsyncDir(r, replier);
      case FuseRequest.SyncFs r -> opens.syncFs(replier);
      case FuseRequest.Write r -> writes.write(r, replier);
      case FuseRequest.SetAttr r -> writes.setAttr(r, replier);
      case FuseRequest.Fallocate r -> writes.fallocate(r, replier);
      case FuseRequest.MkDir r -> naming.mkDir(r, replier);
      case FuseRequest.MkNod r -> naming.mkNod(r, replier);
      case FuseRequest.Symlink r -> naming.symlink(r, replier);
      case FuseRequest.Unlink r -> naming.unlink(r, replier);
      case FuseRequest.RmDir r -> naming.rmDir(r, replier);
      case FuseRequest.Rename r -> naming.rename(r, replier);
      case FuseRequest.Access r -> replier.reply(FuseReply.DONE);
      // One name for one object; copies of it would be files of their own.
      case FuseRequest.Link r -> replier.fail(readOnly(Errno.EPERM));
      // Not implemented is remembered by the kernel, which then does without: no GETXATTR at each
      // stat of `ls -l`, SEEK_DATA and SEEK_HOLE by the file's size, copies by read and write.
      case FuseRequest.GetXattr r -> getXattr(r, replier);
      case FuseRequest.ListXattr r -> replier.fail(Errno.ENOSYS);
      case FuseRequest.LSeek r -> replier.fail(Errno.ENOSYS);
      case FuseRequest.Unknown r -> replier.fail(Errno.ENOSYS);
      case FuseRequest.TmpFile r -> replier.fail(readOnly(Errno.ENOSYS));
      case FuseRequest.SetXattr r -> replier.fail(readOnly(Errno.ENOSYS));
      case FuseRequest.RemoveXattr r -> replier.fail(readOnly(Errno.ENOSYS));
      case FuseRequest.CopyFileRange r -> replier.fail(readOnly(Errno.ENOSYS));
    }
  }

  /**
   * Where the root has an ACL, nothing may be answered ENOSYS: the kernel would ask for that no
   * more either, and let everybody in.
   */
  private void getXattr(FuseRequest.GetXattr request, Replier replier) throws IOException {
    byte[] acl = rootAcl;
    if (acl == null) {
      replier.fail(Errno.ENOSYS);
    } else if (nodes.byKernelId(request.nodeId()) != nodes.root()
        || !request.name().equals(ACL_ACCESS)) {
      replier.fail(Errno.ENODATA);
    } else if (request.sizeBytes() == 0) {
      replier.reply(new FuseReply.XattrSize(acl.length));
    } else if (request.sizeBytes() < acl.length) {
      replier.fail(Errno.ERANGE);
    } else {
      replier.reply(new FuseReply.Bytes(acl.clone()));
    }
  }

  private int readOnly(int otherwise) {
    return volume.changes() == null ? Errno.EROFS : otherwise;
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
      log.debug("{}: {}", name, e.getMessage());
      replier.fail(e.errno());
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
      case Found found -> {
        Placed placed = place(dir, entryName, found);
        entry(placed.node(), placed.facts(), replier);
      }
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
  Placed place(Node dir, String entryName, Found found) throws IOException {
    Facts facts = found.facts();
    long ino = volume.ino(dir, found.segment(), facts.directory());
    return settle(nodes.childOrNew(dir, entryName, found.segment(), ino), facts);
  }

  /** A node and what it is now. */
  record Placed(Node node, Facts facts) {}

  /**
   * Notes what is known of a node. An inode that is open shows the version it is open on until its
   * last close; where the store has another by now, the name gets a new node.
   */
  Placed settle(Node node, Facts told) throws IOException {
    Facts before = attached(node);
    Facts facts = volume.localized(node, newer(before, told));
    Version open = handles.openVersion(node);
    if (open != null && !open.equals(facts.version()) && !isSameFile(node, open, facts)) {
      Node renewed = nodes.renew(node);
      renewed.attach(facts);
      return new Placed(renewed, facts);
    }
    node.attach(facts);
    Changes changes = volume.changes();
    if (changes != null && changes.isOver(node, facts)) {
      node.attach(null);
    }
    if (opensSkipped && before != null && !before.sameObject(facts)) {
      // No open will drop the pages of the version before.
      kernel.invalidatePages(nodes.kernelId(node));
    }
    return new Placed(node, facts);
  }

  /** An answer to an older question says nothing against what was known when it came. */
  private static Facts newer(@Nullable Facts before, Facts told) {
    return before != null && before.seenAtMillis() > told.seenAtMillis() ? before : told;
  }

  /** A file that is just being taken over by a writer is both what it was and what it becomes. */
  private boolean isSameFile(Node node, Version open, Facts facts) {
    Changes changes = volume.changes();
    LocalFile local = changes == null ? null : changes.local(node);
    return local != null && local.isVersion(open) && local.isVersion(facts.version());
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
      Facts last = attached(node);
      attr(node, last == null ? null : volume.localized(node, last), replier);
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
        Node now = settle(node, found.facts()).node();
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
            replier.reply(new FuseReply.Bytes(volume.readLink(node, facts)));
          }
        });
  }

  static Version versionOf(Facts facts) {
    Version version = facts.version();
    if (version == null) {
      throw new IllegalStateException("a file has a version");
    }
    return version;
  }

  private void statFs(Replier replier) {
    Changes changes = volume.changes();
    long blocks = STATFS_BLOCKS;
    long freeBlocks = STATFS_BLOCKS;
    long files = STATFS_FILES;
    long freeFiles = STATFS_FILES;
    if (changes != null && changes.quota().isLimited()) {
      Quota.Report quota = changes.quota().report();
      long maxBytes = quota.limits().maxBytes();
      if (maxBytes != Long.MAX_VALUE) {
        blocks = maxBytes / STATFS_BLOCK_BYTES;
        freeBlocks = Math.max(0, maxBytes - quota.used().bytes()) / STATFS_BLOCK_BYTES;
      }
      if (quota.limits().maxObjects() != Long.MAX_VALUE) {
        files = quota.limits().maxObjects();
        freeFiles = Math.max(0, files - quota.used().objects());
      }
    }
    replier.reply(
        new FuseReply.FsStats(
            blocks, freeBlocks, files, freeFiles, STATFS_BLOCK_BYTES, MAX_NAME_BYTES));
  }
}
