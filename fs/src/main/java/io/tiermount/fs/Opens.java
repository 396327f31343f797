package io.tiermount.fs;

import io.tiermount.backends.Version;
import io.tiermount.backends.os.Errno;
import io.tiermount.backends.os.ErrnoException;
import io.tiermount.fs.cache.CachedFile;
import io.tiermount.fs.fuse.Attributes;
import io.tiermount.fs.fuse.FuseReply;
import io.tiermount.fs.fuse.FuseRequest;
import io.tiermount.fs.fuse.NodeEntry;
import io.tiermount.fs.fuse.Replier;
import io.tiermount.fs.tree.FileHandle;
import io.tiermount.fs.tree.Handles;
import io.tiermount.fs.tree.Handles.LocalOpen;
import io.tiermount.fs.tree.Handles.Opened;
import io.tiermount.fs.tree.Node;
import io.tiermount.fs.tree.Nodes;
import io.tiermount.fs.tree.OpenNote;
import io.tiermount.fs.tree.OpenTable;
import io.tiermount.fs.volume.Changes;
import io.tiermount.fs.volume.Facts;
import io.tiermount.fs.volume.LocalFile;
import io.tiermount.fs.volume.OpenFiles;
import io.tiermount.fs.volume.RequestNumber;
import io.tiermount.fs.volume.Resolution;
import io.tiermount.fs.volume.Resolution.Found;
import io.tiermount.fs.volume.Syncs;
import io.tiermount.fs.volume.Volume;
import io.tiermount.fs.volume.VolumeOptions.Revalidate;
import io.tiermount.fs.write.DirtyFile;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** OPEN and CREATE to RELEASE, and what makes what was written durable: FLUSH, FSYNC. */
final class Opens {
  /** Fetched whole when opened: a second request would cost more than the bytes. */
  private static final long FETCH_AT_OPEN_BYTES = 1 << 20;

  /**
   * Read and verified while an OPEN waits (tens of milliseconds); larger files in the background.
   */
  private static final long VERIFY_AT_OPEN_BYTES = 64 << 20;

  private static final int O_ACCMODE = 3;
  private static final int O_EXCL = 0200;
  private static final int O_TRUNC = 01000;
  private static final int SET_ID_BITS = 06000;

  private final FileSystem fs;
  private final Volume volume;
  private final Nodes nodes;
  private final Handles handles;
  private final int blockBytes;

  Opens(FileSystem fs, Volume volume, Nodes nodes, Handles handles, int blockBytes) {
    this.fs = fs;
    this.volume = volume;
    this.nodes = nodes;
    this.handles = handles;
    this.blockBytes = blockBytes;
  }

  // ---- OPEN

  void open(FuseRequest.Open request, Replier replier) throws IOException {
    if (fs.opensSkipped()) {
      // The kernel remembers it: no OPEN, no RELEASE, and READs without a handle from here on.
      replier.fail(Errno.ENOSYS);
      return;
    }
    if (replier.isResent()) {
      handles.unanswered(replier.unique(), fs.kernel().kernel());
    }
    Node node = nodes.byKernelId(request.nodeId());
    Node dir = node == null ? null : node.parent();
    boolean writing = (request.flags() & O_ACCMODE) != 0;
    if (node == null || (dir != null && !nodes.isCurrent(node) && !isLocal(node))) {
      replier.fail(Errno.ESTALE);
    } else if (dir == null) {
      replier.fail(Errno.EISDIR);
    } else if (writing && volume.changes() == null) {
      replier.fail(Errno.EROFS);
    } else {
      Changes changes = volume.changes();
      if (changes != null && changes.tellLost(dir, node.name())) {
        // Once, since its close had said that all was well (SEMANTICS).
        replier.fail(Errno.EBUSY);
        return;
      }
      Ask ask = new Ask(node, dir, request.flags(), replier);
      Resolution resolution =
          volume.options().revalidateOnOpen() == Revalidate.ALWAYS
              ? null
              : volume.peek(dir, node.name(), node);
      if (resolution != null && !(writing && needsTime(node, request.flags()))) {
        open(ask, resolution, 0);
      } else {
        fs.later(
            replier, () -> open(ask, volume.resolve(dir, node.name(), node), VERIFY_AT_OPEN_BYTES));
      }
    }
  }

