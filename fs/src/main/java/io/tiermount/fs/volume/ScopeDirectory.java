package io.tiermount.fs.volume;

import io.tiermount.backends.ByteSource;
import io.tiermount.backends.ObjectAttributes;
import io.tiermount.backends.ObjectInfo;
import io.tiermount.backends.ObjectStore;
import io.tiermount.backends.StoreException;
import io.tiermount.backends.WriteCondition;
import io.tiermount.fs.fuse.Attributes;
import io.tiermount.fs.scope.AccessOptions;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.format.DateTimeParseException;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The marker object of a scope's own directory, with the scope's mode and owner, for whoever else
 * looks at the bucket. It is made once where it is missing, behind the mount's back: a mount waits
 * for no store, and works without it. Safe from any thread.
 */
public final class ScopeDirectory implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(ScopeDirectory.class);

  /** In a cluster's marker: since when the cluster has ended. */
  public static final String ENDED = "tm-ended";

  private static final long LONGEST_PAUSE_MILLIS = Duration.ofMinutes(1).toMillis();

  private final ObjectStore store;
  private final String key;
  private final ObjectAttributes attributes;
  private final long firstPauseMillis;
  private final CountDownLatch closed = new CountDownLatch(1);

  /**
   * @param store the whole bucket
   * @param options the mount's, with its prefix
   * @param firstPause before a store that can't be reached is asked again; then twice that, and so
   *     on to a minute
   */
  public ScopeDirectory(
      ObjectStore store,
      VolumeOptions options,
      AccessOptions access,
      InstantSource clock,
      Duration firstPause) {
    this.store = store;
    this.key = options.prefix();
    this.firstPauseMillis = firstPause.toMillis();
    String now = clock.millis() / 1000 + "." + "%03d".formatted(clock.millis() % 1000);
    this.attributes =
        new ObjectAttributes(
            ObjectMetadata.DIRECTORY_TYPE,
            Map.of(
                "mode", String.valueOf(Attributes.S_IFDIR | access.root().storedMode()),
                "uid", Integer.toUnsignedString(access.storedUid(options.owner())),
                "gid", Integer.toUnsignedString(access.storedGid(options.group())),
                "mtime", now,
                "ctime", now));
  }

  /** Begins, and goes on until it is there, refused, or this is closed. */
  public void start() {
    Thread.ofVirtual().name("scope-directory").start(this::run);
  }

  /** The same on the caller's thread. */
  void run() {
    long pauseMillis = firstPauseMillis;
    while (!isDone()) {
      try {
        if (closed.await(pauseMillis, TimeUnit.MILLISECONDS)) {
          return;
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return;
      }
      pauseMillis = Math.min(LONGEST_PAUSE_MILLIS, pauseMillis * 2);
    }
  }

  /** Since when a cluster has ended, as its marker says; null where it does not. */
  public static @Nullable Instant ended(ObjectInfo marker) {
    Map<String, String> metadata = marker.metadata();
    String ended = metadata == null ? null : metadata.get(ENDED);
    try {
      return ended == null ? null : Instant.parse(ended);
    } catch (DateTimeParseException e) {
      return null;
    }
  }

  /** One try; false where another one makes sense. */
  private boolean isDone() {
    if (closed.getCount() == 0) {
      return true;
    }
    try {
      Optional<ObjectInfo> there = store.head(key);
      if (there.isEmpty()) {
        put(attributes, WriteCondition.IF_ABSENT);
        log.info("made the scope's directory {} in {}", key, store.id());
      } else if (ended(there.get()) != null) {
        // It lives again: what it has must not be purged.
        Map<String, String> metadata = new HashMap<>(attributes.metadata());
        Map<String, String> before = there.get().metadata();
        metadata.putAll(before == null ? Map.of() : before);
        metadata.remove(ENDED);
        put(
            new ObjectAttributes(attributes.contentType(), metadata),
            new WriteCondition.IfVersion(there.get().version()));
        log.info("the cluster of {} had ended and is back", key);
      }
      return true;
    } catch (StoreException e) {
      return switch (e.kind()) {
        case UNAVAILABLE, TIMEOUT, THROTTLED, LOCAL_IO, CORRUPT, KEYS_REFUSED -> false;
        case PRECONDITION_FAILED, CLOSED, INTERRUPTED -> true;
        case NOT_FOUND, ACCESS_DENIED, UNSUPPORTED, INVALID, TOO_LARGE -> {
          log.info(
              "the scope's directory {} has no marker in {}, and none can be made: {}",
              key,
              store.id(),
              e.getMessage());
          yield true;
        }
      };
    }
  }

  private void put(ObjectAttributes marker, WriteCondition condition) throws StoreException {
    WriteCondition possible =
        store.limits().conditionalWrites() ? condition : WriteCondition.ALWAYS;
    ObjectInfo _ = store.put(key, ByteSource.of(new byte[0]), marker, possible);
  }

  @Override
  public void close() {
    closed.countDown();
  }
}
