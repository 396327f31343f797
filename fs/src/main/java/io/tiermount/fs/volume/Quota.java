package io.tiermount.fs.volume;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.tiermount.backends.Keys;
import io.tiermount.backends.ObjectInfo;
import io.tiermount.backends.os.Errno;
import io.tiermount.backends.os.ErrnoException;
import io.tiermount.fs.scope.QuotaOptions;
import io.tiermount.fs.tree.Node;
import io.tiermount.fs.write.DirtyFile;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * What a mount may hold and what it holds: charged when it is made or grows here, which is when a
 * program can still be told, and counted by listings now and then ({@link QuotaCounter}), which
 * sees what other nodes do. Publishing asks nobody: what was acknowledged has its room.
 *
 * <p>A count goes through the keys in order while names and sizes change here: changes at keys that
 * it has passed are added to it, those before it are left for it to find. What this node knows more
 * than the store stands in for what the listing says.
 *
 * <p>Safe from any thread; changes of names are told with the lock of {@link LocalNames} held.
 */
public final class Quota {
  /**
   * The kernel may write a file by itself while so much is free for each that it may, and so much
   * more: nobody stops it, so the room has to be larger than what a program writes between an open
   * and a close.
   */
  private static final long BYTES_PER_WRITER = 1L << 30;

  /** The same as a share of the whole. */
  private static final int LEAST_SHARE = 10;

  private final QuotaOptions options;
  private final LocalNames names;
  private final boolean limited;
  private volatile Runnable counter = () -> {};
  private final Set<LocalFile> written = ConcurrentHashMap.newKeySet();

  @GuardedBy("this")
  private long bytes;

  @GuardedBy("this")
  private long objects;

  @GuardedBy("this")
  private long countedAtMillis;

  @GuardedBy("this")
  private long refused;

  @GuardedBy("this")
  private boolean doubtful;

  @GuardedBy("this")
  private boolean asked;

  @GuardedBy("this")
  private @Nullable Count count;

  /**
   * How much.
   *
   * @param objects files, directories that have a marker, symlinks
   */
  public record Usage(long bytes, long objects) {
    static final Usage NOTHING = new Usage(0, 0);
  }

  /**
   * What status and statfs show.
   *
   * @param countedAtMillis when the last count ended; 0 where none has
   * @param refused calls that got EDQUOT
   * @param percent of the limit that is nearer, rounded down
   */
  public record Report(
      QuotaOptions limits, Usage used, long countedAtMillis, long refused, int percent) {
    /** True from {@code warn_percent} on. */
    public boolean warns() {
      return percent >= limits.warnPercent();
    }
  }

  /** A count under way. */
  private static final class Count {
    private @Nullable String upTo;
    private long bytes;
    private long objects;
    private boolean spoilt;

    boolean has(String key) {
      return upTo != null && Keys.ORDER.compare(key, upTo) <= 0;
    }
  }

  Quota(QuotaOptions options, LocalNames names) {
    this.options = options;
    this.names = names;
    this.limited = options.isLimited();
  }

  /** False where nothing is limited: then nothing is counted either. */
  public boolean isLimited() {
    return limited;
  }

  public synchronized Report report() {
    Usage used = used();
    double share =
        Math.max(
            (double) used.bytes / options.maxBytes(), (double) used.objects / options.maxObjects());
    int percent = (int) Math.min(Integer.MAX_VALUE, share * 100);
    return new Report(options, used, countedAtMillis, refused, percent);
  }

  /** Before the first count has ended, what it has found so far counts where that is more. */
  @GuardedBy("this")
  private Usage used() {
    Count now = countedAtMillis == 0 ? count : null;
    return new Usage(
        Math.max(0, now == null ? bytes : Math.max(bytes, now.bytes)),
        Math.max(0, now == null ? objects : Math.max(objects, now.objects)));
  }

  /** True where the kernel may not write by itself: the limit is near, or it is not known. */
  public synchronized boolean isNear() {
    if (options.maxBytes() == Long.MAX_VALUE) {
      return false;
    }
    if (countedAtMillis == 0) {
      return true;
    }
    long room = options.maxBytes() - used().bytes;
    long least = Math.max(BYTES_PER_WRITER, options.maxBytes() / LEAST_SHARE);
    return room < least + BYTES_PER_WRITER * written.size();
  }

