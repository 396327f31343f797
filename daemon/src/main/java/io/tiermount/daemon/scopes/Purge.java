package io.tiermount.daemon.scopes;

import io.tiermount.backends.ListPage;
import io.tiermount.backends.ListRequest;
import io.tiermount.backends.ObjectInfo;
import io.tiermount.backends.ObjectStore;
import io.tiermount.backends.PrefixedStore;
import io.tiermount.backends.StoreException;
import io.tiermount.fs.scope.ScopeKind;
import io.tiermount.fs.scope.ScopeLayout;
import io.tiermount.fs.scope.ScopeLayout.Scope;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Deletes what a cluster's scope holds. It deletes through a {@link PrefixedStore} of that one
 * scope, so no key outside it can be named; its marker goes last, so that a purge that was
 * interrupted is found again and goes on where it stopped. Calls block.
 */
public final class Purge {
  /** Deletions under way at once; a page is a thousand. */
  private static final int AT_ONCE = 32;

  private final ObjectStore bucket;
  private final ScopeLayout layout;

  /**
   * @param bucket the whole one
   */
  public Purge(ObjectStore bucket, ScopeLayout layout) {
    this.bucket = bucket;
    this.layout = layout;
  }

  /** Told now and then: how many objects are gone, and how many bytes. */
  @FunctionalInterface
  public interface Progress {
    void deleted(long objects, long bytes);
  }

  /**
   * Deletes everything of a cluster's scope.
   *
   * @throws IllegalArgumentException for what is no cluster's scope of this layout
   * @throws StoreException where the store fails; what is gone is gone, and it can be run again
   */
  public ScopeStore.Usage run(Scope scope, Progress progress)
      throws StoreException, InterruptedException {
    if (scope.kind() != ScopeKind.CLUSTER
        || !layout.clusterAt(scope.prefix()).equals(java.util.Optional.of(scope))) {
      throw new IllegalArgumentException(
          scope.prefix() + " is no cluster's scope below " + layout.home() + ": not deleted");
    }
    PrefixedStore inside = new PrefixedStore(bucket, scope.prefix());
    for (ObjectStore.PendingUpload upload : inside.pendingUploads("")) {
      inside.resumeUpload(upload.key(), upload.uploadId()).abort();
    }
    long objects = 0;
    long bytes = 0;
    try (ExecutorService deleters =
        Executors.newFixedThreadPool(AT_ONCE, Thread.ofVirtual().factory())) {
      while (true) {
        // From the start each time: what was listed is gone, whatever a token would say.
        ListPage page = inside.list(new ListRequest("", null, null, null, ListRequest.MAX_KEYS));
        if (page.objects().isEmpty()) {
          break;
        }
        delete(inside, page.objects(), deleters);
        objects += page.objects().size();
        bytes += page.objects().stream().mapToLong(ObjectInfo::sizeBytes).sum();
        progress.deleted(objects, bytes);
      }
    }
    if (bucket.head(scope.prefix()).isPresent()) {
      bucket.delete(scope.prefix());
      objects++;
      progress.deleted(objects, bytes);
    }
    return new ScopeStore.Usage(objects, bytes);
  }

  private static void delete(
      PrefixedStore inside, List<ObjectInfo> objects, ExecutorService deleters)
      throws StoreException, InterruptedException {
    List<Callable<Boolean>> deletions = new ArrayList<>();
    for (ObjectInfo object : objects) {
      deletions.add(() -> {
        inside.delete(object.key());
        return true;
      });
    }
    for (Future<Boolean> deletion : deleters.invokeAll(deletions)) {
      try {
        boolean _ = deletion.get();
      } catch (ExecutionException e) {
        if (e.getCause() instanceof StoreException failure) {
          throw failure;
        }
        throw new IllegalStateException(e.getCause());
      }
    }
  }
}
