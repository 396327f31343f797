package io.tiermount.fs.volume;

import io.tiermount.fs.tree.Node;
import io.tiermount.fs.volume.Backlog.Failing;
import io.tiermount.fs.write.Base;
import io.tiermount.fs.write.DirtyFile;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One wait for the store: what was pending below a path when it began, as it was then or as it
 * became since. What its writers have neither closed nor synced is no version of a file and not
 * waited for. Sends at once what would have rested. For one thread, which looks until it is done.
 */
public final class SyncRun {
  /** Between attempts at what failed, while somebody waits. */
  private static final long AGAIN_NANOS = 1_000_000_000;

  /** Of those that failed, so many are tried to see whether the store is back. */
  private static final int TRIED = 4;

  /** Longer chains of changes that wait for one another have no reason to be there. */
  private static final int DEEPEST = 16;

  /** A change, and what of it is waited for. */
  private record Entry(
      NameChange change, @Nullable Node node, long generation, long failedBefore, long bytes) {}

  private final Backlog backlog;
  private final LocalNames names;
  private final Publishing publishing;
  private final DirectoryMoves moves;
  private final Map<NameChange, Entry> open = new LinkedHashMap<>();

  /** What those wait for without having been asked for. */
  private final Map<NameChange, Entry> others = new HashMap<>();

  private final Set<Long> moving;
  private final Map<Long, Long> movesFailedBefore = new HashMap<>();
  private final List<Failing> lost = new ArrayList<>();
  private final long total;
  private long totalBytes;
  private long done;
  private long doneBytes;
  private long unfinished;
  private long triedNanos = System.nanoTime();
  private long doneWhenTried;

  /**
   * @param inside below the mount; "" is all of it
   */
  SyncRun(
      Backlog backlog,
      LocalNames names,
      Publishing publishing,
      DirectoryMoves moves,
      String inside) {
    this.backlog = backlog;
    this.names = names;
    this.publishing = publishing;
    this.moves = moves;
    this.moving = inside.isEmpty() ? moves.all() : moves.touching(inside);
    moves.troubles().forEach((node, trouble) -> movesFailedBefore.put(node, trouble.attempts()));
    // A mapping that wrote after its descriptor was closed.
    names.files().forEach(publishing::retire);
    for (NameChange change : names.pending()) {
      String path = Backlog.path(change);
      if (!inside.isEmpty() && !path.equals(inside) && !path.startsWith(inside + "/")) {
        continue;
      }
      if (names.waitsForWriter(change)) {
        unfinished++;
      } else {
        Entry entry = entry(change);
        open.put(change, entry);
        totalBytes += entry.bytes;
      }
    }
    total = (long) open.size() + moving.size();
    open.keySet().forEach(publishing::now);
  }

  private Entry entry(NameChange change) {
    Node node = change.present();
    return new Entry(change, node, change.generation(), change.failedAttempts(), bytes(node));
  }

  private long bytes(@Nullable Node node) {
    LocalFile file = node == null ? null : names.file(node);
    DirtyFile data = file == null ? null : file.content();
    return data == null ? 0 : Backlog.changedBytes(data);
  }

  /**
   * Looks where it stands.
   *
   * @param patient what failed is tried again and waited for; else one failed attempt is enough
   * @return true where there is nothing left to wait for
   */
  public boolean look(boolean patient) {
    for (Entry entry : List.copyOf(open.values())) {
      NameChange change = entry.change;
      if (change.wasSent(entry.generation)) {
        open.remove(change);
        if (!follow(entry)) {
          done++;
          doneBytes += entry.bytes;
        }
      } else if (names.change(change.dir(), change.name()) != change) {
        open.remove(change);
        if (change.failedAttempts() > entry.failedBefore) {
          lost.add(new Failing(Backlog.path(change), String.valueOf(change.failure())));
        } else {
          done++; // Taken back: there was nothing to be sent.
        }
      } else if (names.waitsForWriter(change)) {
        open.remove(change);
        unfinished++; // Another file has the name by now, and its writer goes on.
      }
    }
    for (Long node : List.copyOf(moving)) {
      if (!moves.isUnderWay(node)) {
        moving.remove(node);
        done++;
      }
    }
    if (backlog.isClosed() || (open.isEmpty() && moving.isEmpty())) {
      return true;
    }
    if (patient) {
      tryAgain();
      return false;
    }
    return open.values().stream().allMatch(entry -> trouble(entry, 0) != null)
        && moving.stream().allMatch(node -> moveTrouble(node) != null);
  }

