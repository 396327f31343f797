package io.tiermount.fs.cache;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * One content's fetches that run or whose bytes are still in memory. They never overlap, so whoever
 * wants a chunk finds the one fetch that brings it, or begins it.
 */
final class InFlight {
  /** A fetch goes over this many present chunks rather than making a second request. */
  private static final int MAX_BRIDGED_CHUNKS = 8;

  private final Content content;
  private final ReentrantLock lock = new ReentrantLock();

  @GuardedBy("lock")
  private final NavigableMap<Integer, Fetch> byFirstChunk = new TreeMap<>();

  /** Changed under the lock only. */
  private final AtomicLong removals = new AtomicLong();

  InFlight(Content content) {
    this.content = content;
  }

  /**
   * What a range needs.
   *
   * @param joined all fetches that bring chunks of it, in order; each to be left by the caller
   * @param begun those of them that are new, to be submitted by the caller
   */
  record Plan(List<Fetch> joined, List<Fetch> begun) {}

  /**
   * Joins or begins what brings the absent chunks of {@code first} to {@code last}, both included.
   *
   * @param blockChunks of one fetch at most
   * @param random only these chunks; else their whole blocks
   */
  Plan plan(
      FetchQueue queue, BlockSource source, int first, int last, int blockChunks, boolean random) {
    while (true) {
      long seen = removals.get();
      // Not under the lock, since it may have to ask the index; so a fetch may end in between, and
      // its chunks, absent here, would be fetched again.
      boolean[] present = presence(first, last, blockChunks, random);
      lock.lock();
      try {
        if (removals.get() == seen) {
          return plan(queue, source, first, last, blockChunks, random, present);
        }
      } finally {
        lock.unlock();
      }
    }
  }

  @GuardedBy("lock")
  private Plan plan(
      FetchQueue queue,
      BlockSource source,
      int first,
      int last,
      int blockChunks,
      boolean random,
      boolean[] present) {
    Plan plan = new Plan(new ArrayList<>(), new ArrayList<>());
    int base = random ? first : first / blockChunks * blockChunks;
    for (int chunk = first; chunk <= last; ) {
      if (present[chunk - base]) {
        chunk++;
        continue;
      }
      Fetch running = covering(chunk);
      if (running != null && running.join()) {
        plan.joined.add(running);
        chunk = running.firstChunk + running.chunks;
        continue;
      }
      if (running != null) {
        byFirstChunk.remove(running.firstChunk);
      }
      int bridged = random ? 0 : MAX_BRIDGED_CHUNKS;
      int block = chunk / blockChunks;
      int low = random ? chunk : block * blockChunks;
      int high = random ? chunk + blockChunks : (block + 1) * blockChunks;
      high = Math.min(high, base + present.length);
      int from = grow(present, base, chunk, low - 1, -1, bridged);
      int to = grow(present, base, chunk, high, 1, bridged) + 1;
      Fetch fetch = new Fetch(queue, content, source, from, to - from);
      fetch.join();
      byFirstChunk.put(from, fetch);
      plan.joined.add(fetch);
      plan.begun.add(fetch);
      chunk = to;
    }
    return plan;
  }

  /** The last absent chunk reached from {@code start} before {@code limit} or another fetch. */
  @GuardedBy("lock")
  private int grow(boolean[] present, int base, int start, int limit, int step, int maxBridged) {
    int reached = start;
    int bridged = 0;
    for (int chunk = start + step; chunk != limit && covering(chunk) == null; chunk += step) {
      if (!present[chunk - base]) {
        reached = chunk;
        bridged = 0;
      } else if (++bridged > maxBridged) {
        break;
      }
    }
    return reached;
  }

  private boolean[] presence(int first, int last, int blockChunks, boolean random) {
    int from = random ? first : first / blockChunks * blockChunks;
    int count = Chunks.count(content.sizeBytes());
    int to = random ? last + 1 : Math.min(count, (last / blockChunks + 1) * blockChunks);
    boolean[] present = new boolean[to - from];
    if (!content.isKept() || content.record().presentChunks() == 0) {
      return present;
    }
    for (int chunk = from; chunk < to; chunk++) {
      present[chunk - from] = content.extent(chunk >> 6).has(1L << (chunk & 63));
    }
    return present;
  }

  @GuardedBy("lock")
  private @Nullable Fetch covering(int chunk) {
    Map.Entry<Integer, Fetch> entry = byFirstChunk.floorEntry(chunk);
    return entry != null && entry.getValue().covers(chunk) ? entry.getValue() : null;
  }

  void remove(Fetch fetch) {
    lock.lock();
    try {
      byFirstChunk.remove(fetch.firstChunk, fetch);
      removals.incrementAndGet();
    } finally {
      lock.unlock();
    }
  }

  /** True where a fetch brings chunks of an extent. */
  boolean touches(int extent) {
    int first = extent << 6;
    lock.lock();
    try {
      Map.Entry<Integer, Fetch> entry = byFirstChunk.lowerEntry(first + Chunks.PER_EXTENT);
      return entry != null && entry.getValue().firstChunk + entry.getValue().chunks > first;
    } finally {
      lock.unlock();
    }
  }
}
