package io.tiermount.backends;

import java.time.Instant;
import java.time.InstantSource;
import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * What a {@link MeteredStore} counted. Counting takes a few adders and one clock reading per call;
 * reading gives a snapshot that may lack calls under way. Any thread.
 */
public final class StoreMeter {
  /** The calls of {@link ObjectStore} and {@link Upload}. */
  public enum Operation {
    HEAD,
    READ,
    LIST,
    PUT,
    START_UPLOAD,
    PART,
    COPY_PART,
    COMPLETE,
    ABORT,
    PENDING_UPLOADS,
    COPY,
    DELETE
  }

  /** Whether the store answers. */
  public enum Reach {
    /** Nothing was asked yet. */
    UNKNOWN,
    /** It answered the last call, be it with a refusal. */
    REACHABLE,
    /** It answered the last call that it does not accept our keys. */
    REFUSED,
    /** The last call ended with UNAVAILABLE or TIMEOUT. */
    UNREACHABLE
  }

  /** The latest failure that is the store's (not a missing object or a lost race). */
  public record LastError(Instant at, Operation operation, StoreException.Kind kind, String text) {}

  /**
   * State for people.
   *
   * @param since when {@code reach} last changed
   */
  public record Status(Reach reach, Instant since, @Nullable LastError lastError) {}

  /**
   * Counts of one operation.
   *
   * @param bytes read or written by calls that succeeded
   * @param totalNanos time of all calls together
   * @param latency calls by time: entry i counts those below 2^i microseconds and not below half of
   *     that, the last all longer ones
   */
  public record Count(long calls, long failures, long bytes, long totalNanos, long[] latency) {
    /** Upper bound of the time that this share of the calls took, in microseconds; 0 for none. */
    public long quantileMicros(double share) {
      long wanted = (long) Math.ceil(calls * share);
      long seen = 0;
      for (int i = 0; i < latency.length; i++) {
        seen += latency[i];
        if (seen >= wanted && seen > 0) {
          return 1L << i;
        }
      }
      return 0;
    }
  }

  private static final int BUCKETS = 32;

  private static final class Cell {
    private final LongAdder calls = new LongAdder();
    private final LongAdder failures = new LongAdder();
    private final LongAdder bytes = new LongAdder();
    private final LongAdder nanos = new LongAdder();
    private final AtomicLongArray latency = new AtomicLongArray(BUCKETS);
  }

  private final InstantSource clock;
  private final Map<Operation, Cell> cells = new EnumMap<>(Operation.class);
  private final LongAdder moved = new LongAdder();
  private volatile Status status;

  StoreMeter(InstantSource clock) {
    this.clock = clock;
    for (Operation operation : Operation.values()) {
      cells.put(operation, new Cell());
    }
    status = new Status(Reach.UNKNOWN, clock.instant(), null);
  }

  public Status status() {
    return status;
  }

  /**
   * Grows with every byte that goes to the store or comes from it, also within a call, and with
   * every call that succeeds: where it stands still nothing moves.
   */
  public long progress() {
    long progress = moved.sum();
    for (Cell cell : cells.values()) {
      progress += cell.calls.sum() - cell.failures.sum();
    }
    return progress;
  }

  void moved(long bytes) {
    moved.add(bytes);
  }

  /** Counts since the start. */
  public Count count(Operation operation) {
    Cell cell = cell(operation);
    long[] latency = new long[BUCKETS];
    for (int i = 0; i < BUCKETS; i++) {
      latency[i] = cell.latency.get(i);
    }
    return new Count(
        cell.calls.sum(), cell.failures.sum(), cell.bytes.sum(), cell.nanos.sum(), latency);
  }

  private Cell cell(Operation operation) {
    Cell cell = cells.get(operation);
    if (cell == null) {
      throw new IllegalStateException("no cell for " + operation);
    }
    return cell;
  }

  void succeeded(Operation operation, long nanos, long bytes) {
    Cell cell = cell(operation);
    cell.bytes.add(bytes);
    timed(cell, nanos);
    reached(Reach.REACHABLE, null);
  }

  /**
   * @param asked false where the store was not: that says nothing about it
   */
  void failed(Operation operation, long nanos, StoreException e, boolean asked) {
    Cell cell = cell(operation);
    cell.failures.increment();
    timed(cell, nanos);
    if (!asked) {
      return;
    }
    LastError error = new LastError(clock.instant(), operation, e.kind(), "" + e.getMessage());
    switch (e.kind()) {
      case NOT_FOUND, PRECONDITION_FAILED, INVALID, UNSUPPORTED, TOO_LARGE ->
          reached(Reach.REACHABLE, null);
      case ACCESS_DENIED -> {
        // A HEAD has no body that could say it was the keys; the call beside it said so.
        if (status.reach() != Reach.REFUSED) {
          reached(Reach.REACHABLE, error);
        }
      }
      case THROTTLED, CORRUPT -> reached(Reach.REACHABLE, error);
      case KEYS_REFUSED -> reached(Reach.REFUSED, error);
      case UNAVAILABLE, TIMEOUT -> reached(Reach.UNREACHABLE, error);
      case INTERRUPTED, CLOSED, LOCAL_IO -> {} // says nothing about the store
    }
  }

  private static void timed(Cell cell, long nanos) {
    cell.calls.increment();
    cell.nanos.add(nanos);
    long micros = nanos / 1000;
    cell.latency.incrementAndGet(Math.min(BUCKETS - 1, 64 - Long.numberOfLeadingZeros(micros)));
  }

  private void reached(Reach reach, @Nullable LastError error) {
    Status before = status;
    if (before.reach() == reach && error == null) {
      return; // the common case writes nothing
    }
    synchronized (this) {
      before = status;
      Instant since = before.reach() == reach ? before.since() : clock.instant();
      status = new Status(reach, since, error == null ? before.lastError() : error);
    }
  }
}
