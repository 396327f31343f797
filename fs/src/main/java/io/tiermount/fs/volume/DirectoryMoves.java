package io.tiermount.fs.volume;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.tiermount.backends.ListPage;
import io.tiermount.backends.ListRequest;
import io.tiermount.backends.ObjectInfo;
import io.tiermount.backends.ObjectStore;
import io.tiermount.backends.StoreException;
import io.tiermount.backends.StoreException.Kind;
import io.tiermount.backends.Version;
import io.tiermount.backends.WriteCondition;
import io.tiermount.fs.cache.BlockCache;
import io.tiermount.fs.cache.ContentKey;
import io.tiermount.fs.meta.MetaException;
import io.tiermount.fs.tree.Node;
import io.tiermount.fs.tree.Nodes;
import io.tiermount.fs.volume.ChangeJournal.MoveRecord;
import io.tiermount.fs.volume.NameChange.InStore;
import io.tiermount.fs.write.Base;
import java.io.IOException;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Renames of directories. On this node they have happened at once; in the store every object below
 * is copied on the server side, then deleted under its old key. Until all are copied the directory
 * is read under its old prefix; until all are deleted nothing else is written under either prefix.
 * Each can be done again from any point: the journal says which half it is in.
 */
final class DirectoryMoves implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(DirectoryMoves.class);
  private static final int PARALLEL = 16;
  private static final int DEEPEST = 500;
  private static final long RETRY_MILLIS = 1000;
  private static final int FORWARDED = 20_000;

  /** Bounds the clocks of store and node against each other. */
  private static final long CLOCK_SKEW_SECONDS = 300;

  private record Name(String key, Version version) {}

  /** One under way. */
  private record Move(Node node, MoveRecord record, CompletableFuture<@Nullable Void> done) {}

  /**
   * How often a rename that is under way has failed, and why the last time.
   *
   * @param path where the directory is now
   */
  record Trouble(String path, long attempts, String why) {}

  /** By the node's number; gone with its rename. */
  private final Map<Long, Trouble> troubles = new ConcurrentHashMap<>();

  private final String mount;
  private final String scope;
  private final ObjectStore store;
  private final LocalNames names;
  private final Nodes nodes;
  private final ChangeJournal journal;
  private final FactsStore facts;
  private final BlockCache cache;
  private final InstantSource clock;
  private final Map<Long, Move> moves = new ConcurrentHashMap<>();
  private final Cache<Name, Name> forwards = Caffeine.newBuilder().maximumSize(FORWARDED).build();
  private final ExecutorService copies =
      Executors.newFixedThreadPool(PARALLEL, virtual("move-object"));
  private volatile boolean closed;
  private volatile @Nullable Publishing publishing;

  DirectoryMoves(Publishing.Parts parts, ObjectStore store, BlockCache cache) {
    this.mount = parts.mount();
    this.scope = parts.scope();
    this.store = store;
    this.names = parts.names();
    this.nodes = parts.nodes();
    this.journal = parts.journal();
    this.facts = parts.facts();
    this.cache = cache;
    this.clock = parts.clock();
  }

  private static ThreadFactory virtual(String name) {
    return Thread.ofVirtual().name(name).factory();
  }

  void start(Publishing publisher) {
    publishing = publisher;
    moves.values().forEach(this::run);
  }

  private Publishing publishing() {
    Publishing started = publishing;
    if (started == null) {
      throw new IllegalStateException("start() comes first");
    }
    return started;
  }

  /** True while objects are on their way from or to where a key lies. */
  boolean isMoving(String key) {
    if (moves.isEmpty()) {
      return false;
    }
    String path = key + "/";
    for (Move move : moves.values()) {
      if (path.startsWith(move.record.from()) || path.startsWith(move.record.to())) {
        return true;
      }
    }
    return false;
  }

  /** True where what the store has under a directory's own prefix is no longer its. */
  boolean hides(Node dir) {
    if (moves.isEmpty()) {
      return false;
    }
    String path = LocalNames.pathKey(dir);
    if (!path.equals(LocalNames.storeKey(dir))) {
      return false;
    }
    for (Move move : moves.values()) {
      if (path.startsWith(move.record.from()) && !isBelow(dir, move.node)) {
        return true;
      }
    }
    return false;
  }

  private static boolean isBelow(Node dir, Node ancestor) {
    for (Node at = dir; at != null; at = at.parent()) {
      if (at == ancestor) {
        return true;
      }
    }
    return false;
  }

  /** Waits until nothing moves from or to where a directory lies. */
  void awaitQuiet(String prefix) throws StoreException {
    for (Move move : moves.values()) {
      MoveRecord record = move.record;
      if (overlap(prefix, record.from()) || overlap(prefix, record.to())) {
        try {
          move.done.get();
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
          throw new StoreException(
              Kind.INTERRUPTED, prefix, "interrupted while " + record.from() + " is renamed");
        } catch (ExecutionException e) {
          throw new StoreException(Kind.CLOSED, prefix, "the mount is ending", e);
        }
      }
    }
  }

  private static boolean overlap(String a, String b) {
    return a.startsWith(b) || b.startsWith(a);
  }

  /** A rename that is journalled and done on this node; the rest follows. */
  void begin(Node node, MoveRecord record) {
    run(add(node, record));
  }

  /** One that an earlier process did not end. */
  void restore(Node node, MoveRecord record) {
    Move _ = add(node, record);
  }

  private Move add(Node node, MoveRecord record) {
    if (!record.copied()) {
      node.storeKey(record.from());
    }
    Move move = new Move(node, record, new CompletableFuture<>());
    moves.put(node.id(), move);
    return move;
  }

  /** Where an object that was renamed lies now; null where it was not. */
  @Nullable Base forward(String key, Version version) {
    Name now = forwards.getIfPresent(new Name(key, version));
    return now == null ? null : new Base(now.key, now.version, 0);
  }

  /** An object got another name. */
  void renamed(String key, Version version, String newKey, Version newVersion) {
    forwards.put(new Name(key, version), new Name(newKey, newVersion));
  }

  int underWay() {
    return moves.size();
  }

  private void run(Move move) {
    Thread.ofVirtual()
        .name("move " + move.record.from())
        .start(() -> {
          Move at = move;
          while (!closed) {
            try {
              if (!at.record.copied()) {
                publishing().awaitIdle(at.record.from(), at.record.to());
                copyAll(at.record);
                at = flip(at);
              }
              deleteAll(at.record);
              end(at);
              return;
            } catch (IOException | RuntimeException e) {
              trouble(at, e);
              log.warn(
                  "{}: renaming {} to {} goes on later: {}",
                  mount,
                  at.record.from(),
                  at.record.to(),
                  e.getMessage());
              if (!pause()) {
                return;
              }
            }
          }
        });
  }

  private void trouble(Move move, Exception why) {
    troubles.compute(
        move.node.id(),
        (_, before) ->
            new Trouble(
                move.node.path(),
                before == null ? 1 : before.attempts() + 1,
                "renaming "
                    + move.record.from()
                    + " to "
                    + move.record.to()
                    + ": "
                    + why.getMessage()));
  }

  /** Of renames under way, by the number of their directory. */
  Map<Long, Trouble> troubles() {
    return troubles;
  }

  /** The numbers of the directories that are being renamed, and touch a path below the mount. */
  Set<Long> touching(String path) {
    return moves.values().stream()
        .filter(move ->
            overlap(path + "/", KeyPath.of(move.record.from()) + "/")
                || overlap(path + "/", KeyPath.of(move.record.to()) + "/"))
        .map(move -> move.node.id())
        .collect(Collectors.toCollection(HashSet::new));
  }

  /** The numbers of all directories that are being renamed. */
  Set<Long> all() {
    return new HashSet<>(moves.keySet());
  }

  boolean isUnderWay(long nodeId) {
    return moves.containsKey(nodeId);
  }

  private static boolean pause() {
    try {
      Thread.sleep(RETRY_MILLIS);
      return true;
    } catch (InterruptedException e) {
      return false;
    }
  }

  private interface Each {
    void accept(ObjectInfo object) throws IOException;
  }

  /** Every object below a prefix, so many at once. */
  private void forEach(String prefix, Each each) throws IOException {
    ListRequest request = new ListRequest(prefix, null, null, null, ListRequest.MAX_KEYS);
    while (true) {
      ListPage page = store.list(request);
      List<Future<?>> running = new ArrayList<>();
      for (ObjectInfo object : page.objects()) {
        running.add(
            copies.submit(() -> {
              each.accept(object);
              return null;
            }));
      }
      for (Future<?> one : running) {
        join(one);
      }
      if (page.nextToken() == null) {
        return;
      }
      request = request.next(page.nextToken());
    }
  }

  private static void join(Future<?> running) throws IOException {
    try {
      running.get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    } catch (ExecutionException e) {
      throw e.getCause() instanceof IOException io ? io : new IOException(e.getCause());
    }
  }

  private void copyAll(MoveRecord move) throws IOException {
    forEach(move.from(), object -> copy(move, object));
  }

  private void copy(MoveRecord move, ObjectInfo object) throws IOException {
    String newKey = move.to() + object.key().substring(move.from().length());
    ObjectInfo made;
    try {
      made = store.copy(object.key(), null, newKey, null, WriteCondition.ALWAYS);
    } catch (StoreException e) {
      if (e.kind() == Kind.NOT_FOUND) {
        return; // Deleted by somebody else meanwhile.
      }
      throw e;
    }
    renamed(object.key(), object.version(), newKey, made.version());
    boolean _ =
        cache.rekey(
            new ContentKey(scope, object.key(), object.version()),
            new ContentKey(scope, newKey, made.version()));
  }

  /** All is under the new prefix: from here on it is read there. */
  private Move flip(Move move) throws IOException {
    MoveRecord copied =
        new MoveRecord(move.record.nodeId(), move.record.from(), move.record.to(), true);
    names.lock.lock();
    try {
      rebase(copied);
      journal.batch(batch -> {
        journal.put(batch, copied);
        for (LocalFile file : names.files()) {
          Base base = file.base();
          if (base != null && base.key().startsWith(copied.to())) {
            journal.put(batch, file);
          }
        }
      });
      // Before it is read at its new place: what was known of the names in it is no answer there.
      disown(move.node.id(), 0);
      move.node.storeKey(null);
      Move now = new Move(move.node, copied, move.done);
      moves.put(move.node.id(), now);
      forget(move.node.id(), 0);
      return now;
    } finally {
      names.lock.unlock();
    }
  }

  /** Local files whose base was below the old prefix have it below the new one. */
  private void rebase(MoveRecord move) throws IOException {
    for (LocalFile file : names.files()) {
      Base base = file.base();
      if (base == null || !base.key().startsWith(move.from())) {
        continue;
      }
      String key = move.to() + base.key().substring(move.from().length());
      Base moved = forward(base.key(), base.version());
      Version version = moved == null ? null : moved.version();
      if (version == null) {
        Optional<ObjectInfo> there = store.head(key);
        version = there.map(ObjectInfo::version).orElse(null);
      }
      if (version != null) {
        file.base(new Base(key, version, base.sizeBytes()));
        publishing().borrows(file);
      }
    }
    for (NameChange change : names.pending()) {
      if (!LocalNames.key(change).startsWith(move.to())
          || !(change.inStore() instanceof InStore.Held)) {
        continue;
      }
      Node node = change.present();
      LocalFile file = node == null ? null : names.file(node);
      Base base = file == null ? null : file.base();
      change.inStore(
          base != null && base.key().equals(LocalNames.key(change))
              ? new InStore.Held(base.version())
              : InStore.UNKNOWN);
      journal.put(change);
    }
  }

  /** A directory and those below it, made here or not, answer for no missing name any more. */
  private void disown(long dirId, int depth) throws MetaException {
    names.disown(dirId);
    if (depth < DEEPEST) {
      for (long child : nodes.childIds(dirId)) {
        disown(child, depth + 1);
      }
    }
  }

  /** What the index knows of a directory and of those below it has old keys. */
  private void forget(long dirId, int depth) throws MetaException {
    facts.forget(dirId);
    if (depth < DEEPEST) {
      for (long child : nodes.childIds(dirId)) {
        forget(child, depth + 1);
      }
    }
  }

  private void deleteAll(MoveRecord move) throws IOException {
    Instant late = clock.instant().minusSeconds(CLOCK_SKEW_SECONDS);
    forEach(
        move.from(),
        object -> {
          if (object.lastModified().isAfter(late)
              && store.head(move.to() + object.key().substring(move.from().length())).isEmpty()) {
            copy(move, object); // Written there by somebody else after the copies were made.
          }
          store.delete(object.key());
        });
  }

  private void end(Move move) throws IOException {
    names.lock.lock();
    try {
      journal.batch(batch -> journal.removeMove(batch, move.node.id()));
      moves.remove(move.node.id());
      troubles.remove(move.node.id());
    } finally {
      names.lock.unlock();
    }
    move.done.complete(null);
    for (NameChange change : names.pending()) {
      publishing().now(change);
    }
  }

  @Override
  public void close() {
    closed = true;
    for (Move move : moves.values()) {
      move.done.completeExceptionally(new IOException("the mount is ending"));
    }
    copies.shutdownNow();
    try {
      boolean _ = copies.awaitTermination(5, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
