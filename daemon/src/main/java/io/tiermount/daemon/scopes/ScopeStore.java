package io.tiermount.daemon.scopes;

import io.tiermount.backends.ByteSource;
import io.tiermount.backends.ListPage;
import io.tiermount.backends.ListRequest;
import io.tiermount.backends.ObjectAttributes;
import io.tiermount.backends.ObjectInfo;
import io.tiermount.backends.ObjectStore;
import io.tiermount.backends.StoreException;
import io.tiermount.backends.WriteCondition;
import io.tiermount.fs.scope.ScopeKind;
import io.tiermount.fs.scope.ScopeLayout;
import io.tiermount.fs.scope.ScopeLayout.Scope;
import io.tiermount.fs.volume.ScopeDirectory;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The scopes of one bucket: which there are, how much they hold, which have ended. Needs keys that
 * let it list above the scopes. Calls block.
 */
public final class ScopeStore {
  private final ObjectStore bucket;
  private final ScopeLayout layout;

  /**
   * @param bucket the whole one
   */
  public ScopeStore(ObjectStore bucket, ScopeLayout layout) {
    this.bucket = bucket;
    this.layout = layout;
  }

  /**
   * One scope as it is found.
   *
   * @param ended since when its cluster has ended, as its marker says; null where it does not
   */
  public record Found(Scope scope, @Nullable Instant ended) {}

  /** What a scope holds. */
  public record Usage(long objects, long bytes) {}

  /** All there are: clusters and users by name, then the shared one. */
  public List<Found> list() throws StoreException {
    List<Found> found = new ArrayList<>();
    for (Scope cluster : below(ScopeLayout.CLUSTERS, layout::clusterAt)) {
      found.add(new Found(cluster, ended(cluster)));
    }
    for (Scope user : below(ScopeLayout.USERS, layout::userAt)) {
      found.add(new Found(user, null));
    }
    Scope shared = layout.shared();
    if (!bucket.list(new ListRequest(shared.prefix(), null, null, null, 1)).objects().isEmpty()) {
      found.add(new Found(shared, null));
    }
    return found;
  }

  private List<Scope> below(String kind, Function<String, Optional<Scope>> at)
      throws StoreException {
    List<Scope> scopes = new ArrayList<>();
    ListRequest request = ListRequest.directory(layout.home() + kind);
    while (true) {
      ListPage page = bucket.list(request);
      page.commonPrefixes().forEach(prefix -> at.apply(prefix).ifPresent(scopes::add));
      String next = page.nextToken();
      if (next == null) {
        return scopes;
      }
      request = request.next(next);
    }
  }

  /** Counts what a scope holds; one LIST for each thousand objects. */
  public Usage usage(Scope scope) throws StoreException {
    long objects = 0;
    long bytes = 0;
    ListRequest request = new ListRequest(scope.prefix(), null, null, null, ListRequest.MAX_KEYS);
    while (true) {
      ListPage page = bucket.list(request);
      objects += page.objects().size();
      bytes += page.objects().stream().mapToLong(ObjectInfo::sizeBytes).sum();
      String next = page.nextToken();
      if (next == null) {
        return new Usage(objects, bytes);
      }
      request = request.next(next);
    }
  }

  private @Nullable Instant ended(Scope cluster) throws StoreException {
    Optional<ObjectInfo> marker = bucket.head(cluster.prefix());
    return marker.map(ScopeDirectory::ended).orElse(null);
  }

  /**
   * Says in a cluster's marker that the cluster has ended; a node of it that mounts it again takes
   * that back.
   *
   * @return since when it has, which may be longer
   */
  public Instant end(Scope cluster, Instant now) throws StoreException {
    if (cluster.kind() != ScopeKind.CLUSTER) {
      throw new IllegalArgumentException("clusters end, other scopes do not: " + cluster);
    }
    Optional<ObjectInfo> marker = bucket.head(cluster.prefix());
    Instant before = marker.map(ScopeDirectory::ended).orElse(null);
    if (before != null) {
      return before;
    }
    Map<String, String> metadata = new HashMap<>();
    marker.map(ObjectInfo::metadata).ifPresent(metadata::putAll);
    metadata.put(ScopeDirectory.ENDED, now.toString());
    ObjectInfo _ =
        bucket.put(
            cluster.prefix(),
            ByteSource.of(new byte[0]),
            new ObjectAttributes("application/x-directory", metadata),
            WriteCondition.ALWAYS);
    return now;
  }
}
