package io.tiermount.fs;

import io.tiermount.backends.os.Errno;
import io.tiermount.backends.os.ErrnoException;
import io.tiermount.fs.fuse.Attributes;
import io.tiermount.fs.fuse.FuseReply;
import io.tiermount.fs.fuse.FuseRequest;
import io.tiermount.fs.fuse.FuseRequest.SetAttr;
import io.tiermount.fs.fuse.Replier;
import io.tiermount.fs.tree.FileHandle;
import io.tiermount.fs.tree.Handles;
import io.tiermount.fs.tree.Node;
import io.tiermount.fs.tree.Nodes;
import io.tiermount.fs.volume.Changes;
import io.tiermount.fs.volume.Changes.NewAttributes;
import io.tiermount.fs.volume.Facts;
import io.tiermount.fs.volume.LocalFile;
import io.tiermount.fs.volume.Quota;
import io.tiermount.fs.volume.Resolution.Found;
import io.tiermount.fs.volume.Volume;
import io.tiermount.fs.write.DirtyFile;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Clock;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** WRITE, SETATTR, FALLOCATE. */
final class Writes {
  /** FUSE_WRITE_KILL_SUIDGID of include/uapi/linux/fuse.h. */
  private static final int KILL_SET_ID = 1 << 2;

  private static final int SET_UID = 04000;
  private static final int SET_GID = 02000;
  private static final int GROUP_EXECUTE = 010;
  private static final int KEEP_SIZE = 1;

  private final FileSystem fs;
  private final Volume volume;
  private final Nodes nodes;
  private final Handles handles;

  Writes(FileSystem fs, Volume volume, Nodes nodes, Handles handles) {
    this.fs = fs;
    this.volume = volume;
    this.nodes = nodes;
    this.handles = handles;
  }

  /** A file that is open for writing; null (and answered) where there is none. */
  private record Target(Changes changes, LocalFile file, DirtyFile data) {
    Quota.@Nullable Growth grow(long toBytes) throws ErrnoException {
      return changes.quota().grow(file, toBytes);
    }
  }

  private @Nullable Target target(long handleId, Replier replier) {
    FileHandle handle = handles.get(handleId);
    Changes changes = volume.changes();
    if (handle == null || changes == null || !handle.isWritable()) {
      replier.fail(changes == null ? Errno.EROFS : Errno.EBADF);
      return null;
    }
    LocalFile file = changes.local(handle.node());
    DirtyFile data = file == null ? null : file.content();
    if (file == null || data == null) {
      replier.fail(Errno.EIO);
      return null;
    }
    return new Target(changes, file, data);
  }

  void write(FuseRequest.Write request, Replier replier) throws IOException {
    Target target = target(request.handle(), replier);
    if (target == null) {
      return;
    }
    if ((request.writeFlags() & KILL_SET_ID) != 0) {
      killSetId(target.changes, target.file);
    }
    MemorySegment data = request.data();
    int size = (int) data.byteSize();
    long end = request.offsetBytes() + size;
    if (!target.data.writeWaits(request.offsetBytes(), size)) {
      try (Quota.Growth _ = target.grow(end)) {
        target.data.write(request.offsetBytes(), data);
        replier.reply(new FuseReply.Written(size));
        return;
      } catch (ErrnoException e) {
        if (e.errno() != Errno.ENOSPC) {
          throw e;
        }
      }
    }
    byte[] copy = data.toArray(ValueLayout.JAVA_BYTE);
    fs.later(
        replier,
        () -> {
          try (Quota.Growth _ = target.grow(end);
              Arena arena = Arena.ofConfined()) {
            MemorySegment bytes = arena.allocateFrom(ValueLayout.JAVA_BYTE, copy);
            writeWithRoom(target, request.offsetBytes(), bytes);
          }
          replier.reply(new FuseReply.Written(size));
        });
  }

  /** A full disk gives up what is only cached. */
  private static void writeWithRoom(Target target, long offsetBytes, MemorySegment data)
      throws IOException {
    try {
      target.data.write(offsetBytes, data);
    } catch (ErrnoException e) {
      if (e.errno() != Errno.ENOSPC || !target.changes.makeRoom(target.data, data.byteSize())) {
        throw e;
      }
      target.data.write(offsetBytes, data);
    }
  }

  void fallocate(FuseRequest.Fallocate request, Replier replier) throws IOException {
    Target target = target(request.handle(), replier);
    if (target == null) {
      return;
    }
    if ((request.mode() & ~KEEP_SIZE) != 0) {
      replier.fail(Errno.EOPNOTSUPP);
      return;
    }
    boolean grows = (request.mode() & KEEP_SIZE) == 0;
    try (Quota.Growth _ = target.grow(grows ? request.offsetBytes() + request.lengthBytes() : 0)) {
      target.data.reserve(request.mode(), request.offsetBytes(), request.lengthBytes());
    }
    replier.reply(FuseReply.DONE);
  }