  // ---- Bytes

  /** Room that was taken for a write; closed when the write has been done, or has failed. */
  public final class Growth implements AutoCloseable {
    private final LocalFile file;

    private Growth(LocalFile file) {
      this.file = file;
    }

    @Override
    public void close() {
      synchronized (Quota.this) {
        file.charge().growing--;
      }
    }
  }

  /**
   * Takes room for a file that is about to reach a size; null where it needs none.
   *
   * @throws ErrnoException EDQUOT
   */
  public @Nullable Growth grow(LocalFile file, long toBytes) throws ErrnoException {
    if (!limited || toBytes <= file.charge().bytes()) {
      return null;
    }
    synchronized (this) {
      long more = toBytes - file.charge().bytes();
      if (more <= 0 || isOut(file)) {
        return null;
      }
      check(more, 0, file.node());
      charge(file, toBytes);
      file.charge().growing++;
      return new Growth(file);
    }
  }

  /** A file is as long as its data file: the kernel wrote it, it was cut, or a write failed. */
  public void settle(LocalFile file) throws ErrnoException {
    if (!limited) {
      return;
    }
    // Nobody closes its data file meanwhile.
    names.lock.lock();
    try {
      DirtyFile data = file.content();
      if (data != null && names.file(file.node()) == file) {
        settle(file, data);
      }
    } finally {
      names.lock.unlock();
    }
  }

  private synchronized void settle(LocalFile file, DirtyFile data) throws ErrnoException {
    if (!isOut(file)) {
      long size = data.stat().sizeBytes();
      charge(file, file.charge().growing > 0 ? Math.max(size, file.charge().bytes()) : size);
    }
  }

  /** A file is being written from here on. */
  void begins(LocalFile file) {
    if (limited) {
      written.add(file);
    }
  }

  void ends(LocalFile file) {
    written.remove(file);
  }

  /** What the kernel has written by itself is charged. */
  void settleWritten() throws ErrnoException {
    for (LocalFile file : written) {
      settle(file);
    }
  }

  @GuardedBy("this")
  private void charge(LocalFile file, long toBytes) {
    long more = toBytes - file.charge().bytes();
    if (more != 0) {
      file.charge().bytes(toBytes);
      add(key(file), more, 0);
    }
  }

  // ---- Names

  /**
   * Asks for the room of something new.
   *
   * @throws ErrnoException EDQUOT
   */
  void checkNew(Node dir, long newBytes) throws ErrnoException {
    if (limited) {
      synchronized (this) {
        check(newBytes, 1, dir);
      }
    }
  }

  /** It will be an object, if it was none. */
  void counts(LocalFile file) {
    if (limited) {
      synchronized (this) {
        if (!file.charge().counted && !isOut(file)) {
          file.charge().counted = true;
          add(key(file), file.charge().bytes(), 1);
        }
      }
    }
  }

  /** A name is gone, and what it led to. */
  void leaves(Node node, @Nullable LocalFile local, Facts facts) {
    if (!limited) {
      return;
    }
    synchronized (this) {
      String key = key(node, facts.directory());
      if (local == null) {
        add(key, -facts.sizeBytes(), facts.key() == null ? 0 : -1);
      } else if (!local.charge().gone) {
        local.charge().gone = true;
        if (local.charge().counted) {
          add(key, -local.charge().bytes(), -1);
        }
      }
    }
  }

  /**
   * A file has another name.
   *
   * @param oldKey see {@link #key}
   */
  void renamed(LocalFile file, String oldKey) {
    if (!limited) {
      return;
    }
    counts(file);
    synchronized (this) {
      if (file.isDirectory() && count != null) {
        count.spoilt = true; // All below it has other keys.
      }
      add(oldKey, -file.charge().bytes(), -1);
      add(key(file), file.charge().bytes(), 1);
    }
  }

  private static String key(LocalFile file) {
    return key(file.node(), file.isDirectory());
  }

  static String key(Node node, boolean directory) {
    return Changes.keyOf(node) + (directory ? "/" : "");
  }

