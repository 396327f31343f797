package io.tiermount.backends.s3.keys;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.tiermount.backends.Credentials;
import io.tiermount.backends.os.FileStamps;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import software.amazon.awssdk.auth.credentials.AnonymousCredentialsProvider;
import software.amazon.awssdk.auth.credentials.AwsCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;

/**
 * The keys of one store, from where its {@link Credentials} say and nowhere else (SEMANTICS K1).
 * They are fetched when they are first needed, and again before they end, when a file they come
 * from changes, and when the store refuses them; one fetch at a time, for which all wait that have
 * no keys to go on with. What the source says may change at any time; {@link #replace} changes the
 * source itself. Safe from any thread.
 */
public final class S3Keys implements AwsCredentialsProvider, AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(S3Keys.class);

  /** Keys of an hour are renewed five minutes ahead, shorter ones with a quarter to go. */
  private static final Duration AHEAD = Duration.ofMinutes(5);

  /** Files are looked at so often, and a source that gave nothing new is asked no sooner. */
  private static final Duration LOOK = Duration.ofSeconds(1);

  /** A source that fails again and again (no metadata server) is asked so seldom at last. */
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(30);

  /** What came of asking for other keys. */
  public enum Renewal {
    /** There are other keys now than the refused ones. */
    RENEWED,
    /** The source still gives the refused ones. */
    UNCHANGED,
    /** The source gives none. */
    FAILED,
    /** They stand in the configuration: only {@link #replace} changes them. */
    FIXED
  }

  /**
   * What is signed with.
   *
   * @param generation counts changes of the keys
   * @param from when they were fetched
   */
  private record Held(Keys keys, long generation, Instant from) {
    /** The moment from which on others are looked for. */
    boolean isNearEnd(Instant now) {
      Instant end = keys.expiresAt();
      if (end == null) {
        return false;
      }
      Duration quarter = Duration.between(from, end).dividedBy(4);
      return now.isAfter(end.minus(quarter.compareTo(AHEAD) < 0 ? quarter : AHEAD));
    }

    boolean hasEnded(Instant now) {
      return keys.expiresAt() != null && !now.isBefore(keys.expiresAt());
    }
  }

  /** One fetch, for all that wait. */
  private static final class Flight {
    private final KeySource from;
    private final CompletableFuture<Held> end = new CompletableFuture<>();

    Flight(KeySource from) {
      this.from = from;
    }
  }

  private final AwsEnvironment environment;
  private final InstantSource clock;

  @GuardedBy("this")
  private Credentials credentials;

  @GuardedBy("this")
  private KeySource source;

  @GuardedBy("this")
  private @Nullable Flight flight;

  @GuardedBy("this")
  private FileStamps stamps = FileStamps.none();

  @GuardedBy("this")
  private Instant nextFetch = Instant.MIN;

  @GuardedBy("this")
  private int failures;

  @GuardedBy("this")
  private long generations;

  @GuardedBy("this")
  private boolean closed;

  @GuardedBy("this")
  private @Nullable Thread keeper;

  private volatile @Nullable Held held;
  private volatile @Nullable String trouble;
  private volatile Instant nextLook = Instant.MIN;

  public S3Keys(Credentials credentials, AwsEnvironment environment, InstantSource clock) {
    this.credentials = credentials;
    this.environment = environment;
    this.clock = clock;
    this.source = KeySources.of(credentials, environment);
  }

  /** What the SDK signs with: this, or nothing at all where the configuration says so. */
  public AwsCredentialsProvider signer() {
    return () -> {
      AwsCredentials keys = resolveCredentials();
      return isAnonymous() ? AnonymousCredentialsProvider.create().resolveCredentials() : keys;
    };
  }

  private synchronized boolean isAnonymous() {
    return credentials instanceof Credentials.Anonymous;
  }

  private long generation() {
    Held now = held;
    return now == null ? 0 : now.generation();
  }

  /**
   * Waits for keys as {@link #resolveCredentials} does.
   *
   * @return how often they changed so far: whoever is refused tells it to {@link #renew}
   */
  public long await() {
    var _ = resolveCredentials();
    return generation();
  }

  /** Why there are no keys, while there are none; null otherwise. Asks nobody. */
  public @Nullable String trouble() {
    return trouble;
  }

  /**
   * Waits for keys where there are none that hold.
   *
   * @throws S3CredentialsException with why there are none
   */
  @Override
  public AwsCredentials resolveCredentials() {
    look();
    Held now = held;
    if (now == null || now.hasEnded(clock.instant())) {
      try {
        now = await(fetch(false));
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new S3CredentialsException("interrupted while it waited for keys", e);
      } catch (NoKeysException e) {
        throw new S3CredentialsException(e.text(), null);
      }
    }
    return now.keys().credentials();
  }

  /** Goes on renewing beside the calls, and looks out for keys where there are none yet. */
  public synchronized void begin() {
    if (keeper == null && !closed) {
      keeper = Thread.ofVirtual().name("keys").start(this::keep);
    }
  }

  private void keep() {
    try {
      while (!Thread.currentThread().isInterrupted()) {
        if (held == null) {
          var _ = fetch(false);
        }
        look();
        Thread.sleep(LOOK);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Starts a fetch, for which nobody waits, where a file changed or the end is near. */
  private void look() {
    Instant now = clock.instant();
    if (now.isBefore(nextLook)) {
      return;
    }
    nextLook = now.plus(LOOK);
    Held there = held;
    boolean changed;
    synchronized (this) {
      changed = stamps.changed();
    }
    if (changed || (there != null && there.isNearEnd(now))) {
      var _ = fetch(changed);
    }
  }

  /**
   * The store refuses the keys of a generation.
   *
   * @throws InterruptedException where the caller was told to stop waiting
   */
  public Renewal renew(long refused) throws InterruptedException {
    if (generation() != refused) {
      return Renewal.RENEWED;
    }
    synchronized (this) {
      if (source.fixed()) {
        return Renewal.FIXED;
      }
    }
    try {
      return await(fetch(false)).generation() == refused ? Renewal.UNCHANGED : Renewal.RENEWED;
    } catch (NoKeysException e) {
      return Renewal.FAILED;
    }
  }

  /** Other credentials, from the next request on; calls under way end as they are. */
  public synchronized void replace(Credentials other) {
    if (other.equals(credentials)) {
      return;
    }
    credentials = other;
    source = KeySources.of(other, environment);
    stamps = FileStamps.none();
    nextFetch = Instant.MIN;
    failures = 0;
    flight = null; // what it brings is the old source's
    generations++;
    held = null;
    trouble = null;
  }

  /**
   * The fetch under way, or a new one.
   *
   * @param changed the source is said to be another now: not to wait until it may be asked again
   */
  private synchronized CompletableFuture<Held> fetch(boolean changed) {
    Flight running = flight;
    if (running != null && (!running.end.isDone() || (!changed && isTooSoon()))) {
      return running.end;
    }
    Flight next = new Flight(source);
    flight = next;
    // Looked at before they are read: a change meanwhile is seen as one.
    stamps = FileStamps.of(source.files());
    Thread.ofVirtual().name("keys-fetch").start(() -> run(next));
    return next.end;
  }

  @GuardedBy("this")
  private boolean isTooSoon() {
    return clock.instant().isBefore(nextFetch) && !stamps.changed();
  }

  private void run(Flight next) {
    try {
      arrived(next.from.fetch(), next);
    } catch (NoKeysException e) {
      failed(e, next);
    } catch (InterruptedException e) {
      failed(NoKeysException.failed("the fetch of keys was interrupted"), next);
    } catch (RuntimeException e) {
      // Whatever it says may quote a secret.
      failed(NoKeysException.failed("a defect in tiermount: " + e.getClass().getName()), next);
    }
  }

  private void arrived(Keys keys, Flight next) {
    Held now;
    boolean other;
    synchronized (this) {
      if (flight != next) {
        next.end.completeExceptionally(NoKeysException.failed("the credentials were changed"));
        return;
      }
      Held before = held;
      other = before == null || !before.keys().same(keys);
      if (other) {
        generations++;
      }
      Instant at = clock.instant();
      now = new Held(keys, generations, at);
      held = now;
      trouble = null;
      failures = 0;
      // Other keys may follow at once (a source under rotation); the same ones hardly.
      nextFetch = other ? Instant.MIN : at.plus(LOOK);
    }
    log.debug("{} {}", other ? "other keys:" : "the same keys:", keys);
    next.end.complete(now);
  }

  private void failed(NoKeysException e, Flight next) {
    synchronized (this) {
      if (flight == next) {
        Duration pause = LOOK.multipliedBy(1L << Math.min(failures, 5));
        nextFetch =
            clock.instant().plus(pause.compareTo(LONGEST_PAUSE) < 0 ? pause : LONGEST_PAUSE);
        failures++;
        Held there = held;
        if (there == null || there.hasEnded(clock.instant())) {
          if (failures == 1) {
            log.warn("no keys: {}", e.text());
          }
          trouble = e.text();
        } else if (failures == 1) {
          log.warn("keys could not be renewed, those there are hold on: {}", e.text());
        }
      }
    }
    next.end.completeExceptionally(e);
  }

  private static Held await(CompletableFuture<Held> fetch)
      throws NoKeysException, InterruptedException {
    try {
      return fetch.get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof NoKeysException why) {
        throw why;
      }
      throw new IllegalStateException("a fetch of keys ended oddly", e);
    }
  }

  @Override
  public synchronized void close() {
    closed = true;
    if (keeper != null) {
      keeper.interrupt();
    }
  }

  /** Which keys are held, by the end of their id; for tests and debugging. */
  @Override
  public String toString() {
    Held now = held;
    return "S3Keys[" + (now == null ? trouble : now.keys()) + "]";
  }
}
