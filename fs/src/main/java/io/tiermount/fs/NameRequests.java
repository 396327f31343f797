package io.tiermount.fs;

import io.tiermount.backends.os.Errno;
import io.tiermount.fs.fuse.Attributes;
import io.tiermount.fs.fuse.Caller;
import io.tiermount.fs.fuse.FuseReply;
import io.tiermount.fs.fuse.FuseRequest;
import io.tiermount.fs.fuse.Names;
import io.tiermount.fs.fuse.NodeEntry;
import io.tiermount.fs.fuse.Replier;
import io.tiermount.fs.tree.Node;
import io.tiermount.fs.tree.Nodes;
import io.tiermount.fs.volume.Changes;
import io.tiermount.fs.volume.Changes.Birth;
import io.tiermount.fs.volume.Facts;
import io.tiermount.fs.volume.LocalFile;
import io.tiermount.fs.volume.Renames;
import io.tiermount.fs.volume.RequestNumber;
import io.tiermount.fs.volume.Resolution;
import io.tiermount.fs.volume.Resolution.Found;
import io.tiermount.fs.volume.Volume;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** Requests that make, move and remove names. */
final class NameRequests {
  private static final int NO_REPLACE = 1;
  private static final int MAX_NAME_BYTES = 255;
  private static final int LINK_MODE = 0777;

  private final FileSystem fs;
  private final Volume volume;
  private final Nodes nodes;

  NameRequests(FileSystem fs, Volume volume, Nodes nodes) {
    this.fs = fs;
    this.volume = volume;
    this.nodes = nodes;
  }

  private interface Making {
    LocalFile make(Changes changes, Node dir) throws IOException;
  }

  void mkDir(FuseRequest.MkDir r, Replier replier) throws IOException {
    int mode = Attributes.S_IFDIR | (r.mode() & ~r.umask() & 07777);
    make(
        r.nodeId(),
        r.name(),
        replier,
        (changes, dir) -> changes.mkdir(dir, r.name(), birth(mode, r.caller(), 0)));
  }

  void mkNod(FuseRequest.MkNod r, Replier replier) throws IOException {
    int mode = (r.mode() & Attributes.S_IFMT) | (r.mode() & ~r.umask() & 07777);
    make(
        r.nodeId(),
        r.name(),
        replier,
        (changes, dir) -> {
          LocalFile file = changes.create(dir, r.name(), birth(mode, r.caller(), r.rdev()));
          changes.finished(file);
          return file;
        });
  }

  void symlink(FuseRequest.Symlink r, Replier replier) throws IOException {
    make(
        r.nodeId(),
        r.name(),
        replier,
        (changes, dir) -> {
          Birth birth = birth(Attributes.S_IFLNK | LINK_MODE, r.caller(), 0);
          LocalFile file = changes.symlink(dir, r.name(), birth, Names.encode(r.target()));
          changes.finished(file);
          return file;
        });
  }

  private static Birth birth(int mode, Caller caller, int rdev) {
    return new Birth(mode, caller.uid(), caller.gid(), rdev);
  }

  private void make(long dirId, String name, Replier replier, Making making) throws IOException {
    Node dir = nodes.byKernelId(dirId);
    Changes changes = volume.changes();
    if (dir == null || changes == null) {
      replier.fail(dir == null ? Errno.ESTALE : Errno.EROFS);
    } else if (Names.encode(name).length > MAX_NAME_BYTES) {
      replier.fail(Errno.ENAMETOOLONG);
    } else if (changes.isRemote() || replier.isResent()) {
      fs.later(replier, () -> made(changes, dir, name, replier, making));
    } else {
      made(changes, dir, name, replier, making);
    }
  }

  private void made(Changes changes, Node dir, String name, Replier replier, Making making)
      throws IOException {
    long number = fs.number(replier);
    LocalFile known = null;
    if (replier.isResent()) {
      Node before = changes.requests().changedBy(number);
      Renames.Named there = before == null ? null : named(dir, name);
      known = before == null ? null : changes.local(before);
      if (known == null && there != null) {
        // The store has it by now.
        entry(fs.entry(there.node(), there.facts()), there.node(), replier);
        return;
      }
    }
    LocalFile file =
        known != null ? known : RequestNumber.carry(number, () -> making.make(changes, dir));
    Node node = file.node();
    NodeEntry entry;
    // Nobody has it open, so that it would become one of the store's in the middle of the answer.
    file.pin();
    try {
      changes.promised(file);
      Facts facts = FileSystem.attached(node);
      entry =
          fs.entry(
              node, facts == null || changes.local(node) != null ? changes.facts(file) : facts);
    } finally {
      file.unpin();
    }
    if (entry(entry, node, replier)) {
      changes.requests().answered(number);
    }
  }

