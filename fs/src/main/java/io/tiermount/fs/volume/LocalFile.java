package io.tiermount.fs.volume;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.tiermount.backends.ObjectAttributes;
import io.tiermount.backends.Version;
import io.tiermount.backends.os.ErrnoException;
import io.tiermount.backends.os.FileStat;
import io.tiermount.fs.tree.Node;
import io.tiermount.fs.write.Base;
import io.tiermount.fs.write.DirtyFile;
import io.tiermount.fs.write.PartsAhead;
import io.tiermount.fs.write.Stamp;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A file of which this node knows more than its store: its content, its attributes, or its name. It
 * exists from the first change until the store has all of it and nobody has it open.
 */
public final class LocalFile {
  private static final String LOCAL = "local-";

  private final Node node;
  private final boolean directory;

  /** One publish at a time. */
  final ReentrantLock publishing = new ReentrantLock();

  private volatile @Nullable DirtyFile content;
  private volatile @Nullable Base base;

  private volatile @Nullable Map<String, String> headers;

  /** What it was open as before its object was copied: the same content. */
  private final List<Version> formerVersions = new CopyOnWriteArrayList<>();

  private final AtomicInteger pins = new AtomicInteger();

  /** The content was acknowledged by a close or an fsync since it was published last. */
  private volatile boolean acknowledged;

  /** Somebody else changed the object: what is here is kept beside it. */
  private volatile boolean lost;

  @GuardedBy("this")
  private ObjectMeta meta;

  @GuardedBy("this")
  private long metaGeneration;

  @GuardedBy("this")
  private long metaPublished;

  /** In the metadata of the object that is being written now. */
  private volatile @Nullable Attempt attempt;

  /**
   * A publish under way: how recovery finds out whether it happened.
   *
   * @param id in the object's metadata
   * @param uploadId "" where it is not multipart
   */
  record Attempt(String id, String key, String uploadId) {}

  /**
   * Parts sent while it is being written.
   *
   * @param attempt in the attributes that the object will have
   * @param generation of the attributes
   */
  record Ahead(PartsAhead parts, Attempt attempt, ObjectAttributes attributes, long generation) {}

  /** Guarded by {@link #publishing}. */
  private @Nullable Ahead ahead;

  @Nullable Ahead ahead() {
    return ahead;
  }

  void ahead(@Nullable Ahead sent) {
    ahead = sent;
  }

  /**
   * What the object says of itself beside its bytes.
   *
   * @param foreign user metadata that is not ours, kept as it was; null where the store has to be
   *     asked for it (and for the content type) first
   */
  record ObjectMeta(
      PosixMetadata posix, @Nullable String contentType, @Nullable Map<String, String> foreign) {
    ObjectMeta withPosix(PosixMetadata changed) {
      return new ObjectMeta(changed, contentType, foreign);
    }
  }

  /** What of it is charged to the mount's quota. */
  private final Charge charge;

  LocalFile(
      Node node,
      boolean directory,
      ObjectMeta meta,
      @Nullable Base base,
      @Nullable DirtyFile content) {
    this.charge = new Charge(base == null ? 0 : base.sizeBytes(), base != null);
    this.node = node;
    this.directory = directory;
    this.meta = meta;
    this.base = base;
    this.content = content;
  }

  public Node node() {
    return node;
  }

  Charge charge() {
    return charge;
  }

  /** A directory has attributes and a marker, no content. */
  boolean isDirectory() {
    return directory;
  }

  /** Its own data file; null where only its name or attributes changed. */
  public @Nullable DirtyFile content() {
    return content;
  }

  void content(@Nullable DirtyFile newContent) {
    content = newContent;
  }

  @Nullable Base base() {
    return base;
  }

  void base(@Nullable Base newBase) {
    base = newBase;
  }

  synchronized ObjectMeta meta() {
    return meta;
  }

  /** Attributes changed here. */
  synchronized void meta(ObjectMeta changed) {
    meta = changed;
    metaGeneration++;
  }

  /** What the store said of an object beside its attributes; no change of them. */
  synchronized ObjectMeta describe(@Nullable String contentType, Map<String, String> foreign) {
    meta = new ObjectMeta(meta.posix(), contentType, foreign);
    return meta;
  }

  /** Headers that the object had; null for none, or not asked for. */
  @Nullable Map<String, String> headers() {
    return headers;
  }

  void headers(@Nullable Map<String, String> known) {
    headers = known;
  }

  /** A counter that moves with each change of attributes. */
  synchronized long metaGeneration() {
    return metaGeneration;
  }

  synchronized void metaPublished(long generation) {
    metaPublished = generation;
  }