  // ---- SETATTR

  void setAttr(SetAttr request, Replier replier) throws IOException {
    Node node = nodes.byKernelId(request.nodeId());
    Changes changes = volume.changes();
    if (node == null || changes == null) {
      replier.fail(node == null ? Errno.ESTALE : Errno.EROFS);
      return;
    }
    if (node.parent() == null) {
      // The mount's own directory is the configuration's.
      replier.fail(Errno.EPERM);
      return;
    }
    LocalFile local = changes.local(node);
    if (local != null && (request.valid() & SetAttr.SIZE) == 0) {
      change(node, changes, changes.facts(local), request, replier);
    } else {
      fs.later(replier, () -> change(node, changes, known(node), request, replier));
    }
  }

  /** What the node is, asked for where it is not known. */
  private Facts known(Node node) throws IOException {
    Node dir = node.parent();
    Facts facts = FileSystem.attached(node);
    if (dir != null && nodes.isCurrent(node)) {
      facts = volume.resolve(dir, node.name(), node) instanceof Found found ? found.facts() : null;
    }
    if (facts == null) {
      throw Opens.stale("changing attributes of " + node.path());
    }
    return volume.localized(node, facts);
  }

  private void change(Node node, Changes changes, Facts facts, SetAttr request, Replier replier)
      throws IOException {
    Facts now = facts;
    if ((request.valid() & SetAttr.SIZE) != 0) {
      now = truncate(node, changes, facts, request);
    }
    Attributes shown = volume.attributes(node, now);
    now = changes.setAttributes(node, now, shown, wanted(request, shown));
    replier.reply(new FuseReply.Attr(volume.attributes(node, now), volume.attrTtlNanos(now)));
  }

  private Facts truncate(Node node, Changes changes, Facts facts, SetAttr request)
      throws IOException {
    if (facts.directory()) {
      throw new ErrnoException("truncating " + node.path(), Errno.EISDIR);
    }
    boolean open = handles.isWritten(node);
    LocalFile file = changes.openForWriting(node, facts, request.sizeBytes() == 0);
    DirtyFile data = file.content();
    if (data == null) {
      throw Opens.stale("truncating " + node.path());
    }
    handles.becomeLocal(node, file.version(), data);
    boolean done = false;
    try (Quota.Growth _ = changes.quota().grow(file, request.sizeBytes())) {
      data.truncate(request.sizeBytes());
      done = true;
    } finally {
      if (!done && !open) {
        changes.released(file);
      }
    }
    changes.quota().settle(file);
    if (!open) {
      // truncate(2): done when it returns.
      changes.syncs().closed(file);
      changes.released(file);
    }
    return changes.local(node) == file ? changes.facts(file) : known(node);
  }

  private static NewAttributes wanted(SetAttr r, Attributes shown) {
    int valid = r.valid();
    long now = TimeUnit.MILLISECONDS.toNanos(Clock.systemUTC().millis());
    Integer mode = (valid & SetAttr.MODE) != 0 ? Integer.valueOf(r.mode() & 07777) : null;
    if ((valid & SetAttr.KILL_SUIDGID) != 0) {
      mode = withoutSetId(mode == null ? shown.mode() & 07777 : mode);
    }
    return new NewAttributes(
        mode,
        (valid & SetAttr.UID) != 0 ? Integer.valueOf(r.uid()) : null,
        (valid & SetAttr.GID) != 0 ? Integer.valueOf(r.gid()) : null,
        time(valid, SetAttr.ATIME, SetAttr.ATIME_NOW, r.atimeNanos(), now),
        time(valid, SetAttr.MTIME, SetAttr.MTIME_NOW, r.mtimeNanos(), now));
  }

  private static @Nullable Long time(int valid, int set, int setNow, long nanos, long now) {
    return (valid & setNow) != 0
        ? Long.valueOf(now)
        : (valid & set) != 0 ? Long.valueOf(nanos) : null;
  }

  private static int withoutSetId(int mode) {
    int kept = mode & ~SET_UID;
    return (kept & GROUP_EXECUTE) != 0 ? kept & ~SET_GID : kept;
  }

  private void killSetId(Changes changes, LocalFile file) throws IOException {
    Integer mode = file.mode();
    if (mode != null && withoutSetId(mode & 07777) != (mode & 07777)) {
      Facts facts = changes.facts(file);
      Facts _ =
          changes.setAttributes(
              file.node(),
              facts,
              volume.attributes(file.node(), facts),
              new NewAttributes(withoutSetId(mode & 07777), null, null, null, null));
    }
  }
}