  private boolean entry(NodeEntry entry, Node node, Replier replier) throws IOException {
    nodes.remember(node);
    boolean taken = replier.reply(new FuseReply.Entry(entry));
    if (!taken) {
      nodes.forget(entry.nodeId(), 1);
    }
    return taken;
  }

  /** What a name stands for, asked for where it is not known; null for nothing. */
  private Renames.@Nullable Named named(Node dir, String name) throws IOException {
    Node known = nodes.child(dir, name);
    Resolution resolution = volume.peek(dir, name, known);
    if (resolution == null) {
      resolution = volume.resolve(dir, name, known);
    }
    if (!(resolution instanceof Found found)) {
      return null;
    }
    FileSystem.Placed placed = fs.place(dir, name, found);
    return new Renames.Named(placed.node(), placed.facts());
  }

  void unlink(FuseRequest.Unlink r, Replier replier) throws IOException {
    remove(r.nodeId(), r.name(), false, replier);
  }

  void rmDir(FuseRequest.RmDir r, Replier replier) throws IOException {
    remove(r.nodeId(), r.name(), true, replier);
  }

  private void remove(long dirId, String name, boolean directory, Replier replier)
      throws IOException {
    Node dir = nodes.byKernelId(dirId);
    Changes changes = volume.changes();
    if (dir == null || changes == null) {
      replier.fail(dir == null ? Errno.ESTALE : Errno.EROFS);
      return;
    }
    long number = fs.number(replier);
    FileSystem.Work work =
        () -> {
          if (replier.isResent() && changes.requests().changedBy(number) != null) {
            changes.requests().promised(dir, name);
            replier.reply(FuseReply.DONE);
            return;
          }
          Renames.Named named = named(dir, name);
          if (named == null) {
            replier.fail(Errno.ENOENT);
          } else if (named.facts().directory() != directory) {
            replier.fail(directory ? Errno.ENOTDIR : Errno.EISDIR);
          } else if (directory && !volume.isEmpty(named.node())) {
            replier.fail(Errno.ENOTEMPTY);
          } else {
            Renames.Named there = named;
            RequestNumber.carry(
                number,
                () -> {
                  changes.remove(there.node(), there.facts());
                  return true;
                });
            if (replier.reply(FuseReply.DONE)) {
              changes.requests().answered(number);
            }
          }
        };
    Node known = nodes.child(dir, name);
    if (!directory
        && !replier.isResent()
        && !changes.isRemote()
        && volume.peek(dir, name, known) != null) {
      work.run();
    } else {
      fs.later(replier, work);
    }
  }

  void rename(FuseRequest.Rename r, Replier replier) throws IOException {
    Node dir = nodes.byKernelId(r.nodeId());
    Node newDir = nodes.byKernelId(r.newParent());
    Renames renames = volume.renames();
    if (dir == null || newDir == null || renames == null) {
      replier.fail(renames == null ? Errno.EROFS : Errno.ESTALE);
    } else if ((r.flags() & ~NO_REPLACE) != 0) {
      // An exchange would be two copies that are not one step in any store.
      replier.fail(Errno.EINVAL);
    } else {
      fs.later(replier, () -> rename(renames, dir, newDir, r, replier));
    }
  }

  private void rename(Renames renames, Node dir, Node newDir, FuseRequest.Rename r, Replier replier)
      throws IOException {
    long number = fs.number(replier);
    Changes changes = volume.changes();
    if (replier.isResent() && changes != null && changes.requests().changedBy(number) != null) {
      changes.requests().promised(newDir, r.newName());
      changes.requests().promised(dir, r.name());
      replier.reply(FuseReply.DONE);
      return;
    }
    Renames.Named what = named(dir, r.name());
    if (what == null) {
      replier.fail(Errno.ENOENT);
      return;
    }
    Renames.Named target = named(newDir, r.newName());
    int errno = refusal(what, target, newDir, r.flags());
    if (errno != 0) {
      replier.fail(errno);
      return;
    }
    if (target == null || target.node() != what.node()) {
      RequestNumber.carry(
          number,
          () -> {
            renames.rename(what, newDir, r.newName(), target);
            return true;
          });
    }
    if (replier.reply(FuseReply.DONE) && changes != null) {
      changes.requests().answered(number);
    }
  }

  private int refusal(Renames.Named what, Renames.@Nullable Named target, Node newDir, int flags)
      throws IOException {
    for (Node at = newDir; at != null; at = at.parent()) {
      if (at == what.node()) {
        return Errno.EINVAL; // Into itself.
      }
    }
    if (target == null || target.node() == what.node()) {
      return 0;
    }
    if ((flags & NO_REPLACE) != 0) {
      return Errno.EEXIST;
    }
    if (target.facts().directory() != what.facts().directory()) {
      return target.facts().directory() ? Errno.EISDIR : Errno.ENOTDIR;
    }
    return target.facts().directory() && !volume.isEmpty(target.node()) ? Errno.ENOTEMPTY : 0;
  }
}