  synchronized boolean isMetaChanged() {
    return metaGeneration != metaPublished;
  }

  /** After a restart: attributes were changed and not published. */
  synchronized void metaUnpublished() {
    metaPublished = metaGeneration - 1;
  }

  @Nullable Attempt attempt() {
    return attempt;
  }

  void attempt(@Nullable Attempt newAttempt) {
    attempt = newAttempt;
  }

  boolean isAcknowledged() {
    return acknowledged;
  }

  void acknowledged(boolean yes) {
    acknowledged = yes;
  }

  /** Its writer has neither closed nor synced it: what is here is no version yet. */
  boolean isUnfinished() throws IOException {
    DirtyFile data = content;
    return data != null && !acknowledged && (base == null || data.isChanged());
  }

  /**
   * Nothing of it can go to the store under a key before its writer closes or syncs it. The version
   * from before can, where the name is new.
   */
  boolean waitsForWriter(String key) {
    Base from = base;
    try {
      return isUnfinished() && (from == null || from.key().equals(key));
    } catch (IOException e) {
      return false; // Whoever sends it meets the error.
    }
  }

  /** True where somebody else's object took its name. */
  public boolean isLost() {
    return lost;
  }

  void lost(boolean yes) {
    lost = yes;
  }

  /** Somebody is about to open it: it stays local until {@link #unpin}. */
  public void pin() {
    pins.incrementAndGet();
  }

  /** See {@link #pin}. */
  public void unpin() {
    pins.decrementAndGet();
  }

  boolean isPinned() {
    return pins.get() > 0;
  }

  /** Its object was copied to what is its base now, as it was. */
  void copied(Base to) {
    Base from = base;
    base = to;
    if (from != null && !from.version().equals(to.version())) {
      formerVersions.add(from.version());
    }
  }

  /** Versions of the store that have the content it has, or had before it was written here. */
  List<Version> formerVersions() {
    return formerVersions;
  }

  Stamp published() {
    DirtyFile data = content;
    return data == null ? Stamp.NONE : data.published();
  }

  /** True for a version that only this node knows. */
  public static boolean isLocal(Version version) {
    return version.token().startsWith(LOCAL);
  }

  /** What open descriptors have it open as: the same from the first change to the last. */
  public Version version() {
    DirtyFile data = content;
    Base from = base;
    if (data != null) {
      return new Version(LOCAL + data.staging().id());
    }
    if (from == null) {
      throw new IllegalStateException("a local file has content or a base: " + node.path());
    }
    return from.version();
  }

  /** Type and permission bits; null where they are the configuration's. */
  public @Nullable Integer mode() {
    return meta().posix().mode();
  }

  /** True for what it is open as, and for the versions that it was made of. */
  public boolean isVersion(@Nullable Version version) {
    Base from = base;
    return version != null
        && (version.equals(version())
            || (from != null && version.equals(from.version()))
            || formerVersions.contains(version));
  }

  /** As the kernel is told of it. */
  Facts facts(String key, long nowMillis) throws ErrnoException {
    PosixMetadata posix = meta().posix();
    DirtyFile data = content;
    Base from = base;
    if (directory) {
      return new Facts(
          true,
          from == null ? null : from.key(),
          from == null ? null : from.version(),
          0,
          posix.mtimeNanos() == null ? 0 : posix.mtimeNanos(),
          posix,
          nowMillis);
    }
    if (data == null) {
      if (from == null) {
        throw new IllegalStateException("a local file has content or a base: " + node.path());
      }
      long modified = posix.mtimeNanos() == null ? 0 : posix.mtimeNanos();
      return new Facts(
          false,
          from.key(),
          from.version(),
          from.sizeBytes(),
          modified,
          posix,
          nowMillis,
          meta().contentType());
    }
    FileStat stat = data.stat();
    return new Facts(
        false,
        from == null ? key : from.key(),
        version(),
        stat.sizeBytes(),
        stat.mtimeNanos(),
        withTimes(posix, stat),
        nowMillis,
        meta().contentType());
  }

  /** The data file keeps the times that writes move. */
  static PosixMetadata withTimes(PosixMetadata posix, FileStat stat) {
    Long changed = posix.ctimeNanos();
    long ctime = Math.max(changed == null ? Long.MIN_VALUE : changed, stat.mtimeNanos());
    return new PosixMetadata(
        posix.mode(),
        posix.uid(),
        posix.gid(),
        posix.rdev(),
        stat.mtimeNanos(),
        ctime,
        posix.atimeNanos() == null ? stat.mtimeNanos() : posix.atimeNanos());
  }

  @Override
  public String toString() {
    return node.path();
  }
}
