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
import io.tiermount.fs.tree.OpenTable;
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
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** OPENDIR, READDIR and READDIRPLUS, RELEASEDIR. */
final class Directories {
  /** Cookies 1 and 2 are "." and "..": entry n of the stream has cookie n + 3. */
  private static final int DOTS = 2;

  private final FileSystem fs;
  private final Volume volume;
  private final Nodes nodes;
  private final Handles handles;
  private final ConcurrentHashMap<Long, DirectoryHandle> open = new ConcurrentHashMap<>();

  /** Opens of an earlier process, by their requests. */
  private final ConcurrentHashMap<Long, Long> inherited = new ConcurrentHashMap<>();

  /**
   * One open.
   *
   * @param slot in the table of opens
   * @param place where an earlier process had come to; null once this reading is aligned with it
   */
  private record DirectoryHandle(
      Node dir,
      DirectoryStream stream,
      int slot,
      AtomicReference<@Nullable Place> place,
      Shift by) {
    DirectoryHandle(Node dir, DirectoryStream stream, int slot, @Nullable Place place) {
      this(dir, stream, slot, new AtomicReference<>(place), new Shift());
    }
  }

  /** The last entry that an earlier process told of. */
  private record Place(long cookie, long nameHash) {}

  /** How many entries further back the same entry is in this reading. */
  private static final class Shift {
    private volatile long entries;
  }

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
    if (replier.isResent()) {
      forgetUnanswered(replier.unique());
    }
    long id = handles.nextId();
    int slot = handles.table().addDirectory(id, request.nodeId(), replier.unique());
    open.put(id, new DirectoryHandle(dir, volume.openDirectory(dir), slot, null));
    if (!replier.reply(new FuseReply.Opened(new OpenFile(id, 0, null)))) {
      release(id);
    }
  }

  void release(long handle) {
    DirectoryHandle closed = open.remove(handle);
    if (closed != null) {
      handles.table().remove(closed.slot);
    }
  }

  /** Has a directory open as an earlier process had. */
  void restore(OpenTable.Open known) throws IOException {
    Node dir = nodes.byKernelId(known.nodeId());
    if (dir == null) {
      handles.lost(known);
      return;
    }
    Place place = known.cookie() == 0 ? null : new Place(known.cookie(), known.nameHash());
    open.put(known.id(), new DirectoryHandle(dir, volume.openDirectory(dir), known.slot(), place));
    inherited.put(known.unique(), known.id());
  }

  private void forgetUnanswered(long unique) {
    Long id = inherited.remove(unique);
    if (id != null) {
      release(id);
    }
  }

  void read(FuseRequest.ReadDir request, Replier replier) throws IOException {
    DirectoryHandle handle = open.get(request.handle());
    if (handle == null) {
      replier.fail(Errno.EBADF);
      return;
    }
    if (request.offset() <= DOTS) {
      handle.place.set(null);
    } else if (handle.place.get() != null) {
      fs.later(
          replier,
          () -> {
            align(handle);
            read(request, replier);
          });
      return;
    }
    long ordinal = ordinal(handle, request.offset());
    if (handle.stream.at(ordinal) != null) {
      write(handle, request, replier);
    } else {
      loadAndWrite(handle, request, replier, ordinal);
    }
  }

  private static long ordinal(DirectoryHandle handle, long offset) {
    return offset <= DOTS ? 0 : Math.max(0, offset - DOTS + handle.by.entries);
  }

  /**
   * Cookies count the entries of the reading that gave them out. This one may show others before
   * the same entry: it is looked for by its name.
   */
  private static void align(DirectoryHandle handle) throws IOException {
    Place place = handle.place.get();
    if (place == null) {
      return;
    }
    long expected = place.cookie - DOTS - 1;
    handle.stream.load(expected);
    List<DirEntry> there = handle.stream.at(expected);
    if (there == null || there.isEmpty() || hash(there.getFirst()) != place.nameHash) {
      long found = find(handle.stream, place.nameHash);
      handle.by.entries = found < 0 ? 0 : found - expected;
    }
    handle.place.set(null);
  }

  /** Where an entry is; negative where it is gone. */
  private static long find(DirectoryStream stream, long nameHash) throws IOException {
    for (long ordinal = 0; ; ) {
      stream.load(ordinal);
      List<DirEntry> entries = stream.at(ordinal);
      if (entries != null && entries.isEmpty()) {
        return -1;
      }
      for (DirEntry entry : entries == null ? List.<DirEntry>of() : entries) {
        if (hash(entry) == nameHash) {
          return ordinal;
        }
        ordinal++;
      }
    }
  }

  /** 64 bits: two names of one directory that share them are not to be expected. */
  private static long hash(DirEntry entry) {
    long hash = 0xcbf29ce484222325L;
    for (int i = 0; i < entry.name().length(); i++) {
      hash = (hash ^ entry.name().charAt(i)) * 0x100000001b3L;
    }
    return hash;
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
    long ordinal = ordinal(handle, request.offset());
    DirEntry last = null;
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
        long cookie = ordinal - handle.by.entries + DOTS + 1;
        room = add(handle.dir, entry, cookie, request.plus(), writer, told);
        if (!room) {
          break;
        }
        last = entry;
        ordinal++;
      }
    }
    if (last != null) {
      handles.table().reached(handle.slot, ordinal - handle.by.entries + DOTS, hash(last));
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