  /** One open under way. */
  private record Ask(Node node, Node dir, int flags, Replier replier) {
    boolean writing() {
      return (flags & O_ACCMODE) != 0;
    }
  }

  private boolean isLocal(Node node) {
    Changes changes = volume.changes();
    LocalFile local = changes == null ? null : changes.local(node);
    return local != null && !local.isLost();
  }

  /** A file is taken over by its first writer, which may have to fetch and to verify it. */
  private boolean needsTime(Node node, int flags) {
    Changes changes = volume.changes();
    LocalFile local = changes == null ? null : changes.local(node);
    DirtyFile data = local == null ? null : local.content();
    return data == null || ((flags & O_TRUNC) != 0 && !data.isWhole());
  }

  private void open(Ask ask, Resolution resolution, long verifyBytes) throws IOException {
    if (!(resolution instanceof Found found)) {
      ask.replier.fail(Errno.ENOENT);
      return;
    }
    Facts facts = volume.localized(ask.node, found.facts());
    if (facts.directory()) {
      ask.replier.fail(Errno.EISDIR);
      return;
    }
    Changes changes = volume.changes();
    LocalFile local = changes == null ? null : changes.local(ask.node);
    boolean isLocal = local != null && local.content() != null && local.isVersion(facts.version());
    if (!isLocal && LocalFile.isLocal(FileSystem.versionOf(facts))) {
      // It was sent to the store in this very moment, and has a version there now.
      fs.later(ask.replier, () -> open(ask, volume.resolve(ask.dir, ask.node.name(), ask.node), 0));
      return;
    }
    if (!isLocal && isOutdated(ask.node, facts)) {
      // The kernel has another version's size for this inode, and keeps it for attr_ttl: a read
      // would end there. It looks the name up again and opens the new node.
      nodes.renew(ask.node).attach(facts);
      ask.replier.fail(Errno.ESTALE);
      return;
    }
    if (fs.settle(ask.node, facts).node() != ask.node) {
      ask.replier.fail(Errno.ESTALE);
      return;
    }
    if (changes != null && (ask.writing() || isLocal)) {
      openLocal(ask, changes, facts, local);
    } else {
      openCached(ask, resolution, facts, verifyBytes);
    }
  }

  private static boolean isOutdated(Node node, Facts facts) {
    Facts told = FileSystem.attached(node);
    return told == null || !FileSystem.versionOf(facts).equals(told.version());
  }

  private void openCached(Ask ask, Resolution resolution, Facts facts, long verifyBytes)
      throws IOException {
    CachedFile file = volume.open(facts);
    Version version = FileSystem.versionOf(facts);
    boolean kept = false;
    try {
      Opened outcome =
          handles.open(
              ask.node,
              version,
              file,
              blockBytes,
              verifyBytes,
              note(ask.replier, facts),
              fs.kernel().kernel(),
              ask.replier);
      kept = outcome == Opened.DONE;
      switch (outcome) {
        case DONE -> {
          if (file.sizeBytes() <= FETCH_AT_OPEN_BYTES && !file.isWhole()) {
            file.prefetch(0, file.sizeBytes());
          }
        }
        case RENEW -> renewOrRetry(ask, facts);
        case VERIFY -> fs.later(ask.replier, () -> open(ask, resolution, VERIFY_AT_OPEN_BYTES));
      }
    } finally {
      if (!kept) {
        file.close();
      }
    }
  }

  /** What a successor has to know of an open. */
  private OpenNote note(Replier replier, Facts facts) {
    return handles.table().keeps()
        ? new OpenNote(replier.unique(), facts.toBytes())
        : OpenNote.NONE;
  }

  private void renewOrRetry(Ask ask, Facts facts) throws IOException {
    if (isLocal(ask.node)) {
      // A writer came first: the file is his now, and this one reads it with him.
      fs.later(ask.replier, () -> open(ask, volume.resolve(ask.dir, ask.node.name(), ask.node), 0));
      return;
    }
    nodes.renew(ask.node).attach(facts);
    ask.replier.fail(Errno.ESTALE);
  }

