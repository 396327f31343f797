package io.tiermount.fs.volume;

import io.tiermount.backends.Keys;
import io.tiermount.backends.StoreException;
import io.tiermount.backends.os.Errno;
import io.tiermount.backends.os.ErrnoException;
import io.tiermount.backends.os.FileTimes;
import io.tiermount.fs.cache.Staging;
import io.tiermount.fs.cache.StagingFile;
import io.tiermount.fs.fuse.Attributes;
import io.tiermount.fs.scope.AccessOptions;
import io.tiermount.fs.scope.Identity;
import io.tiermount.fs.tree.Node;
import io.tiermount.fs.tree.Nodes;
import io.tiermount.fs.volume.LocalFile.ObjectMeta;
import io.tiermount.fs.volume.NameChange.InStore;
import io.tiermount.fs.write.DirtyFile;
import io.tiermount.fs.write.Stamp;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.InstantSource;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Everything that changes a volume. A change is journalled and seen on this node when the call
 * returns; what the call waits for beyond that is the mount's durability. Under {@code remote}
 * closes, fsyncs, and changes of names wait for the store (renames of directories and changes of
 * attributes do not), so callers are on virtual threads. Safe from any thread.
 */
public final class Changes {
  private final LocalNames names;
  private final Quota quota;
  private final ChangeJournal journal;
  private final Publishing publishing;
  private final WriteOpens opens;
  private final Nodes nodes;
  private final Staging staging;
  private final WritePromises promises;
  private final AccessOptions access;
  private final InstantSource clock;
  private final int maxKeyBytes;
  private final Inos inos;
  private volatile Consumer<LocalFile> begun = _ -> {};
  private volatile Consumer<LocalFile> ended = _ -> {};
  private final Syncs syncs;
  private final Requests requests;

  /** Numbers for new inodes. */
  interface Inos {
    long of(Node dir, String segment, boolean directory);
  }

  Changes(
      Publishing.Parts parts,
      Publishing publishing,
      WriteOpens opens,
      AccessOptions access,
      int maxKeyBytes,
      Inos inos) {
    this.names = parts.names();
    this.quota = parts.quota();
    this.journal = parts.journal();
    this.nodes = parts.nodes();
    this.staging = parts.staging();
    this.promises = parts.promises();
    this.clock = parts.clock();
    this.publishing = publishing;
    this.opens = opens;
    this.access = access;
    this.maxKeyBytes = maxKeyBytes;
    this.inos = inos;
    this.syncs = new Syncs(parts, publishing, this);
    this.requests = new Requests(parts, publishing);
  }

  /** Under {@code remote} what ends a use waits for the store. */
  public boolean isRemote() {
    return publishing.isRemote();
  }

  /** What the mount may hold. */
  public Quota quota() {
    return quota;
  }

  /** What this node knows more of a node than its store; null for nothing. */
  public @Nullable LocalFile local(Node node) {
    return names.file(node);
  }

  /** True once for a name whose last writer lost a race after its close had returned. */
  public boolean tellLost(Node dir, String name) {
    return publishing.lostRaces().tellLost(dir, name);
  }

  /** Whoever wants to know of files that are being written. */
  void writers(Consumer<LocalFile> onBegin, Consumer<LocalFile> onEnd) {
    begun = onBegin;
    ended = onEnd;
  }

  // ---- New names

  /**
   * A new inode's attributes.
   *
   * @param mode type and permission bits
   */
  public record Birth(int mode, int uid, int gid, int rdev) {}

  /**
   * Makes a file; the caller has it open from here on, or calls {@link #released}.
   *
   * @throws ErrnoException EEXIST where the name is taken on this node; EDQUOT
   */
  public LocalFile create(Node dir, String name, Birth birth) throws IOException {
    String segment = segment(dir, name);
    StagingFile data = staging.create();
    boolean kept = false;
    try {
      LocalFile made =
          make(dir, name, segment, birth, false, DirtyFile.whole(data, false, Stamp.NONE));
      kept = true;
      begun.accept(made);
      return made;
    } finally {
      if (!kept) {
        staging.discard(data);
      }
    }
  }

