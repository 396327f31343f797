package io.tiermount.backends.s3;

import io.tiermount.backends.StoreException;
import io.tiermount.backends.StoreException.Kind;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import software.amazon.awssdk.services.s3.S3Client;

/**
 * Runs calls: one permit per connection, retries with back-off, a deadline counted from the last
 * progress, an end by interrupt or close. The SDK's own retries are off, so that there is one place
 * that decides.
 */
final class S3Calls implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(S3Calls.class);

  /** One try. Everything but a StoreException is looked up in {@link S3Errors}. */
  @FunctionalInterface
  interface Attempt<T> {
    T run(S3Client client, S3Call call) throws IOException;
  }

  /** How long one try may stand still. */
  enum Patience {
    /** Answers at once or not at all: a third of the deadline, so that a stall leaves retries. */
    QUICK,
    /** The store may work long before it answers (copy, complete, a put's commit): all of it. */
    LONG
  }

  private final S3Options options;
  private final S3Tuning tuning;
  private final S3Clients clients;
  private final S3Errors errors;
  private final S3Watch watch;
  private final Semaphore connections;
  private final Backoff backoff;
  private final long deadlineNanos;

  S3Calls(S3Options options, S3Tuning tuning, S3Clients clients, S3Errors errors) {
    this.options = options;
    this.tuning = tuning;
    this.clients = clients;
    this.errors = errors;
    this.watch = new S3Watch(options.deadline());
    this.connections = new Semaphore(options.maxConnections());
    this.backoff = new Backoff(options.retryBase(), tuning.random());
    this.deadlineNanos = options.deadline().toNanos();
  }

  /**
   * Runs {@code attempt} until it succeeds, fails for good, or nothing moves for the deadline.
   *
   * @param what the request's name for messages, for example {@code GET}
   */
  <T> T run(String what, String key, Patience patience, Attempt<T> attempt) throws StoreException {
    if (!Thread.currentThread().isVirtual()) {
      return VirtualCall.run(key, () -> run(what, key, patience, attempt));
    }
    S3Call call = new S3Call(watch);
    watch.add(call);
    try {
      return tries(what, key, patience, attempt, call);
    } finally {
      watch.remove(call);
    }
  }

  private <T> T tries(String what, String key, Patience patience, Attempt<T> attempt, S3Call call)
      throws StoreException {
    long stallNanos = patience == Patience.LONG ? deadlineNanos : deadlineNanos / 3;
    KeyTries keyTries = new KeyTries();
    int retries = 0;
    while (true) {
      S3Errors.Failure failure;
      try {
        return once(key, attempt, call, stallNanos, keyTries);
      } catch (StoreException e) {
        if (e.kind() == Kind.INTERRUPTED || call.takeEnded() == S3Call.Ended.CLOSED) {
          throw ended(what, key, call, e);
        }
        throw e;
      } catch (IOException | RuntimeException e) {
        failure = failure(what, key, call, e);
      }
      if (call.takeAdvanced()) {
        retries = 0; // it moved: a long transfer may be cut any number of times
        keyTries.renewed = 0;
      }
      if (failure.doubt() != S3Errors.KeyDoubt.NONE
          && otherKeys(what, key, call, failure, keyTries)) {
        call.retrying();
        continue;
      }
      retries++;
      Duration delay = backoff.delay(retries);
      if (!failure.retry()
          || retries > options.maxRetries()
          || call.idleNanos() + delay.toNanos() > deadlineNanos) {
        throw failure.exception(retries);
      }
      LOG.debug("{} {} again in {}: {}", what, key, delay, failure.message());
      call.retrying();
      pause(what, key, call, delay);
    }
  }

  /** How often one call was tried with other keys. Of its one thread. */
  private static final class KeyTries {
    /** A rotation may be overtaken by the next one, but not for ever. */
    private static final int MAX_RENEWED = 3;

    private long generation;
    private int renewed;
    private boolean waited;
  }

  /**
   * True where the call is to be tried again since other keys are there, or may be after a moment.
   */
  private boolean otherKeys(
      String what, String key, S3Call call, S3Errors.Failure failure, KeyTries tries)
      throws StoreException {
    try {
      return switch (clients.keys().renew(tries.generation)) {
        case RENEWED -> ++tries.renewed <= KeyTries.MAX_RENEWED;
        case UNCHANGED, FAILED -> {
          // The store may have heard of a rotation before the source did. Once: they may be wrong.
          if (tries.waited || failure.doubt() != S3Errors.KeyDoubt.CERTAIN) {
            yield false;
          }
          tries.waited = true;
          pause(what, key, call, backoff.delay(1));
          yield true;
        }
        case FIXED -> false;
      };
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw ended(what, key, call, e);
    }
  }

  private <T> T once(
      String key, Attempt<T> attempt, S3Call call, long stallNanos, KeyTries keyTries)
      throws IOException {
    acquire(key);
    try {
      S3Client client = clients.get(key);
      call.await(stallNanos);
      keyTries.generation = clients.keys().await();
      T result = attempt.run(client, call);
      call.progress();
      return result;
    } finally {
      call.rest();
      connections.release();
    }
  }

  /** Waits for a connection as long as other calls of this store get on. */
  private void acquire(String key) throws StoreException {
    try {
      long started = System.nanoTime();
      while (!connections.tryAcquire(deadlineNanos / 4 + 1, TimeUnit.NANOSECONDS)) {
        long idle = System.nanoTime() - Math.max(started, watch.movedNanos());
        if (idle > deadlineNanos) {
          throw new StoreException(
              Kind.TIMEOUT,
              key,
              "all "
                  + options.maxConnections()
                  + " connections to "
                  + errors.storeName()
                  + " stand still: see whether the store answers, or allow more connections");
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new StoreException(
          Kind.INTERRUPTED, key, "interrupted while it waited for a connection", e);
    }
  }

  private S3Errors.Failure failure(String what, String key, S3Call call, Exception e)
      throws StoreException {
    switch (call.takeEnded()) {
      case CLOSED -> throw closed(key, e);
      case STALLED -> {
        return errors.stalled(what, key, options.deadline(), e);
      }
      case NO -> {}
    }
    if (watch.isClosed()) {
      throw closed(key, e);
    }
    if (Thread.currentThread().isInterrupted() || S3Errors.isInterrupt(e)) {
      throw interrupted(what, key, e);
    }
    return errors.failure(what, key, e);
  }

  private void pause(String what, String key, S3Call call, Duration delay) throws StoreException {
    try {
      tuning.pause().sleep(delay);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw ended(what, key, call, e);
    }
  }

  private StoreException ended(String what, String key, S3Call call, Exception e) {
    return call.takeEnded() == S3Call.Ended.CLOSED || watch.isClosed()
        ? closed(key, e)
        : interrupted(what, key, e);
  }

  private StoreException interrupted(String what, String key, Exception cause) {
    Thread.currentThread().interrupt();
    return new StoreException(
        Kind.INTERRUPTED, key, what + " " + key + " was given up by its caller", cause);
  }

  private StoreException closed(String key, Exception cause) {
    return new StoreException(
        Kind.CLOSED, key, errors.storeName() + " was closed: mount it again", cause);
  }

  /** Refuses before anything is sent. */
  void checkOpen(String key) throws StoreException {
    if (watch.isClosed()) {
      throw new StoreException(
          Kind.CLOSED, key, errors.storeName() + " was closed: mount it again");
    }
    if (Thread.currentThread().isInterrupted()) {
      throw new StoreException(
          Kind.INTERRUPTED, key, "interrupted before " + key + " was asked for");
    }
  }

  @Override
  public void close() {
    watch.close();
    clients.close();
  }
}
