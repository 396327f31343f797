package io.tiermount.fs.volume;

import io.tiermount.backends.StoreException;
import io.tiermount.backends.StoreException.Kind;
import io.tiermount.backends.Version;
import io.tiermount.fs.cache.ContentKey;
import io.tiermount.fs.cache.Staging;
import io.tiermount.fs.tree.Node;
import io.tiermount.fs.tree.Nodes;
import io.tiermount.fs.volume.NameChange.InStore;
import io.tiermount.fs.volume.Reconciler.Outcome;
import io.tiermount.fs.write.Base;
import io.tiermount.fs.write.DirtyFile;
import io.tiermount.fs.write.WriteOptions.Durability;
import java.io.IOException;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * When changes go to the store and what happens when they have, or when they can't: the schedule,
 * waiting for it, retries, lost races, and the end of a local file's life.
 */
final class Publishing implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Publishing.class);

  /** Under local durability a closed file rests so long before it is sent: appenders come again. */
  private static final long REST_NANOS = TimeUnit.SECONDS.toNanos(1);

  private static final long FIRST_RETRY_NANOS = TimeUnit.MILLISECONDS.toNanos(500);
  private static final long LAST_RETRY_NANOS = TimeUnit.SECONDS.toNanos(30);
  private static final long BUSY_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

  private final String mount;
  private final String scope;
  private final LocalNames names;
  private final Quota quota;
  private final ChangeJournal journal;
  private final Reconciler reconciler;
  private final FactsStore facts;
  private final Staging staging;
  private final WritePromises promises;
  private final UploadWatch watch;
  private final DirectAccess direct;
  private final StoreHealth health;
  private final InstantSource clock;
  private final Schedule schedule;
  private volatile OpenFiles opens = new NobodyOpen();
  private final BorrowedKeys borrowed;

  /** Changes that are worked on now, with the keys they are worked on under. */
  private final Map<NameChange, List<String>> running = new ConcurrentHashMap<>();

  /** Where renames of directories are under way: what lies there waits. */
  private final DirectoryMoves moves;

  private final BorrowedKeys.Bringer bringer;
  private final LostRaces lostRaces;

  /** What is shared by the parts of the write side. */
  record Parts(
      String mount,
      UploadWatch watch,
      String scope,
      LocalNames names,
      Quota quota,
      ChangeJournal journal,
      Reconciler reconciler,
      FactsStore facts,
      Nodes nodes,
      Staging staging,
      WritePromises promises,
      DirectAccess direct,
      StoreHealth health,
      InstantSource clock) {}

  Publishing(Parts parts, DirectoryMoves moves, BorrowedKeys.Bringer bringer) {
    this.moves = moves;
    this.bringer = bringer;
    this.lostRaces = new LostRaces(parts, this);
    this.mount = parts.mount;
    this.scope = parts.scope;
    this.names = parts.names;
    this.quota = parts.quota;
    this.borrowed = new BorrowedKeys(parts.names, parts.journal);
    parts.reconciler.tell(borrowed::written);
    this.journal = parts.journal;
    this.reconciler = parts.reconciler;
    this.facts = parts.facts;
    this.staging = parts.staging;
    this.promises = parts.promises;
    this.watch = parts.watch;
    this.direct = parts.direct;
    this.health = parts.health;
    this.clock = parts.clock;
    this.schedule = new Schedule(mount, promises.workers(), this::work, this::tick);
  }

  void start(OpenFiles openFiles) {
    opens = openFiles;
    schedule.start();
    moves.start(this);
  }

  LostRaces lostRaces() {
    return lostRaces;
  }

  OpenFiles opens() {
    return opens;
  }

  boolean isRemote() {
    return promises.now().durability() == Durability.REMOTE;
  }

  // ---- When

  /** Sends a change when its file has rested, at the latest when it is too old. */
  void later(NameChange change) {
    long age = TimeUnit.MILLISECONDS.toNanos(clock.millis() - change.sinceMillis());
    long oldest = promises.now().maxDirtyAge().toNanos() / 2;
    schedule.notBefore(change, Math.clamp(oldest - age, 0, Math.min(REST_NANOS, oldest)));
  }

  void now(NameChange change) {
    schedule.at(change, 0);
  }

  /** What the mount promises when a call returns: waits for the store, or not. */
  void promised(NameChange change) throws StoreException {
    if (isRemote()) {
      await(change);
    } else {
      later(change);
    }
  }

  /**
   * Waits until the store has it.
   *
   * @throws StoreException why the next attempt failed; it will be tried again all the same
   */
  void await(NameChange change) throws StoreException {
    CompletableFuture<@Nullable Void> settled = change.whenSettled();
    now(change);
    try {
      settled.get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new StoreException(
          Kind.INTERRUPTED, change.name(), "interrupted while " + change + " is sent");
    } catch (ExecutionException e) {
      if (e.getCause() instanceof StoreException failed) {
        throw failed;
      }
      throw new StoreException(
          Kind.LOCAL_IO, change.name(), change + " could not be sent: " + e.getCause(), e);
    }
  }

  // ---- Work

  private void work(NameChange change) {
    if (!change.isPending()) {
      return;
    }
    if (!change.begin()) {
      schedule.at(change, BUSY_NANOS / 10);
      return;
    }
    long generation = change.generation();
    boolean known = false;
    try {
      if (names.waitsForWriter(change) && !change.isAwaited()) {
        known = !change.isUncertain();
        return; // Its close, or an fsync, sends it.
      }
      String key = announce(change);
      if (isBlocked(change, key)) {
        known = !change.isUncertain();
        schedule.at(change, BUSY_NANOS);
        return;
      }
      change.waitsFor(null);
      switch (reconciler.reconcile(change, key)) {
        case Outcome.Done(Facts made) -> {
          known = true;
          health.answered();
          watch.moved();
          settle(change, generation, made);
        }
        case Outcome.Busy() -> {
          known = true;
          schedule.at(change, BUSY_NANOS);
        }
        case Outcome.Lost(LocalFile file, StoreException why) -> {
          if (!lostRaces.lost(change, file, why)) {
            schedule.at(change, 0);
          }
        }
      }
    } catch (IOException | RuntimeException e) {
      failed(change, generation, e);
    } finally {
      running.remove(change);
      change.end(known);
    }
  }

  /**
   * Says which keys are worked on, before the moves are looked at, as they look here after they
   * were announced; the key of the name.
   */
  private String announce(NameChange change) {
    String key = LocalNames.key(change);
    Node node = change.present();
    LocalFile file = node == null ? null : names.file(node);
    Base base = file == null ? null : file.base();
    running.put(change, base == null ? List.of(key) : List.of(key, base.key()));
    return key;
  }

  /** Waits until nothing is being written under two prefixes. */
  void awaitIdle(String from, String to) throws IOException {
    while (running.values().stream()
        .flatMap(List::stream)
        .anyMatch(key -> (key + "/").startsWith(from) || (key + "/").startsWith(to))) {
      try {
        Thread.sleep(5);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IOException("interrupted", e);
      }
    }
  }

  private void failed(NameChange change, long generation, Exception e) {
    if (e instanceof StoreException store) {
      boolean _ = health.failed(store);
    }
    if (change.generation() != generation) {
      // What failed is not what the name is now: who waits for that has not failed.
      log.debug("{}: {} could not be sent as it was: {}", mount, change, e.getMessage());
      change.attemptFailed(e);
      schedule.at(change, FIRST_RETRY_NANOS);
      return;
    }
    change.failed(e);
    int shift = Math.min(change.failures() - 1, 10);
    long delay = Math.min(LAST_RETRY_NANOS, FIRST_RETRY_NANOS << shift);
    log.warn(
        "{}: {} could not be sent: {}; next try in {} ms",
        mount,
        change,
        e.getMessage(),
        TimeUnit.NANOSECONDS.toMillis(delay));
    schedule.at(change, delay);
  }

  /** True while something else has to be in the store before. */
  private boolean isBlocked(NameChange change, String key) throws IOException {
    if (running.getOrDefault(change, List.of()).stream().anyMatch(moves::isMoving)) {
      return true;
    }
    NameChange left = names.leftAt(change, key);
    if (left != null) {
      hurry(change, left);
      return true;
    }
    BorrowedKeys.Wait wait = borrowed.before(change, key);
    if (wait == null) {
      return false;
    }
    if (wait.circle()) {
      // Each waits for the other. Its bytes come here instead.
      bringer.bringHere(wait.file());
      return borrowed.before(change, key) != null;
    }
    hurry(change, wait.first());
    return true;
  }

  /** Somebody waits for it; what failed keeps its pause. */
  private void hurry(NameChange change, NameChange first) {
    change.waitsFor(first);
    if (first.failures() == 0) {
      now(first);
    }
  }

  /** The content of a file that got another name still lies under its base's key. */
  void borrows(LocalFile file) {
    borrowed.borrows(file);
  }

  private void settle(NameChange change, long generation, @Nullable Facts made) throws IOException {
    LocalFile file;
    names.lock.lock();
    try {
      Node node = change.present();
      file = node == null ? null : names.file(node);
      if (change.generation() != generation) {
        change.sent(generation);
        journal.put(change);
        schedule.at(change, isRemote() ? 0 : BUSY_NANOS);
        return;
      }
      note(change, made);
      if (!change.settled(generation, made, clock.millis())) {
        throw new IllegalStateException("names.lock is held by whoever changes a name");
      }
      journal.batch(batch -> {
        journal.remove(batch, change);
        if (file != null && file.content() == null) {
          journal.remove(batch, file);
        } else if (file != null) {
          file.acknowledged(false);
          journal.put(batch, file);
        }
      });
      if (file != null && file.content() == null) {
        names.remove(file);
        clean(file, made);
      }
    } finally {
      names.lock.unlock();
    }
    if (file != null && file.content() != null) {
      retire(file);
    }
  }

  private void note(NameChange change, @Nullable Facts made) {
    if (made == null) {
      facts.remove(change.dir().id(), change.name());
    } else {
      facts.put(change.dir().id(), change.name(), made);
    }
  }

  /** The store has all there was to know of it. */
  private void clean(LocalFile file, @Nullable Facts made) {
    Node node = file.node();
    if (made == null) {
      return;
    }
    Version before = node.attachment() instanceof Facts told ? told.version() : null;
    node.attach(made);
    if (made.version() != null) {
      for (Version former : file.formerVersions()) {
        opens.reversion(node, former, made.version());
      }
      if (before != null) {
        opens.reversion(node, before, made.version());
      }
    }
  }

  // ---- The end of a local file

  /** Makes a cached file of a local one that is published and that nobody has open. */
  void retire(LocalFile file) {
    DirtyFile data = file.content();
    if (data == null) {
      return;
    }
    try {
      boolean _ = opens.ifClosed(file.node(), () -> retireClosed(file, data));
    } catch (IOException e) {
      log.warn("{}: {} stays as it is: {}", mount, file, e.getMessage());
    }
  }

  private void retireClosed(LocalFile file, DirtyFile data) throws IOException {
    names.lock.lock();
    try {
      Node node = file.node();
      Node dir = node.parent();
      if (names.file(node) != file || dir == null || file.isPinned()) {
        return;
      }
      if (node.isUnlinked() || file.isLost()) {
        names.remove(file);
        journal.batch(batch -> journal.remove(batch, file));
        data.close();
        staging.end(data.staging(), file.isLost());
        return;
      }
      NameChange change = names.change(dir, node.name());
      Base base = file.base();
      if ((change != null && change.isPending()) || base == null) {
        return;
      }
      if (data.isChanged()) {
        // A mapping wrote after its descriptor was closed.
        file.acknowledged(true);
        pending(file);
        return;
      }
      if (!data.staging().isUnused()) {
        return;
      }
      names.remove(file);
      Facts stored = facts.get(dir.id(), node.name());
      node.attach(stored != null && base.version().equals(stored.version()) ? stored : null);
      journal.batch(batch -> journal.remove(batch, file));
      data.close();
      if (data.isWhole() && !direct.covers(base.key(), file.meta().contentType())) {
        boolean _ =
            staging.adopt(data.staging(), new ContentKey(scope, base.key(), base.version()));
      } else {
        staging.discard(data.staging());
      }
    } finally {
      names.lock.unlock();
    }
  }

  /** Notes that a file's content or attributes are not the store's; with the names' lock held. */
  NameChange pending(LocalFile file) throws IOException {
    Node node = file.node();
    Node dir = node.parent();
    if (dir == null) {
      throw new IllegalStateException("the root is no file");
    }
    Base base = file.base();
    String key = Changes.keyOf(node) + (file.isDirectory() ? "/" : "");
    InStore inStore =
        base == null
            ? InStore.NOTHING
            : base.key().equals(key) ? new InStore.Held(base.version()) : InStore.UNKNOWN;
    NameChange change = names.changing(dir, node.name(), node.segment(), inStore);
    change.shallBe(node, file.isDirectory(), clock.millis());
    names.add(file);
    quota.counts(file);
    journal.batch(batch -> {
      journal.put(batch, file);
      journal.put(batch, change);
    });
    later(change);
    return change;
  }

  // ---- Now and then

  private void tick() {
    names.sweep();
    long failing = names.pending().stream().filter(change -> change.failures() > 0).count();
    watch.look(Math.max(running.size(), (int) failing));
    for (LocalFile file : names.files()) {
      if (file.content() != null) {
        retire(file);
      }
    }
  }

  /** Data and journal survive a power loss. */
  void sync(LocalFile file) throws IOException {
    DirtyFile data = file.content();
    if (data != null) {
      data.sync();
    }
    journal.sync();
  }

  /** Sends everything; returns when the store has it. */
  void drain() throws StoreException {
    for (NameChange change : sendable()) {
      await(change);
    }
  }

  /** What is pending, but for what its writers have neither closed nor synced. */
  List<NameChange> sendable() {
    return names.pending().stream().filter(change -> !names.waitsForWriter(change)).toList();
  }

  @Override
  public void close() {
    schedule.close();
  }
}