  /** A symlink. */
  public LocalFile symlink(Node dir, String name, Birth birth, byte[] target) throws IOException {
    quota.checkNew(dir, target.length);
    LocalFile file = create(dir, name, birth);
    DirtyFile data = file.content();
    if (data != null && target.length > 0) {
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment bytes = arena.allocate(target.length);
        MemorySegment.copy(target, 0, bytes, ValueLayout.JAVA_BYTE, 0, target.length);
        data.write(0, bytes);
      }
      quota.settle(file);
      // With its length: the kernel cuts a target at it.
      file.node().attach(facts(file));
    }
    return file;
  }

  /** A directory. */
  public LocalFile mkdir(Node dir, String name, Birth birth) throws IOException {
    LocalFile made = make(dir, name, segment(dir, name), birth, true, null);
    names.owns(made.node());
    return made;
  }

  String segment(Node dir, String name) throws ErrnoException {
    KeyNames.Target target = KeyNames.parse(name);
    String segment = target == null ? null : target.segment();
    if (target == null || segment == null || target.object()) {
      // Not UTF-8, or one of the names that only stand for keys that are there already.
      throw new ErrnoException("making the name " + name, Errno.EINVAL);
    }
    long bytes = (long) LocalNames.pathKey(dir).length() + segment.length() + 1;
    if (bytes * 3 > maxKeyBytes
        && Keys.utf8Bytes(LocalNames.pathKey(dir) + segment + "/") > maxKeyBytes) {
      throw new ErrnoException("making the name " + name, Errno.ENAMETOOLONG);
    }
    return segment;
  }

  private LocalFile make(
      Node dir,
      String name,
      String segment,
      Birth birth,
      boolean directory,
      @Nullable DirtyFile data)
      throws IOException {
    long now = clock.millis() * 1_000_000L;
    PosixMetadata posix =
        new PosixMetadata(
            birth.mode() & ~access.umask(),
            access.storedUid(squashed(birth, birth.uid())),
            access.storedGid(squashed(birth, birth.gid())),
            birth.rdev() == 0 ? null : birth.rdev(),
            now,
            now,
            now);
    ObjectMeta meta = new ObjectMeta(posix, null, Map.of());
    LocalFile[] made = new LocalFile[1];
    names.lock.lock();
    try {
      NameChange before = names.change(dir, name);
      if (before != null && before.isPending() && before.present() != null) {
        throw new ErrnoException("making " + name, Errno.EEXIST);
      }
      quota.checkNew(dir, 0);
      NameChange change = names.changing(dir, name, segment, InStore.NOTHING);
      Node node =
          nodes.createLocal(
              dir,
              name,
              segment,
              inos.of(dir, segment, directory),
              (batch, fresh) -> {
                LocalFile file = new LocalFile(fresh, directory, meta, null, data);
                made[0] = file;
                change.shallBe(fresh, directory, clock.millis());
                journal.put(batch, file);
                journal.put(batch, change);
                journal.happened(batch, fresh.id());
              });
      names.add(made[0]);
      quota.counts(made[0]);
      node.attach(names.facts(change));
      return made[0];
    } finally {
      names.lock.unlock();
    }
  }

  /** Root's new files are nobody's where root is squashed. */
  private int squashed(Birth birth, int id) {
    return access.rootSquash() && birth.uid() == 0 ? Identity.NOBODY : id;
  }

  /** What the mount promises of a name that was made: see the class. */
  public void promised(LocalFile file) throws IOException {
    NameChange change = changeOf(file);
    if (change != null && change.isPending()) {
      publishing.promised(change);
    }
  }

  @Nullable NameChange changeOf(LocalFile file) {
    Node dir = file.node().parent();
    return dir == null ? null : names.change(dir, file.node().name());
  }

  /** A file that nobody has open is complete as it is: its content counts as acknowledged. */
  public void finished(LocalFile file) throws IOException {
    ended.accept(file);
    acknowledge(file);
  }

  private void acknowledge(LocalFile file) throws IOException {
    names.lock.lock();
    try {
      file.acknowledged(true);
      journal.put(file);
    } finally {
      names.lock.unlock();
    }
  }

  /**
   * A new file that nobody else may make: the store is asked at once.
   *
   * @throws ErrnoException EEXIST where somebody else was first; the name is not ours then
   */
  public void publishNew(LocalFile file) throws IOException {
    NameChange change = changeOf(file);
    if (change == null) {
      return;
    }
    try {
      acknowledge(file);
      publishing.await(change);
    } catch (StoreException e) {
      if (e.kind() == StoreException.Kind.PRECONDITION_FAILED) {
        throw new ErrnoException("making " + file, Errno.EEXIST);
      }
      throw e;
    }
  }

  /** True where {@link Syncs#closed} waits for a disk or a store. */
  public boolean closeWaits() {
    return isRemote() || promises.now().syncOnClose();
  }

  /** Makes room on a full disk by giving up what is only cached. */
  public boolean makeRoom(DirtyFile data, long bytes) throws IOException {
    return staging.makeRoom(data.staging(), bytes);
  }

  // ---- Content

  /**
   * Makes the content of a file local, so that it can be written. Blocks where bytes have to be
   * fetched.
   *
   * @param facts of the file as it is in the store, where it is not local yet
   */
  public LocalFile openForWriting(Node node, Facts facts, boolean truncate) throws IOException {
    LocalFile file = opens.open(node, facts, truncate);
    quota.settle(file);
    begun.accept(file);
    node.attach(file.facts(keyOf(node), clock.millis()));
    return file;
  }

  static String keyOf(Node node) {
    Node dir = node.parent();
    return dir == null ? "" : LocalNames.pathKey(dir) + node.segment();
  }

  /** True for facts of a local file that has become one of the store's meanwhile. */
  public boolean isOver(Node node, Facts facts) {
    return names.isOver(node, facts);
  }

  /** As the kernel is to be told of a local file now. */
  public Facts facts(LocalFile file) throws ErrnoException {
    return names.facts(file, keyOf(file.node()));
  }

  /** What requests have changed before. */
  public Requests requests() {
    return requests;
  }

  /** What makes changes durable. */
  public Syncs syncs() {
    return syncs;
  }

  /** The last descriptor of a file is closed. */
  public void released(LocalFile file) throws IOException {
    ended.accept(file);
    quota.settle(file);
    DirtyFile data = file.content();
    if (data == null) {
      return;
    }
    NameChange change = changeOf(file);
    boolean gone = file.node().isUnlinked() || file.isLost();
    if (!gone && change != null && change.isPending() && change.present() == file.node()) {
      if (file.isUnfinished()) {
        finished(file); // Left empty until now, or written through a mapping: it is what it is.
      }
      if (isRemote()) {
        publishing.now(change);
      } else {
        publishing.later(change);
      }
      return;
    }
    publishing.retire(file);
  }

  // ---- Attributes

  /**
   * New attributes; null for what stays.
   *
   * @param mode permission bits
   */
  public record NewAttributes(
      @Nullable Integer mode,
      @Nullable Integer uid,
      @Nullable Integer gid,
      @Nullable Long atimeNanos,
      @Nullable Long mtimeNanos) {
    boolean isEmpty() {
      return mode == null && uid == null && gid == null && atimeNanos == null && mtimeNanos == null;
    }
  }

  /**
   * Changes attributes; they go to the store with the content, or with others by themselves.
   *
   * @param shown as the file is shown now: what the store does not say is written down from it
   */
  public Facts setAttributes(Node node, Facts facts, Attributes shown, NewAttributes wanted)
      throws IOException {
    names.lock.lock();
    try {
      LocalFile known = names.file(node);
      LocalFile file = known != null ? known : WriteOpens.local(node, names.newest(node, facts));
      if (wanted.isEmpty()) {
        return known == null ? facts : facts(known);
      }
      long now = clock.millis() * 1_000_000L;
      PosixMetadata old = file.meta().posix();
      Integer mode = wanted.mode();
      Integer uid = wanted.uid();
      Integer gid = wanted.gid();
      Long atime = wanted.atimeNanos();
      Long mtime = wanted.mtimeNanos();
      int type = shown.mode() & Attributes.S_IFMT;
      PosixMetadata changed =
          new PosixMetadata(
              mode != null ? Integer.valueOf(type | mode) : Integer.valueOf(shown.mode()),
              access.storedUid(uid != null ? uid : shown.uid()),
              access.storedGid(gid != null ? gid : shown.gid()),
              old.rdev(),
              mtime != null ? mtime : Long.valueOf(shown.mtimeNanos()),
              now,
              atime != null ? atime : Long.valueOf(shown.atimeNanos()));
      DirtyFile data = file.content();
      if (data != null && (atime != null || mtime != null)) {
        data.setTimes(
            atime == null ? FileTimes.OMIT : atime, mtime == null ? FileTimes.OMIT : mtime);
      }
      file.meta(file.meta().withPosix(changed));
      if (!node.isUnlinked()) {
        NameChange change = changeOf(file);
        if (change != null && change.isPending() && change.present() == node) {
          change.touched();
          journal.put(file);
        } else {
          NameChange _ = publishing.pending(file);
        }
      }
      Facts now2 = facts(file);
      node.attach(now2);
      return now2;
    } finally {
      names.lock.unlock();
    }
  }

  // ---- Names that go

  /**
   * Removes a name: a file's, or that of a directory that the caller has found empty.
   *
   * @param facts what the name stands for
   */
  public void remove(Node node, Facts facts) throws IOException {
    Node dir = node.parent();
    if (dir == null) {
      throw new ErrnoException("removing the mount's root", Errno.EBUSY);
    }
    NameChange change;
    names.lock.lock();
    try {
      LocalFile local = names.file(node);
      change = names.changing(dir, node.name(), node.segment(), InStore.UNKNOWN);
      change.shallBe(null, facts.directory(), clock.millis());
      LocalNames.alsoKey(change, facts);
      nodes.unlink(
          node,
          (batch, _) -> {
            journal.put(batch, change);
            journal.happened(batch, node.id());
            // Content stays until its last close: a successor finds it open.
            if (local != null && local.content() == null) {
              journal.remove(batch, local);
            }
          });
      quota.leaves(node, local, facts);
      if (facts.directory()) {
        names.disown(node);
        names.detach(node);
      }
      if (local != null && local.content() == null) {
        names.remove(local);
      }
      keep(dir);
    } finally {
      names.lock.unlock();
    }
    LocalFile local = names.file(node);
    if (local != null) {
      publishing.retire(local);
    }
    publishing.promised(change);
  }

  /**
   * A directory that is there only because keys are below it would end with the last of them: it
   * gets a marker. With the names' lock held.
   */
  void keep(Node dir) throws IOException {
    if (dir.parent() == null || names.file(dir) != null || names.isOwn(dir)) {
      return;
    }
    if (dir.attachment() instanceof Facts facts && facts.directory() && facts.key() == null) {
      LocalFile file = WriteOpens.local(dir, facts);
      file.metaUnpublished();
      NameChange _ = publishing.pending(file);
    }
  }
}
