package io.tiermount.fs.tree;

import io.tiermount.backends.Version;
import io.tiermount.backends.os.LibC;
import io.tiermount.fs.cache.CachedFile;
import io.tiermount.fs.cache.ReadableFile;
import io.tiermount.fs.fuse.FuseReply;
import io.tiermount.fs.fuse.FuseReply.Backing;
import io.tiermount.fs.fuse.FuseReply.OpenFile;
import io.tiermount.fs.fuse.KernelCache;
import io.tiermount.fs.fuse.Replier;
import io.tiermount.fs.write.DirtyFile;
import java.io.IOException;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Open files and the mode each inode is open in. The kernel allows an inode one mode (cached or
 * passthrough) and one backing id for as long as anything has it open (fs/fuse/iomode.c); a second
 * open that disagrees fails with EIO there. So the state has this one place: it changes only under
 * the inode's lock, and the lock is held until the kernel has the answer.
 *
 * <p>Where an open cannot join what is open already (another version, or a file that has become
 * whole while it was open in cached mode), the caller answers ESTALE and gives the name a new node:
 * the kernel looks it up again and opens that one. Old descriptors keep what they have.
 */
public final class Handles {
  private static final Logger log = LoggerFactory.getLogger(Handles.class);

  /**
   * From this size on passthrough beats READs answered inline: a passthrough OPEN and RELEASE cost
   * two ioctls and a kernel file, about as much as two 128 KiB READs (docs/PERFORMANCE.md).
   */
  public static final long MIN_PASSTHROUGH_BYTES = 256 << 10;

  /** So many ids beside those that are known may be leftovers: requests that were under way. */
  private static final int LEFTOVERS = 64;

  private final ConcurrentHashMap<Long, FileHandle> handles = new ConcurrentHashMap<>();
  private final ConcurrentHashMap<Long, OpenInode> inodes = new ConcurrentHashMap<>();
  private final AtomicLong nextId = new AtomicLong(1);
  private final AtomicLong passthroughOpens = new AtomicLong();
  private final AtomicLong cachedOpens = new AtomicLong();
  private final OpenTable table;

  /**
   * Opens of an earlier process, by the request that made them, until it is known to be answered.
   */
  private final ConcurrentHashMap<Long, Long> inherited = new ConcurrentHashMap<>();

  /** Handles that end with the process. */
  public Handles() {
    this(OpenTable.none());
  }

  /**
   * @param table where they are written down; what it holds by now is told by {@link #restore}
   */
  public Handles(OpenTable table) {
    this.table = table;
    for (OpenTable.Open open : table.opens()) {
      nextId.accumulateAndGet(open.id() + 1, Math::max);
    }
  }

  /** What became of an open. */
  public enum Opened {
    /** Answered. */
    DONE,
    /** Not answered: this inode cannot take the open; renew the node and answer ESTALE. */
    RENEW,
    /** Not answered: the file may qualify for passthrough once verified, which takes a while. */
    VERIFY
  }

  /**
   * Opens a content on a node and answers the request. The handle owns {@code file} from here on
   * where the answer is {@code DONE}; otherwise it stays the caller's.
   *
   * @param verifyBytes verify up to so many bytes of a whole file here and now, so that it can be
   *     opened in passthrough; 0 to be told by {@code VERIFY}
   * @param blockBytes the cache's block
   * @param note for a successor
   */
  public Opened open(
      Node node,
      Version version,
      CachedFile file,
      int blockBytes,
      long verifyBytes,
      OpenNote note,
      KernelCache kernel,
      Replier replier) {
    boolean eligible =
        kernel.passthrough() && file.sizeBytes() >= MIN_PASSTHROUGH_BYTES && file.isWhole();
    try (OpenInode inode = lock(node)) {
      if (inode.opens > 0 && !version.equals(inode.version)) {
        return Opened.RENEW;
      }
      OpenInode.Mode mode = inode.opens > 0 ? inode.mode : OpenInode.Mode.CACHED;
      int backing = inode.backing;
      long backingIno = 0;
      if (eligible && mode == OpenInode.Mode.CACHED) {
        Backed backed = back(file, verifyBytes, kernel);
        if (backed.needsTime && inode.opens == 0) {
          return Opened.VERIFY;
        }
        if (backed.id > 0 && inode.opens > 0) {
          kernel.closeBacking(backed.id);
          return Opened.RENEW;
        }
        if (backed.id > 0) {
          mode = OpenInode.Mode.PASSTHROUGH;
          backing = backed.id;
          backingIno = backed.ino;
        }
      }
      FileHandle handle = new FileHandle(nextId.getAndIncrement(), node, file, blockBytes, false);
      boolean keep = mode == OpenInode.Mode.CACHED && version.equals(node.pages());
      node.pages(mode == OpenInode.Mode.CACHED ? version : node.pages());
      long ino = backingIno != 0 ? backingIno : inode.backingIno;
      admit(handle, inode, mode, backing, ino, version);
      write(handle, inode, note);
      OpenFile opened =
          new OpenFile(
              handle.id(),
              (keep ? OpenFile.KEEP_CACHE : 0) | OpenFile.NOFLUSH,
              mode == OpenInode.Mode.PASSTHROUGH ? new Backing(backing) : null);
      if (!replier.reply(new FuseReply.Opened(opened))) {
        forget(handle, inode, kernel);
      }
      return Opened.DONE;
    }
  }