  @GuardedBy("this")
  private void check(long moreBytes, long moreObjects, Node at) throws ErrnoException {
    Usage used = used();
    boolean bytesFit = moreBytes <= 0 || moreBytes <= options.maxBytes() - used.bytes;
    boolean objectsFit = moreObjects <= 0 || moreObjects <= options.maxObjects() - used.objects;
    if (!bytesFit || !objectsFit) {
      refused++;
      doubtful = true;
      throw new ErrnoException(
          "the quota of the mount is used up: " + used + " of " + options + ", at " + at.path(),
          Errno.EDQUOT);
    }
  }

  @GuardedBy("this")
  private void add(String key, long moreBytes, long moreObjects) {
    bytes += moreBytes;
    objects += moreObjects;
    Count now = count;
    if (now != null && now.has(key)) {
      now.bytes += moreBytes;
      now.objects += moreObjects;
    }
  }

  private static boolean isOut(LocalFile file) {
    return file.charge().gone || file.isLost() || file.node().isUnlinked();
  }

  // ---- Counting

  /** A file that an earlier process left was counted as it is. */
  synchronized void restored(LocalFile file) throws ErrnoException {
    DirtyFile data = file.content();
    if (data != null) {
      file.charge().bytes(data.stat().sizeBytes());
    }
    file.charge().counted = true;
  }

  /** What an earlier process knew. */
  synchronized void restore(Usage used, long atMillis) {
    bytes = used.bytes;
    objects = used.objects;
    countedAtMillis = atMillis;
  }

  /** Counts anew, now. */
  public void recount() {
    synchronized (this) {
      asked = true;
    }
    counter.run();
  }

  /** Whom {@link #recount} wakes. */
  void counter(Runnable wake) {
    counter = wake;
  }

  /** What is known may be wrong, or somebody waits for room: counts anew, but not all the time. */
  synchronized void doubt() {
    doubtful = true;
  }

  synchronized boolean isDoubtful() {
    return doubtful;
  }

  synchronized boolean isAsked() {
    return asked;
  }

  synchronized void beginCount() {
    count = new Count();
    doubtful = false;
    asked = false;
  }

  synchronized void abandonCount() {
    count = null;
  }

  /**
   * Takes a page of the listing of all keys; with the names' lock held.
   *
   * @param askedAtMillis before the page was asked for
   * @param last no page follows: what was found is what is held from here on
   * @return false where the count is worth nothing any more
   */
  synchronized boolean page(
      List<ObjectInfo> page, long askedAtMillis, boolean last, long nowMillis) {
    Count now = count;
    if (now == null || now.spoilt) {
      return false;
    }
    Map<String, Usage> here = here(askedAtMillis);
    String upTo = page.isEmpty() ? now.upTo : page.getLast().key();
    for (ObjectInfo object : page) {
      if (!here.containsKey(object.key())) {
        now.bytes += object.sizeBytes();
        now.objects++;
      }
    }
    here.forEach((key, usage) -> {
      boolean reached = last || (upTo != null && Keys.ORDER.compare(key, upTo) <= 0);
      if (reached && !now.has(key)) {
        now.bytes += usage.bytes;
        now.objects += usage.objects;
      }
    });
    now.upTo = upTo;
    if (last) {
      bytes = now.bytes;
      objects = now.objects;
      countedAtMillis = nowMillis;
      count = null;
    }
    return true;
  }

  /** By key: what is charged for what the store does not have, or not as it is. */
  @GuardedBy("this")
  private Map<String, Usage> here(long askedAtMillis) {
    Map<String, Usage> here = new HashMap<>();
    for (NameChange change : names.overruling(askedAtMillis)) {
      Facts settled = change.settledFacts();
      if (change.present() == null) {
        here.put(LocalNames.key(change) + (change.isDirectory() ? "/" : ""), Usage.NOTHING);
        String also = change.alsoKey();
        if (also != null) {
          here.put(also, Usage.NOTHING);
        }
      } else if (settled != null && settled.key() != null) {
        here.put(settled.key(), new Usage(settled.sizeBytes(), 1));
      }
    }
    for (LocalFile file : names.files()) {
      if (!isOut(file) && file.node().parent() != null) {
        here.put(key(file), new Usage(file.charge().bytes(), file.charge().counted ? 1 : 0));
      }
    }
    return here;
  }
}
