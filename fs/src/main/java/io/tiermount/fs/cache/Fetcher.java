package io.tiermount.fs.cache;

import io.tiermount.backends.ReadTarget;
import io.tiermount.backends.StoreException;
import io.tiermount.backends.StoreException.Kind;
import io.tiermount.fs.cache.InFlight.Plan;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;

/**
 * Reads: from the data file where it is cached, else by fetches, each on a virtual thread of its
 * own, whose bytes go to the waiting readers from memory and into the data file behind their backs.
 */
final class Fetcher {
  /** How often a read tries again when what it found goes away under it. */
  private static final int MAX_ATTEMPTS = 3;

  private static final int WRITER_THREADS = 2;
  private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(20);

  private final Parts parts;
  private final FetchQueue queue;
  private final Contents contents;
  private final Keeper keeper;
  private final int blockChunks;
  private final ExecutorService writers;
  private volatile boolean closed;

  Fetcher(Parts parts, FetchQueue queue, Contents contents, Keeper keeper, int blockBytes) {
    this.parts = parts;
    this.queue = queue;
    this.contents = contents;
    this.keeper = keeper;
    blockChunks = blockBytes >>> Chunks.CHUNK_SHIFT;
    writers =
        Executors.newFixedThreadPool(
            WRITER_THREADS, Thread.ofPlatform().name("cache-writer-", 0).daemon().factory());
  }

  boolean readCached(Content content, long offsetBytes, MemorySegment target) {
    if (!content.readCached(offsetBytes, target)) {
      return false;
    }
    parts.counters().hitRequests.increment();
    parts.counters().hitBytes.add(target.byteSize());
    return true;
  }

  void read(
      Content content, BlockSource source, long offsetBytes, MemorySegment target, boolean random)
      throws StoreException {
    if (readCached(content, offsetBytes, target)) {
      return;
    }
    parts.counters().missRequests.increment();
    parts.counters().missBytes.add(target.byteSize());
    long done = 0;
    boolean failedBefore = false;
    for (int attempt = 0; attempt < MAX_ATTEMPTS && done < target.byteSize(); attempt++) {
      try {
        done += readSome(content, source, offsetBytes + done, target.asSlice(done), random);
      } catch (OtherSourceException e) {
        if (failedBefore) {
          throw e.failure();
        }
        failedBefore = true;
      }
    }
    if (done < target.byteSize()) {
      readThrough(content, source, offsetBytes + done, target.asSlice(done));
    }
  }

  /** A fetch failed that another opening, with another source, had begun. */
  private static final class OtherSourceException extends Exception {
    private static final long serialVersionUID = 1L;

    private final StoreException failure;

    OtherSourceException(StoreException failure) {
      super(failure);
      this.failure = failure;
    }

    StoreException failure() {
      return failure;
    }
  }

  /** As far as nothing goes away meanwhile; the bytes read. */
  private long readSome(
      Content content, BlockSource source, long offsetBytes, MemorySegment target, boolean random)
      throws StoreException, OtherSourceException {
    long end = offsetBytes + target.byteSize();
    int first = (int) (offsetBytes >>> Chunks.CHUNK_SHIFT);
    int last = (int) ((end - 1) >>> Chunks.CHUNK_SHIFT);
    Plan plan = plan(content, source, first, last, random, true);
    long at = offsetBytes;
    try {
      for (Fetch fetch : plan.joined()) {
        if (fetch.offsetBytes > at) {
          MemorySegment part = target.asSlice(at - offsetBytes, fetch.offsetBytes - at);
          if (!content.readCached(at, part)) {
            return at - offsetBytes;
          }
          at = fetch.offsetBytes;
        }
        long until = Math.min(end, fetch.offsetBytes + fetch.lengthBytes);
        copy(fetch, source, at, target.asSlice(at - offsetBytes, until - at));
        at = until;
      }
      if (at < end && content.readCached(at, target.asSlice(at - offsetBytes, end - at))) {
        at = end;
      }
      return at - offsetBytes;
    } finally {
      plan.joined().forEach(Fetch::leave);
    }
  }