  private void admit(
      FileHandle handle,
      OpenInode inode,
      OpenInode.Mode mode,
      int backing,
      long backingIno,
      Version version) {
    handles.put(handle.id(), handle);
    inode.opened(handle, mode, backing, backingIno, version);
    (mode == OpenInode.Mode.PASSTHROUGH ? passthroughOpens : cachedOpens).incrementAndGet();
  }

  private void write(FileHandle handle, OpenInode inode, OpenNote note) {
    handle.slot(
        table.add(
            handle.id(),
            handle.node().id(),
            note,
            handle.isWritable(),
            inode.mode == OpenInode.Mode.PASSTHROUGH,
            inode.backing,
            inode.backingIno));
  }

  /**
   * Has a file open as an earlier process opened it; before the first request.
   *
   * @param file what it reads where the kernel asks
   */
  public void restore(
      OpenTable.Open open, Node node, Version version, ReadableFile file, int blockBytes) {
    FileHandle handle = new FileHandle(open.id(), node, file, blockBytes, open.writable());
    handle.slot(open.slot());
    try (OpenInode inode = lock(node)) {
      OpenInode.Mode mode = open.passthrough() ? OpenInode.Mode.PASSTHROUGH : OpenInode.Mode.CACHED;
      admit(handle, inode, mode, open.backing(), open.backingIno(), version);
    }
    inherited.put(open.unique(), open.id());
  }

  /** What an earlier process opened can't be had any more: who uses it is told EBADF. */
  public void lost(OpenTable.Open open) {
    table.remove(open.slot());
  }

  /**
   * A request that opens comes again: what an earlier process opened for it was never answered, and
   * is closed.
   */
  public void unanswered(long unique, KernelCache kernel) {
    Long id = inherited.remove(unique);
    if (id != null) {
      Node _ = release(id, kernel);
    }
  }

  /** Ends registrations of backing files that an earlier process made and did not come to use. */
  public void closeLeftovers(KernelCache kernel) {
    int last = table.lastBacking();
    if (last == 0) {
      return;
    }
    Set<Integer> used = new HashSet<>();
    table.opens().forEach(open -> used.add(open.backing()));
    for (int id = Math.max(1, last - LEFTOVERS); id <= last + LEFTOVERS; id++) {
      if (!used.contains(id)) {
        kernel.closeBacking(id);
      }
    }
  }

  /**
   * A file that is being written on this node, about to be opened.
   *
   * @param version what it is open as
   * @param writable for writing, too
   * @param passthrough the kernel may read and write it by itself
   * @param writesSeen WRITEs have to come to the daemon, also where others have it in passthrough
   * @param valid false where it is no longer local: nothing is opened then
   */
  public record LocalOpen(
      DirtyFile data,
      Version version,
      boolean writable,
      boolean passthrough,
      boolean writesSeen,
      BooleanSupplier valid) {}

  /** Answers an open. */
  public interface Answer {
    /** See {@link Replier#reply}. */
    boolean reply(OpenFile opened) throws IOException;
  }

  /**
   * Opens a file that is being written on this node. Whoever has it open already, as a version of
   * the store, reads the writer's data file from here on.
   *
   * @return {@code VERIFY} where it is no longer local: look again
   */
  public Opened openLocal(
      Node node, LocalOpen open, int blockBytes, OpenNote note, KernelCache kernel, Answer answer)
      throws IOException {
    try (OpenInode inode = lock(node)) {
      if (!open.valid.getAsBoolean()) {
        return Opened.VERIFY;
      }
      long ino = open.data.stat().ino();
      boolean inPassthrough = inode.opens > 0 && inode.mode == OpenInode.Mode.PASSTHROUGH;
      if (inPassthrough && inode.backingIno != ino) {
        return Opened.RENEW;
      }
      OpenInode.Mode mode = inode.opens > 0 ? inode.mode : OpenInode.Mode.CACHED;
      int backing = inode.backing;
      if (inode.opens == 0 && open.passthrough && kernel.passthrough() && open.data.isWhole()) {
        backing = backing(open.data, kernel);
        mode = backing > 0 ? OpenInode.Mode.PASSTHROUGH : OpenInode.Mode.CACHED;
      }
      if (inode.opens > 0 && !open.version.equals(inode.version)) {
        inode.becameLocal(open.data, open.version);
      }
      FileHandle handle =
          new FileHandle(
              nextId.getAndIncrement(), node, open.data.reader(), blockBytes, open.writable);
      // Pages that the kernel has may be older than what was written past it.
      node.pages(null);
      boolean through = mode == OpenInode.Mode.PASSTHROUGH;
      admit(handle, inode, mode, backing, through ? ino : 0, open.version);
      write(handle, inode, note);
      int flags = open.writable ? 0 : OpenFile.NOFLUSH;
      if (through && open.writable && open.writesSeen) {
        flags |= OpenFile.DIRECT_IO;
      }
      OpenFile opened = new OpenFile(handle.id(), flags, through ? new Backing(backing) : null);
      boolean told = false;
      try {
        told = answer.reply(opened);
      } finally {
        if (!told) {
          forget(handle, inode, kernel);
        }
      }
      return Opened.DONE;
    }
  }