  /** A file that was renamed meanwhile is in the store when its new name is; true for such. */
  private boolean follow(Entry entry) {
    Node node = entry.node;
    if (node == null || node.isUnlinked()) {
      return false;
    }
    Node dir = node.parent();
    NameChange now = dir == null ? null : names.change(dir, node.name());
    if (now == null
        || now == entry.change
        || open.containsKey(now)
        || now.present() != node
        || !now.isPending()
        || names.waitsForWriter(now)) {
      return false;
    }
    Entry next = new Entry(now, node, now.generation(), now.failedAttempts(), entry.bytes);
    open.put(now, next);
    publishing.now(now);
    return true;
  }

  /** Why an attempt since the beginning has failed; null where none has. */
  private @Nullable String trouble(Entry entry, int depth) {
    NameChange change = entry.change;
    if (change.failedAttempts() > entry.failedBefore) {
      return String.valueOf(change.failure());
    }
    NameChange first = change.waitsFor();
    if (first != null && depth < DEEPEST) {
      Entry before = open.get(first);
      if (before == null) {
        before =
            others.computeIfAbsent(
                first,
                asked -> {
                  publishing.now(asked);
                  return entry(asked);
                });
      }
      String why = trouble(before, depth + 1);
      if (why != null) {
        return "waits for " + Backlog.path(first) + ": " + why;
      }
    }
    return movesIn(change) ? anyMoveTrouble() : null;
  }

  private boolean movesIn(NameChange change) {
    Node node = change.present();
    LocalFile file = node == null ? null : names.file(node);
    Base base = file == null ? null : file.base();
    return moves.isMoving(LocalNames.key(change)) || (base != null && moves.isMoving(base.key()));
  }

  private @Nullable String anyMoveTrouble() {
    return moves.troubles().keySet().stream()
        .map(this::moveTrouble)
        .filter(why -> why != null)
        .findFirst()
        .orElse(null);
  }

  private @Nullable String moveTrouble(long node) {
    DirectoryMoves.Trouble trouble = moves.troubles().get(node);
    return trouble == null || trouble.attempts() <= movesFailedBefore.getOrDefault(node, 0L)
        ? null
        : trouble.why();
  }

  /** Some of what failed, now and then; all of it as soon as something got through. */
  private void tryAgain() {
    if (System.nanoTime() - triedNanos < AGAIN_NANOS) {
      return;
    }
    triedNanos = System.nanoTime();
    List<Entry> failed =
        open.values().stream().filter(entry -> entry.change.failures() > 0).toList();
    long many = done > doneWhenTried ? failed.size() : TRIED;
    doneWhenTried = done;
    failed.stream()
        .limit(many)
        .forEach(entry -> {
          publishing.now(entry.change);
          // Another one's turn comes next time.
          open.remove(entry.change);
          open.put(entry.change, entry);
        });
  }

  /** How many changes the store has of those that were pending. */
  public long done() {
    return done;
  }

  public long total() {
    return total;
  }

  /** At most: of what is changed in a large file. */
  public long doneBytes() {
    return doneBytes;
  }

  public long totalBytes() {
    return totalBytes;
  }

  /** Files that were left out since their writers have neither closed nor synced them. */
  public long unfinished() {
    return unfinished;
  }

  /** What lost against another writer: no wait brings it to the store. */
  public List<Failing> lost() {
    return List.copyOf(lost);
  }

  /** What is not in the store now, with the reason as far as there is one. */
  public List<Failing> left() {
    List<Failing> left = new ArrayList<>();
    for (Entry entry : open.values()) {
      left.add(new Failing(Backlog.path(entry.change), why(entry)));
    }
    for (Long node : moving) {
      DirectoryMoves.Trouble trouble = moves.troubles().get(node);
      left.add(
          trouble == null
              ? new Failing("", "a directory is being renamed in the store")
              : new Failing(trouble.path(), trouble.why()));
    }
    return left;
  }

  private String why(Entry entry) {
    if (backlog.isClosed()) {
      return "the mount was ended meanwhile; it is sent when it is mounted again";
    }
    String now = trouble(entry, 0);
    String last = now == null ? entry.change.failure() : now;
    return last == null ? "it is on its way" : last;
  }
}
