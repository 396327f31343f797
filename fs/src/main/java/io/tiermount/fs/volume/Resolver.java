package io.tiermount.fs.volume;

import io.tiermount.backends.ListPage;
import io.tiermount.backends.ListRequest;
import io.tiermount.backends.ObjectInfo;
import io.tiermount.backends.ObjectStore;
import io.tiermount.backends.StoreException;
import io.tiermount.fs.volume.Resolution.Found;
import io.tiermount.fs.volume.Resolution.Missing;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * Asks a store what a name stands for, with no more calls than that takes: HEAD {@code key} beside
 * LIST {@code key/} (one key) for a name nothing is known of, one HEAD for the metadata of a name
 * that a listing showed. Blocks; safe from any thread.
 */
final class Resolver {
  private final ObjectStore store;
  private final boolean full;
  private final InstantSource clock;

  /** Set once a listing showed a {@code name_$folder$} marker: only then are they looked for. */
  private volatile boolean folderMarkers;

  /**
   * @param full metadata is wanted ({@code attributes = full})
   */
  Resolver(ObjectStore store, boolean full, InstantSource clock) {
    this.store = store;
    this.full = full;
    this.clock = clock;
  }

  void folderMarkersSeen() {
    folderMarkers = true;
  }

  /** What a name in a directory is. */
  Resolution ask(String dirKey, String name) throws StoreException {
    if (name.equals(KeyNames.SELF)) {
      Optional<ObjectInfo> self = dirKey.isEmpty() ? Optional.empty() : store.head(dirKey);
      return self.isPresent() && self.get().sizeBytes() > 0
          ? new Found("", file(self.get(), false))
          : missing();
    }
    KeyNames.Target target = KeyNames.parse(name);
    if (target == null) {
      return missing();
    }
    return target.segment() == null
        ? askCut(dirKey, name, target)
        : askPair(dirKey, target.segment(), target.object());
  }

  private Resolution askPair(String dirKey, String segment, boolean object) throws StoreException {
    String key = dirKey + segment;
    // An empty segment's object has the directory's own key: that is its marker, not a child.
    boolean headable = !segment.isEmpty();
    CompletableFuture<ListPage> below = new CompletableFuture<>();
    Thread list =
        headable
            ? start(() -> store.list(new ListRequest(key + "/", null, null, null, 1)), below)
            : null;
    try {
      if (list == null) {
        below.complete(store.list(new ListRequest(key + "/", null, null, null, 1)));
      }
      Optional<ObjectInfo> head = headable ? store.head(key) : Optional.empty();
      List<ObjectInfo> keys = join(below, key).objects();
      return decide(key, segment, object, head.orElse(null), keys.isEmpty() ? null : keys.get(0));
    } finally {
      if (list != null) {
        list.interrupt();
      }
    }
  }

  private Resolution decide(
      String key,
      String segment,
      boolean object,
      @Nullable ObjectInfo head,
      @Nullable ObjectInfo below)
      throws StoreException {
    Facts file = head == null ? null : file(head, false);
    boolean isDirectory = below != null || (file != null && file.directory());
    if (object) {
      return file != null && !file.directory() && below != null
          ? new Found(segment, file)
          : missing();
    }
    if (isDirectory) {
      if (below != null && below.key().equals(key + "/")) {
        return new Found(segment, marker(below));
      }
      if (file != null && file.directory()) {
        return new Found(segment, file);
      }
      return new Found(segment, Facts.implicit(PosixMetadata.NONE, clock.millis()));
    }
    if (file != null) {
      return new Found(segment, file);
    }
    if (folderMarkers) {
      Optional<ObjectInfo> folder = store.head(key + ListingMerger.FOLDER_SUFFIX);
      if (folder.isPresent()) {
        return new Found(segment, file(folder.get(), true));
      }
    }
    return missing();
  }

  /** Adds the metadata that a listing left out. Empty where the name is gone or another thing. */
  Optional<Facts> refine(String dirKey, String segment, Facts listed) throws StoreException {
    String key = listed.key();
    if (key != null) {
      return store.head(key).map(info -> file(info, listed.directory()));
    }
    Optional<ObjectInfo> marker = store.head(dirKey + segment + "/");
    return Optional.of(
        marker.map(info -> file(info, true)).orElse(listed.withPosix(PosixMetadata.NONE)));
  }

  private Facts marker(ObjectInfo listed) throws StoreException {
    if (!full || listed.metadata() != null) {
      return file(listed, true);
    }
    return file(store.head(listed.key()).orElse(listed), true);
  }

  private Facts file(ObjectInfo info, boolean directory) {
    Facts facts = directory ? Facts.of(info, true, clock.millis()) : Facts.of(info, clock.millis());
    // Modes come from the configuration alone: the same whether a HEAD or a listing told us.
    return full ? facts : facts.withPosix(PosixMetadata.NONE);
  }

  /** A name that was cut carries a hash; its keys share a beginning. */
  private Resolution askCut(String dirKey, String name, KeyNames.Target target)
      throws StoreException {
    ListingMerger merger = new ListingMerger(dirKey);
    ListRequest request =
        new ListRequest(dirKey + target.beginning(), "/", null, null, ListRequest.MAX_KEYS);
    while (true) {
      ListPage page = store.list(request);
      for (DirEntry entry : merger.merge(page, clock.millis())) {
        if (entry.name().equals(name)) {
          Facts facts = entry.facts();
          return new Found(
              entry.segment(),
              full && facts.posix() == null
                  ? refine(dirKey, entry.segment(), facts).orElse(facts)
                  : facts);
        }
      }
      if (page.nextToken() == null) {
        return missing();
      }
      request = request.next(page.nextToken());
    }
  }

  private Missing missing() {
    return new Missing(clock.millis());
  }

  private static Thread start(
      SingleFlight.Work<ListPage> work, CompletableFuture<ListPage> result) {
    return Thread.startVirtualThread(() -> {
      try {
        result.complete(work.run());
      } catch (StoreException | RuntimeException e) {
        result.completeExceptionally(e);
      }
    });
  }

  private static ListPage join(CompletableFuture<ListPage> result, String key)
      throws StoreException {
    try {
      return result.get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new StoreException(
          StoreException.Kind.INTERRUPTED, key, "interrupted while looking up " + key);
    } catch (CancellationException | ExecutionException e) {
      if (e.getCause() instanceof StoreException failed) {
        throw failed;
      }
      throw new IllegalStateException("looking up " + key + " failed", e);
    }
  }
}
