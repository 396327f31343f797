package io.tiermount.fs.cache;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.tiermount.backends.StoreException;
import io.tiermount.backends.StoreException.Kind;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.SequencedSet;
import java.util.Set;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Which fetches run: at most so many at once, with at most so many bytes of memory. Those that
 * somebody waits for go first and may use all of it, background ones three quarters; at most
 * {@value #MAX_WAITING} of the latter wait, more are refused. Fetches that could not be kept on
 * disk linger in memory that nobody else needs, so that a reader's next piece finds them.
 */
final class FetchQueue {
  private static final int MAX_WAITING = 256;

  private final int maxFetches;
  private final long maxBytes;
  private final Consumer<Fetch> runner;
  private final FetchBuffers buffers = new FetchBuffers();
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition idle = lock.newCondition();

  @GuardedBy("lock")
  private final SequencedSet<Fetch> urgent = new LinkedHashSet<>();

  @GuardedBy("lock")
  private final SequencedSet<Fetch> background = new LinkedHashSet<>();

  @GuardedBy("lock")
  private final SequencedSet<Fetch> lingering = new LinkedHashSet<>();

  /** Waited for before they were submitted. */
  @GuardedBy("lock")
  private final Set<Fetch> wanted = new HashSet<>();

  @GuardedBy("lock")
  private int running;

  @GuardedBy("lock")
  private long usedBytes;

  @GuardedBy("lock")
  private boolean closed;

  /**
   * @param maxBytes at least two blocks
   * @param runner starts a fetch on a thread of its own; calls {@link #finished} at its end
   */
  FetchQueue(int maxFetches, long maxBytes, Consumer<Fetch> runner) {
    this.maxFetches = maxFetches;
    this.maxBytes = maxBytes;
    this.runner = runner;
  }

  /** Takes a new fetch; false where it was refused, which fails it. */
  boolean submit(Fetch fetch, boolean isUrgent) {
    boolean taken;
    lock.lock();
    try {
      fetch.submitted();
      boolean first = isUrgent || wanted.remove(fetch);
      taken = !closed && (first || background.size() < MAX_WAITING);
      if (taken) {
        (first ? urgent : background).add(fetch);
      }
    } finally {
      lock.unlock();
    }
    if (taken) {
      dispatch();
    } else {
      Kind kind = isClosed() ? Kind.CLOSED : Kind.THROTTLED;
      fetch.fail(new StoreException(kind, fetch.content.key().key(), "the cache takes no more"));
      fetch.leave();
    }
    return taken;
  }

  /** Somebody waits for it now. */
  void promote(Fetch fetch) {
    lock.lock();
    try {
      if (!background.remove(fetch)) {
        if (!fetch.isSubmitted()) {
          wanted.add(fetch);
        }
        return;
      }
      urgent.add(fetch);
    } finally {
      lock.unlock();
    }
    dispatch();
  }

  /** The GET has ended; its memory may live on. */
  void finished() {
    lock.lock();
    try {
      running--;
      idle.signalAll();
    } finally {
      lock.unlock();
    }
    dispatch();
  }

  /** A fetch's last user left. */
  void released(Fetch fetch, MemorySegment @Nullable [] memory) {
    if (memory == null) {
      return;
    }
    buffers.give(memory);
    lock.lock();
    try {
      usedBytes -= fetch.memoryBytes();
      idle.signalAll();
    } finally {
      lock.unlock();
    }
    dispatch();
  }

  /** Takes the owner's use of a fetch that was not kept on disk. */
  void linger(Fetch fetch) {
    List<Fetch> over = new ArrayList<>();
    lock.lock();
    try {
      lingering.add(fetch);
      long bytes = lingering.stream().mapToLong(Fetch::memoryBytes).sum();
      while (!lingering.isEmpty() && (closed || bytes > maxBytes / 2)) {
        Fetch oldest = lingering.removeFirst();
        bytes -= oldest.memoryBytes();
        over.add(oldest);
      }
    } finally {
      lock.unlock();
    }
    over.forEach(FetchQueue::drop);
    dispatch();
  }

  /** Nobody has the content open any more. */
  void dropLingering(Content content) {
    List<Fetch> gone = new ArrayList<>();
    lock.lock();
    try {
      lingering.removeIf(fetch -> fetch.content == content && gone.add(fetch));
    } finally {
      lock.unlock();
    }
    gone.forEach(FetchQueue::drop);
  }

  private static void drop(Fetch fetch) {
    fetch.content.forget(fetch);
    fetch.leave();
  }

  private void dispatch() {
    while (true) {
      Fetch next = null;
      Fetch dropped = null;
      lock.lock();
      try {
        if (!urgent.isEmpty() && fits(urgent.getFirst(), maxFetches, maxBytes)) {
          next = urgent.removeFirst();
        } else if (!urgent.isEmpty() && !lingering.isEmpty()) {
          dropped = lingering.removeFirst();
        } else if (urgent.isEmpty()
            && !background.isEmpty()
            && fits(background.getFirst(), maxFetches * 3 / 4, maxBytes / 4 * 3)) {
          next = background.removeFirst();
        } else {
          return;
        }
        if (next != null) {
          running++;
          usedBytes += next.memoryBytes();
        }
      } finally {
        lock.unlock();
      }
      if (dropped != null) {
        drop(dropped);
      }
      if (next != null) {
        next.start(buffers.take(next.chunks));
        runner.accept(next);
      }
    }
  }

  @GuardedBy("lock")
  private boolean fits(Fetch fetch, int fetches, long bytes) {
    boolean room = usedBytes + fetch.memoryBytes() <= bytes || usedBytes == 0;
    return running < Math.max(1, fetches) && room;
  }

  private boolean isClosed() {
    lock.lock();
    try {
      return closed;
    } finally {
      lock.unlock();
    }
  }

  /** Fails what waits and waits for what runs; false where some was still running at the end. */
  boolean close(long timeoutNanos) {
    List<Fetch> waiting = new ArrayList<>();
    List<Fetch> lingered;
    lock.lock();
    try {
      closed = true;
      waiting.addAll(urgent);
      waiting.addAll(background);
      urgent.clear();
      background.clear();
      lingered = new ArrayList<>(lingering);
      lingering.clear();
    } finally {
      lock.unlock();
    }
    for (Fetch fetch : waiting) {
      String key = fetch.content.key().key();
      fetch.fail(new StoreException(Kind.CLOSED, key, "the cache was closed"));
      fetch.leave();
    }
    lingered.forEach(FetchQueue::drop);
    lock.lock();
    try {
      long rest = timeoutNanos;
      while ((running > 0 || usedBytes > 0) && rest > 0) {
        rest = idle.awaitNanos(rest);
      }
      return running == 0 && usedBytes == 0;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    } finally {
      lock.unlock();
    }
  }
}