  private static int backing(DirtyFile data, KernelCache kernel) {
    try {
      return kernel.openBacking(data.staging().fd());
    } catch (IOException e) {
      log.warn("passthrough is not possible for {}: {}", data.staging().path(), e.getMessage());
      return 0;
    }
  }

  /** Whoever has it open reads the writer's data file from here on. */
  public void becomeLocal(Node node, Version version, DirtyFile data) {
    try (OpenInode inode = lock(node)) {
      if (inode.opens > 0 && !version.equals(inode.version)) {
        inode.becameLocal(data, version);
      }
    }
  }

  /** See {@code volume.OpenFiles#ifClosed}: {@code action} runs while nothing can open the node. */
  public boolean ifClosed(Node node, Exclusive action) throws IOException {
    try (OpenInode inode = lock(node)) {
      if (inode.opens > 0) {
        return false;
      }
      action.run();
      return true;
    }
  }

  /** What {@link #ifClosed} runs. */
  public interface Exclusive {
    void run() throws IOException;
  }

  /**
   * The content an inode is open on has got another version by a change of its name or attributes.
   */
  public void reversion(Node node, Version before, Version now) {
    try (OpenInode inode = lock(node)) {
      if (inode.opens > 0 && before.equals(inode.version)) {
        inode.version = now;
        inode.handles.forEach(handle -> table.version(handle.slot(), now.token()));
      }
      if (before.equals(node.pages())) {
        node.pages(now);
      }
    }
  }

  /** True while somebody has it open for writing. */
  public boolean isWritten(Node node) {
    try (OpenInode inode = lock(node)) {
      return inode.handles.stream().anyMatch(FileHandle::isWritable);
    }
  }

  private record Backed(int id, long ino, boolean needsTime) {}

  private static Backed back(CachedFile file, long verifyBytes, KernelCache kernel) {
    try {
      int fd = file.backingFile(verifyBytes);
      if (fd < 0) {
        return new Backed(0, 0, verifyBytes == 0);
      }
      try {
        return new Backed(kernel.openBacking(fd), LibC.fstat(fd).ino(), false);
      } finally {
        LibC.close(fd);
      }
    } catch (IOException e) {
      log.warn("passthrough is not possible for content {}: {}", file.contentId(), e.getMessage());
      return new Backed(0, 0, false);
    }
  }

  /** The open that a request names; null for a handle we never gave out. */
  public @Nullable FileHandle get(long id) {
    return handles.get(id);
  }

  /** Ends an open; the node where that was its last, else null. */
  public @Nullable Node release(long id, KernelCache kernel) {
    FileHandle handle = handles.get(id);
    if (handle == null) {
      return null;
    }
    try (OpenInode inode = lock(handle.node())) {
      forget(handle, inode, kernel);
      return inode.opens == 0 ? handle.node() : null;
    }
  }

  private void forget(FileHandle handle, OpenInode inode, KernelCache kernel) {
    if (handles.remove(handle.id()) == null) {
      return;
    }
    handle.close();
    inode.handles.remove(handle);
    inode.opens--;
    if (inode.opens == 0) {
      if (inode.mode == OpenInode.Mode.PASSTHROUGH) {
        kernel.closeBacking(inode.backing);
      }
      inode.mode = OpenInode.Mode.CACHED;
      inode.backing = 0;
      inode.backingIno = 0;
    }
    // Last: what a successor finds open it closes again.
    table.remove(handle.slot());
  }

  /** The version an inode is open on; null where it is not open. */
  public @Nullable Version openVersion(Node node) {
    OpenInode inode = inodes.get(node.id());
    return inode == null ? null : inode.version;
  }

  /** Where opens are written down. */
  public OpenTable table() {
    return table;
  }

  /** A number for a directory's open, from the same sequence. */
  public long nextId() {
    return nextId.getAndIncrement();
  }

  /** Files open now. */
  public int openFiles() {
    return handles.size();
  }

  /** Opens answered with passthrough so far. */
  public long passthroughOpens() {
    return passthroughOpens.get();
  }

  /** Opens served by the daemon so far. */
  public long cachedOpens() {
    return cachedOpens.get();
  }

  /** Gives everything back after the mount is gone. */
  public void closeAll(KernelCache kernel) {
    for (Long id : handles.keySet()) {
      Node _ = release(id, kernel);
    }
  }

  /** Locks what is open of a node; the caller closes it, which lets go of it. */
  private OpenInode lock(Node node) {
    while (true) {
      OpenInode inode = inodes.computeIfAbsent(node.id(), id -> new OpenInode(id, inodes));
      if (inode.tryEnter()) {
        return inode;
      }
    }
  }
}