  @SuppressWarnings("ReferenceEquality") // Whether it is this very opening's source.
  private static void copy(Fetch fetch, BlockSource source, long at, MemorySegment target)
      throws StoreException, OtherSourceException {
    try {
      fetch.copy(at, target);
    } catch (StoreException e) {
      if (fetch.source != source && e.kind() != Kind.INTERRUPTED) {
        throw new OtherSourceException(e);
      }
      throw e;
    }
  }

  private static void readThrough(
      Content content, BlockSource source, long offsetBytes, MemorySegment target)
      throws StoreException {
    ByteBuffer buffer = target.asByteBuffer();
    source.fetch(offsetBytes, target.byteSize(), ReadTarget.into(buffer));
    if (buffer.hasRemaining()) {
      String message = "ended " + buffer.remaining() + " bytes early";
      throw new StoreException(Kind.UNAVAILABLE, content.key().key(), message);
    }
  }

  Plan plan(
      Content content, BlockSource source, int first, int last, boolean random, boolean urgent) {
    Plan plan = content.inFlight().plan(queue, source, first, last, blockChunks, random);
    for (Fetch fetch : plan.begun()) {
      contents.retain(content);
      if (!queue.submit(fetch, urgent)) {
        contents.release(content);
      }
    }
    return plan;
  }

  void prefetch(Content content, BlockSource source, long offsetBytes, long endBytes) {
    int first = (int) (offsetBytes >>> Chunks.CHUNK_SHIFT);
    int last = (int) ((endBytes - 1) >>> Chunks.CHUNK_SHIFT);
    for (int chunk = first; chunk <= last && !closed; ) {
      // A block at a time: what the queue refuses, the rest need not be tried for.
      int until = Math.min(last, (chunk / blockChunks + 1) * blockChunks - 1);
      Plan plan = plan(content, source, chunk, until, false, false);
      boolean refused = plan.begun().stream().anyMatch(Fetch::hasFailed);
      plan.joined().forEach(Fetch::leave);
      if (refused) {
        return;
      }
      chunk = until + 1;
    }
  }

  /** Starts a fetch; for the queue. */
  void begin(Fetch fetch) {
    Thread.ofVirtual().name("cache-fetch").start(() -> run(fetch));
  }

  private void run(Fetch fetch) {
    parts.counters().fetches.increment();
    long arrived = 0;
    try {
      arrived = fetch.run();
    } finally {
      queue.finished();
      parts.counters().fetchedBytes.add(arrived);
      if (fetch.hasFailed()) {
        parts.counters().failedFetches.increment();
      }
      keepLater(fetch, arrived);
    }
  }

  private void keepLater(Fetch fetch, long arrived) {
    if (arrived > 0 && fetch.content.isKept()) {
      try {
        // Not here: a write that waits for the disk would keep the carrier from other fetches.
        writers.execute(() -> keep(fetch, arrived));
        return;
      } catch (RejectedExecutionException e) {
        parts.trouble().note("keeping data while closing", e);
      }
    }
    ended(fetch, false);
  }

  private void keep(Fetch fetch, long arrived) {
    boolean kept = false;
    try {
      kept = keeper.keep(fetch, arrived);
    } catch (RuntimeException e) {
      parts.trouble().note("keeping data of " + fetch.content.key(), e);
    } finally {
      ended(fetch, kept);
    }
  }

  private void ended(Fetch fetch, boolean kept) {
    if (kept || fetch.hasFailed()) {
      fetch.content.forget(fetch);
      fetch.leave();
    } else {
      queue.linger(fetch);
    }
    contents.release(fetch.content);
  }

  /** Fails waiting fetches, lets running ones end for a while, and keeps what arrived. */
  void close() {
    closed = true;
    queue.close(CLOSE_TIMEOUT.toNanos());
    writers.shutdown();
    try {
      if (!writers.awaitTermination(CLOSE_TIMEOUT.toNanos(), TimeUnit.NANOSECONDS)) {
        writers.shutdownNow();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
