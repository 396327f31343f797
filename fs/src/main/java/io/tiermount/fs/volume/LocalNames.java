package io.tiermount.fs.volume;

import io.tiermount.backends.Version;
import io.tiermount.backends.os.Errno;
import io.tiermount.backends.os.ErrnoException;
import io.tiermount.fs.tree.Node;
import io.tiermount.fs.volume.NameChange.InStore;
import io.tiermount.fs.volume.Resolution.Found;
import io.tiermount.fs.volume.Resolution.Missing;
import java.time.InstantSource;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * What names and files are on this node while the store does not know it yet, laid over what the
 * store says. A change stays for a while after the store has it, since answers to questions that
 * were asked before may still come in. Safe from any thread; {@link #lock} makes several steps one.
 */
final class LocalNames {
  /** Longer than any request to a store takes. */
  private static final long KEPT_MILLIS = TimeUnit.MINUTES.toMillis(2);

  private static final long LONG_AGO = 1;

  private final InstantSource clock;
  private final Map<Long, Map<String, NameChange>> changes = new ConcurrentHashMap<>();
  private final Map<Long, LocalFile> files = new ConcurrentHashMap<>();

  /** Directories made here, and since when all that is in them is known. */
  private final Map<Long, Long> own = new ConcurrentHashMap<>();

  /** Directories that were removed while names in them were still on their way. */
  private final Set<Node> detached = ConcurrentHashMap.newKeySet();

  /** Held while names change; a mount's changes happen one after the other. */
  final ReentrantLock lock = new ReentrantLock();

  LocalNames(InstantSource clock) {
    this.clock = clock;
  }

  @Nullable LocalFile file(Node node) {
    return files.isEmpty() ? null : files.get(node.id());
  }

  void add(LocalFile file) {
    files.put(file.node().id(), file);
  }

  void remove(LocalFile file) {
    files.remove(file.node().id(), file);
  }

  Collection<LocalFile> files() {
    return files.values();
  }

  @Nullable NameChange change(Node dir, String name) {
    Map<String, NameChange> inDir = changes.get(dir.id());
    return inDir == null ? null : inDir.get(name);
  }

  /**
   * The change of a name, a new one where there is none or where it was settled.
   *
   * @param inStore what the store has there as far as is known, where the name was not changed here
   */
  NameChange changing(Node dir, String name, String segment, InStore inStore) {
    Map<String, NameChange> inDir =
        changes.computeIfAbsent(dir.id(), _ -> new ConcurrentHashMap<>());
    NameChange known = inDir.get(name);
    if (known != null && known.isPending()) {
      return known;
    }
    NameChange fresh = new NameChange(dir, name, segment, null, false, inStore, clock.millis());
    inDir.put(name, fresh);
    return fresh;
  }

  void restore(NameChange change) {
    changes
        .computeIfAbsent(change.dir().id(), _ -> new ConcurrentHashMap<>())
        .put(change.name(), change);
  }

  /** Takes a change back as if it had never been. */
  void drop(NameChange change) {
    Map<String, NameChange> inDir = changes.get(change.dir().id());
    if (inDir != null) {
      inDir.remove(change.name(), change);
    }
  }

  Collection<NameChange> changesIn(Node dir) {
    Map<String, NameChange> inDir = changes.get(dir.id());
    return inDir == null ? List.of() : inDir.values();
  }

  /** Every change that the store does not have yet. */
  List<NameChange> pending() {
    return changes.values().stream()
        .flatMap(inDir -> inDir.values().stream())
        .filter(NameChange::isPending)
        .toList();
  }

  /** Every change that overrules what the store said to a question asked then. */
  List<NameChange> overruling(long askedAtMillis) {
    return changes.values().stream()
        .flatMap(inDir -> inDir.values().stream())
        .filter(change -> change.isPending() || change.settledAtMillis() >= askedAtMillis)
        .toList();
  }

  // ---- Directories that are gone, with removals in them that the store does not know yet

  /** A directory is removed or replaced: it was empty, or shall be. With the lock held. */
  void detach(Node dir) {
    if (changesIn(dir).stream().anyMatch(NameChange::isPending)) {
      detached.add(dir);
    }
  }

  boolean isDetached(Node dir) {
    return !detached.isEmpty() && detached.contains(dir);
  }

  /**
   * The removals below a prefix that are left over from directories that had it before: they come
   * before whatever is written there now.
   */
  List<NameChange> leftBelow(String prefix) {
    if (detached.isEmpty()) {
      return List.of();
    }
    return detached.stream()
        .flatMap(dir -> changesIn(dir).stream())
        .filter(change -> change.isPending() && (key(change) + "/").startsWith(prefix))
        .toList();
  }

  /**
   * One that comes before a change, since it has the same key, or a key below that of a directory:
   * the directory would be seen by it after its removal; null for none.
   */
  @Nullable NameChange leftAt(NameChange change, String key) {
    if (detached.isEmpty() || isDetached(change.dir())) {
      return null;
    }
    return leftBelow(key + "/").stream()
        .filter(left -> change.isDirectory() || key(left).equals(key))
        .findFirst()
        .orElse(null);
  }

  /**
   * What a name is known to be where {@code facts} may be an answer to an older question. With the
   * lock held.
   */
  Facts newest(Node node, Facts facts) throws ErrnoException {
    // The local file that these were of has become the store's meanwhile.
    boolean over = facts.version() != null && LocalFile.isLocal(facts.version());
    Node dir = node.parent();
    NameChange change = dir == null ? null : change(dir, node.name());
    Facts settled = change == null ? null : change.settledFacts();
    if (change != null
        && settled != null
        && !change.isPending()
        && change.present() == node
        && (settled.key() == null || settled.key().startsWith(storeKey(change.dir())))
        && (over || facts.seenAtMillis() <= change.settledAtMillis())) {
      return settled;
    }
    if (over) {
      throw new ErrnoException("changing " + node.path(), Errno.ESTALE);
    }
    return facts;
  }

  /** True for facts of a local file that has become one of the store's meanwhile. */
  boolean isOver(Node node, Facts facts) {
    Version version = facts.version();
    LocalFile file = file(node);
    return version != null
        && LocalFile.isLocal(version)
        && (file == null || !file.isVersion(version));
  }

  /** Nothing of it can be sent before its writer closes or syncs it. */
  boolean waitsForWriter(NameChange change) {
    Node node = change.present();
    LocalFile file = node == null ? null : file(node);
    return file != null && file.waitsForWriter(key(change));
  }

  /** Forgets what was settled long ago. */
  void sweep() {
    detached.removeIf(dir -> changesIn(dir).stream().noneMatch(NameChange::isPending));
    long before = clock.millis() - KEPT_MILLIS;
    for (Map.Entry<Long, Map<String, NameChange>> inDir : changes.entrySet()) {
      inDir.getValue().values().removeIf(change -> isPast(change, before));
      if (inDir.getValue().isEmpty()) {
        changes.computeIfPresent(inDir.getKey(), (_, map) -> map.isEmpty() ? null : map);
      }
    }
  }

  private boolean isPast(NameChange change, long beforeMillis) {
    Node node = change.present();
    return !change.isPending()
        && change.settledAtMillis() < beforeMillis
        && (node == null || file(node) == null);
  }

  /** The change that overrules what the store said to a question asked then; null for none. */
  @Nullable NameChange overruling(Node dir, String name, long askedAtMillis) {
    return overruling(dir.id(), name, askedAtMillis);
  }

  @Nullable NameChange overruling(long dirId, String name, long askedAtMillis) {
    Map<String, NameChange> inDir = changes.get(dirId);
    NameChange change = inDir == null ? null : inDir.get(name);
    return change != null && (change.isPending() || change.settledAtMillis() >= askedAtMillis)
        ? change
        : null;
  }

  /** What a change makes of its name. */
  Resolution resolution(NameChange change) throws ErrnoException {
    Facts facts = facts(change);
    return facts == null ? new Missing(clock.millis()) : new Found(change.segment(), facts);
  }

  /** The facts of what a change makes of its name; null for nothing. */
  @Nullable Facts facts(NameChange change) throws ErrnoException {
    Node node = change.present();
    if (node == null) {
      return null;
    }
    LocalFile file = file(node);
    if (file != null) {
      return file.facts(key(change), clock.millis());
    }
    return change.settledFacts();
  }

  /**
   * What a file of this node is now. One that was retired meanwhile has no data file any more: its
   * node knows what the store has.
   */
  Facts facts(LocalFile file, String key) throws ErrnoException {
    lock.lock();
    try {
      return file(file.node()) != file && file.node().attachment() instanceof Facts attached
          ? attached
          : file.facts(key, clock.millis());
    } finally {
      lock.unlock();
    }
  }

  /** Where the object of a name shall be; without the / of a directory's marker. */
  static String key(NameChange change) {
    return pathKey(change.dir()) + change.segment();
  }

  /** The prefix of what lies below a directory by its name; "" for the root. */
  static String pathKey(Node dir) {
    Node parent = dir.parent();
    return parent == null ? "" : pathKey(parent) + dir.segment() + "/";
  }

  /**
   * True where a directory is read under another prefix than its own, since a rename is under way.
   */
  static boolean isMoved(Node dir) {
    for (Node at = dir; at != null; at = at.parent()) {
      if (at.storeKey() != null) {
        return true;
      }
    }
    return false;
  }

  /** The prefix under which the store has it now. */
  static String storeKey(Node dir) {
    String moved = dir.storeKey();
    if (moved != null) {
      return moved;
    }
    Node parent = dir.parent();
    return parent == null ? "" : storeKey(parent) + dir.segment() + "/";
  }

  // ---- Directories made here

  /** A directory was made here: nobody else has put anything into it yet. */
  void owns(Node dir) {
    own.put(dir.id(), clock.millis());
  }

  /** One that an earlier process made; what is in it has to be asked for while the store is up. */
  void ownedBefore(Node dir) {
    own.put(dir.id(), LONG_AGO);
  }

  boolean isOwnBefore(Node dir) {
    return knownSinceMillis(dir) == LONG_AGO;
  }

  boolean isOwn(Node dir) {
    return own.containsKey(dir.id());
  }

  /** All names in it were known then; 0 where it is not ours. */
  long knownSinceMillis(Node dir) {
    return own.getOrDefault(dir.id(), 0L);
  }

  /** It was listed whole. */
  void listed(Node dir, long askedAtMillis) {
    own.computeIfPresent(dir.id(), (_, since) -> Math.max(since, askedAtMillis));
  }

  /** It is too large, or gone. */
  void disown(Node dir) {
    disown(dir.id());
  }

  /** What is known of the names in it is no longer. */
  void disown(long dirId) {
    own.remove(dirId);
  }

  /**
   * The marker of another form goes with its directory. Any other key that a name has, such as the
   * one that a renamed file's content still lies under, is another name's.
   */
  static void alsoKey(NameChange change, Facts facts) {
    String key = facts.key();
    String own = key(change);
    boolean marker =
        facts.directory()
            && facts.version() != null
            && (own.equals(key) || (own + ListingMerger.FOLDER_SUFFIX).equals(key));
    change.alsoKey(marker ? key : null);
  }
}
