package io.tiermount.fs;

import io.tiermount.backends.os.Errno;
import io.tiermount.fs.fuse.Attributes;
import io.tiermount.fs.fuse.DirectoryWriter;
import io.tiermount.fs.fuse.FuseReply;
import io.tiermount.fs.fuse.FuseReply.OpenFile;
import io.tiermount.fs.fuse.FuseRequest;
import io.tiermount.fs.fuse.NodeEntry;
import io.tiermount.fs.fuse.Replier;
import io.tiermount.fs.tree.Handles;
import io.tiermount.fs.tree.Node;
import io.tiermount.fs.tree.Nodes;
import io.tiermount.fs.volume.DirEntry;
import io.tiermount.fs.volume.DirectoryStream;
import io.tiermount.fs.volume.Facts;
import io.tiermount.fs.volume.PosixMetadata;
import io.tiermount.fs.volume.Resolution.Found;
import io.tiermount.fs.volume.Volume;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;

/** OPENDIR, READDIR and READDIRPLUS, RELEASEDIR. */
final class Directories {
  /** Cookies 1 and 2 are "." and "..": entry n of the stream has cookie n + 3. */
  private static final int DOTS = 2;

  private final FileSystem fs;
  private final Volume volume;
  private final Nodes nodes;
  private final Handles handles;
  private final ConcurrentHashMap<Long, DirectoryHandle> open = new ConcurrentHashMap<>();

  private record DirectoryHandle(Node dir, DirectoryStream stream) {}

  Directories(FileSystem fs, Volume volume, Nodes nodes, Handles handles) {
    this.fs = fs;
    this.volume = volume;
    this.nodes = nodes;
    this.handles = handles;
  }

  void open(FuseRequest.OpenDir request, Replier replier) throws IOException {
    Node dir = nodes.byKernelId(request.nodeId());
    if (dir == null) {
      replier.fail(Errno.ESTALE);
      return;
    }
    long id = handles.nextId();
    open.put(id, new DirectoryHandle(dir, volume.openDirectory(dir)));
    if (!replier.reply(new FuseReply.Opened(new OpenFile(id, 0, null)))) {
      open.remove(id);
    }
  }

  void release(long handle) {
    open.remove(handle);
  }

  void read(FuseRequest.ReadDir request, Replier replier) throws IOException {
    DirectoryHandle handle = open.get(request.handle());
    if (handle == null) {
      replier.fail(Errno.EBADF);
      return;
    }
    long ordinal = Math.max(0, request.offset() - DOTS);
    if (handle.stream.at(ordinal) != null) {
      write(handle, request, replier);
    } else {
      loadAndWrite(handle, request, replier, ordinal);
    }
  }

  private void loadAndWrite(
      DirectoryHandle handle, FuseRequest.ReadDir request, Replier replier, long ordinal) {
    fs.later(
        replier,
        () -> {
          handle.stream.load(ordinal);
          write(handle, request, replier);
        });
  }

  private void write(DirectoryHandle handle, FuseRequest.ReadDir request, Replier replier)
      throws IOException {
    DirectoryWriter writer = replier.directory(request);
    List<Node> told = new ArrayList<>();
    boolean room = dots(handle.dir, request.offset(), writer);
    long ordinal = Math.max(0, request.offset() - DOTS);
    while (room) {
      List<DirEntry> entries = handle.stream.at(ordinal);
      if (entries == null && writer.sizeBytes() == 0) {
        // Another reader of this handle moved it on: an empty answer would end the directory.
        loadAndWrite(handle, request, replier, ordinal);
        return;
      }
      if (entries == null || entries.isEmpty()) {
        break;
      }
      for (DirEntry entry : entries) {
        room = add(handle.dir, entry, ordinal + DOTS + 1, request.plus(), writer, told);
        if (!room) {
          break;
        }
        ordinal++;
      }
    }
    if (!replier.reply(new FuseReply.Payload(writer.sizeBytes()))) {
      for (Node node : told) {
        nodes.forget(nodes.kernelId(node), 1);
      }
    }
  }

  private boolean dots(Node dir, long offset, DirectoryWriter writer) {
    Node parent = dir.parent();
    return (offset > 0 || writer.add(".", dir.ino(), Attributes.S_IFDIR, 1))
        && (offset > 1
            || writer.add(
                "..", parent == null ? dir.ino() : parent.ino(), Attributes.S_IFDIR, DOTS));
  }

  private boolean add(
      Node dir, DirEntry entry, long cookie, boolean plus, DirectoryWriter writer, List<Node> told)
      throws IOException {
    Facts facts = entry.facts();
    if (!plus || !volume.complete(facts)) {
      // Without attributes: the kernel looks the name up when somebody asks for them.
      long known = nodes.knownIno(dir, entry.name());
      long ino = known != 0 ? known : volume.ino(dir, entry.segment(), facts.directory());
      return writer.add(entry.name(), ino, type(facts), cookie);
    }
    FileSystem.Placed placed = fs.place(dir, entry.name(), new Found(entry.segment(), facts));
    Node node = placed.node();
    NodeEntry resolved = fs.entry(node, placed.facts());
    // Counted first: the kernel may forget it before reply() returns.
    nodes.remember(node);
    if (!writer.addPlus(entry.name(), resolved, cookie)) {
      nodes.forget(resolved.nodeId(), 1);
      return false;
    }
    told.add(node);
    return true;
  }

  /** For d_type; 0 is DT_UNKNOWN: the program asks. */
  private int type(Facts facts) {
    if (facts.directory()) {
      return Attributes.S_IFDIR;
    }
    if (facts.sizeBytes() == 0 && !volume.complete(facts)) {
      // An empty object may be a directory marker; only its metadata tells.
      return 0;
    }
    PosixMetadata posix = facts.posix();
    Integer mode = posix == null ? null : posix.mode();
    return mode == null || (mode & Attributes.S_IFMT) == 0
        ? Attributes.S_IFREG
        : mode & Attributes.S_IFMT;
  }
}