  /** Opens what is written, or about to be written, on this node. */
  private void openLocal(Ask ask, Changes changes, Facts facts, @Nullable LocalFile known)
      throws IOException {
    boolean truncate = ask.writing() && (ask.flags & O_TRUNC) != 0;
    LocalFile file =
        ask.writing() || known == null ? changes.openForWriting(ask.node, facts, truncate) : known;
    Opened outcome =
        openLocal(
            ask.node,
            file,
            ask.writing(),
            note(ask.replier, facts),
            opened -> ask.replier.reply(new FuseReply.Opened(opened)));
    switch (outcome) {
      case DONE -> {}
      case VERIFY ->
          fs.later(
              ask.replier, () -> open(ask, volume.resolve(ask.dir, ask.node.name(), ask.node), 0));
      case RENEW -> {
        nodes.renew(ask.node).attach(facts);
        ask.replier.fail(Errno.ESTALE);
      }
    }
  }

  private Opened openLocal(
      Node node, LocalFile file, boolean writing, OpenNote note, Handles.Answer answer)
      throws IOException {
    Changes changes = volume.changes();
    DirtyFile data = file.content();
    if (changes == null || data == null) {
      return Opened.VERIFY;
    }
    Integer mode = file.mode();
    boolean setId = mode != null && (mode & SET_ID_BITS) != 0;
    boolean seen = data.isTracked() || changes.quota().isNear();
    boolean large = data.stat().sizeBytes() >= Handles.MIN_PASSTHROUGH_BYTES;
    LocalOpen open =
        new LocalOpen(
            data,
            file.version(),
            writing,
            writing ? !seen && !setId : large,
            seen,
            () -> changes.local(node) == file && file.content() == data);
    return handles.openLocal(node, open, blockBytes, note, fs.kernel().kernel(), answer);
  }

  // ---- CREATE

  void create(FuseRequest.Create request, Replier replier) throws IOException {
    Node dir = nodes.byKernelId(request.nodeId());
    Changes changes = volume.changes();
    if (dir == null || changes == null) {
      replier.fail(dir == null ? Errno.ESTALE : Errno.EROFS);
      return;
    }
    if ((request.flags() & O_EXCL) != 0 && changes.isRemote()) {
      fs.later(replier, () -> create(dir, changes, request, replier, true));
    } else {
      create(dir, changes, request, replier, false);
    }
  }

  private void create(
      Node dir, Changes changes, FuseRequest.Create request, Replier replier, boolean publish)
      throws IOException {
    int mode = Attributes.S_IFREG | (request.mode() & ~request.umask() & 07777);
    Changes.Birth birth =
        new Changes.Birth(mode, request.caller().uid(), request.caller().gid(), 0);
    long number = fs.number(replier);
    Node before = replier.isResent() ? changes.requests().changedBy(number) : null;
    LocalFile known = before == null ? null : changes.local(before);
    LocalFile file =
        known != null
            ? known
            : RequestNumber.carry(number, () -> changes.create(dir, request.name(), birth));
    Node node = file.node();
    nodes.remember(node);
    boolean told = false;
    boolean[] taken = {false};
    file.pin();
    if (replier.isResent()) {
      handles.unanswered(number, fs.kernel().kernel());
    }
    try {
      if (publish) {
        // A lock file: whoever makes it first in the store has it, on whatever node.
        changes.publishNew(file);
      }
      told =
          openLocal(
                  node,
                  file,
                  true,
                  note(replier, changes.facts(file)),
                  opened -> {
                    NodeEntry entry = fs.entry(node, changes.facts(file));
                    taken[0] = replier.reply(new FuseReply.Created(entry, opened));
                    return taken[0];
                  })
              == Opened.DONE;
    } finally {
      file.unpin();
      if (!told) {
        nodes.forget(nodes.kernelId(node), 1);
        changes.released(file);
      }
    }
    if (taken[0]) {
      changes.requests().answered(number);
    }
    if (!told) {
      replier.fail(Errno.ESTALE);
    }
  }

  // ---- FLUSH, FSYNC, RELEASE

  private interface Durable {
    void run(Syncs syncs, LocalFile file) throws IOException;
  }

  /** Answers after what was written through a descriptor is as durable as it has to be. */
  private void durable(long handleId, Replier replier, boolean waits, Durable how)
      throws IOException {
    FileHandle handle = handles.get(handleId);
    Changes changes = volume.changes();
    LocalFile file = handle == null || changes == null ? null : changes.local(handle.node());
    if (handle == null || changes == null || file == null) {
      replier.reply(FuseReply.DONE);
      return;
    }
    FileSystem.Work work =
        () -> {
          how.run(changes.syncs(), file);
          replier.reply(FuseReply.DONE);
        };
    if (waits) {
      fs.later(replier, work);
    } else {
      work.run();
    }
  }

  void flush(FuseRequest.Flush request, Replier replier) throws IOException {
    FileHandle handle = handles.get(request.handle());
    Changes changes = volume.changes();
    if (handle == null || !handle.isWritable() || changes == null) {
      replier.reply(FuseReply.DONE);
      return;
    }
    durable(request.handle(), replier, changes.closeWaits(), Syncs::closed);
  }

  void fsync(FuseRequest.FSync request, Replier replier) throws IOException {
    durable(request.handle(), replier, true, Syncs::synced);
  }

  void fsyncDir(FuseRequest.FSyncDir request, Replier replier) throws IOException {
    Node dir = nodes.byKernelId(request.nodeId());
    Changes changes = volume.changes();
    if (dir == null || changes == null) {
      replier.reply(FuseReply.DONE);
      return;
    }
    fs.later(
        replier,
        () -> {
          changes.syncs().directorySynced(dir);
          replier.reply(FuseReply.DONE);
        });
  }

  void syncFs(Replier replier) {
    Changes changes = volume.changes();
    if (changes == null) {
      replier.reply(FuseReply.DONE);
      return;
    }
    fs.later(
        replier,
        () -> {
          changes.syncs().allSynced();
          replier.reply(FuseReply.DONE);
        });
  }

  void release(FuseRequest.Release request, Replier replier) throws IOException {
    FileHandle handle = handles.get(request.handle());
    Node closed = handles.release(request.handle(), fs.kernel().kernel());
    replier.reply(FuseReply.DONE);
    Changes changes = volume.changes();
    LocalFile file =
        closed == null || handle == null || changes == null ? null : changes.local(closed);
    if (changes != null && file != null) {
      changes.released(file);
    }
  }

  // ---- Take-over

  /** Has everything open that an earlier process had; before the first request. */
  void restore(OpenTable.Open open) throws IOException {
    Node node = nodes.byKernelId(open.nodeId());
    Facts facts = Facts.ofBytes(open.facts());
    if (node == null || facts == null) {
      handles.lost(open);
      return;
    }
    Changes changes = volume.changes();
    LocalFile local = changes == null ? null : changes.local(node);
    DirtyFile data = local == null ? null : local.content();
    if (changes != null && local != null && data != null) {
      node.attach(changes.facts(local));
      handles.restore(open, node, local.version(), data.reader(), blockBytes);
      return;
    }
    if (open.writable()) {
      handles.lost(open);
      return;
    }
    String renewed = open.version();
    Facts now = renewed == null ? facts : facts.withVersion(new Version(renewed));
    node.attach(now);
    handles.restore(open, node, FileSystem.versionOf(now), volume.open(now), blockBytes);
  }

  /** What the write side asks of the open files. */
  OpenFiles openFiles() {
    return new OpenFiles() {
      @Override
      public boolean ifClosed(Node node, Exclusive action) throws IOException {
        return handles.ifClosed(node, action::run);
      }

      @Override
      public void reversion(Node node, Version before, Version now) {
        handles.reversion(node, before, now);
      }

      @Override
      public void renamedAway(Node dir, String name) {
        fs.kernel().invalidateEntry(nodes.kernelId(dir), name);
      }
    };
  }

  /** For a request on an inode nobody has open: what is missing, told as its errno. */
  static ErrnoException stale(String what) {
    return new ErrnoException(what, Errno.ESTALE);
  }
}
