package io.tiermount.fs.volume;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.tiermount.fs.write.Slots;
import java.util.PriorityQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Gives changes to workers when they are due, so many at a time. A change that is scheduled again
 * is worked on at the earlier of the two times; what is due waits here, not in threads.
 */
final class Schedule implements AutoCloseable {
  private static final long TICK_NANOS = TimeUnit.SECONDS.toNanos(1);

  private record Due(NameChange change, long nanos) {}

  private final Slots workers;
  private final Consumer<NameChange> work;
  private final Runnable tick;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();

  @GuardedBy("lock")
  private final PriorityQueue<Due> queue =
      new PriorityQueue<>((a, b) -> Long.signum(a.nanos - b.nanos));

  @GuardedBy("lock")
  private boolean closed;

  private final Thread thread;

  /**
   * @param work done on virtual threads
   * @param tick run about once a second
   */
  Schedule(String name, Slots workers, Consumer<NameChange> work, Runnable tick) {
    this.workers = workers;
    this.work = work;
    this.tick = tick;
    this.thread = Thread.ofPlatform().daemon().name("publish " + name).unstarted(this::run);
  }

  void start() {
    thread.start();
  }

  void at(NameChange change, long delayNanos) {
    long due = System.nanoTime() + delayNanos;
    lock.lock();
    try {
      long before = change.dueNanos();
      if (before != 0 && before - due <= 0) {
        return; // It comes earlier already.
      }
      change.dueNanos(due == 0 ? 1 : due);
      queue.add(new Due(change, change.dueNanos()));
      changed.signal();
    } finally {
      lock.unlock();
    }
  }

  /** Postpones what is scheduled: a file that is being written goes on being written. */
  void notBefore(NameChange change, long delayNanos) {
    lock.lock();
    try {
      change.dueNanos(0);
    } finally {
      lock.unlock();
    }
    at(change, delayNanos);
  }

  private void run() {
    long nextTick = System.nanoTime() + TICK_NANOS;
    while (true) {
      try {
        NameChange next = await(nextTick);
        if (next != null) {
          workers.acquire();
          Thread.startVirtualThread(() -> {
            try {
              work.accept(next);
            } finally {
              workers.release();
            }
          });
        }
      } catch (InterruptedException e) {
        return;
      }
      if (System.nanoTime() - nextTick >= 0) {
        nextTick = System.nanoTime() + TICK_NANOS;
        tick.run();
      }
    }
  }

  private @Nullable NameChange await(long untilNanos) throws InterruptedException {
    lock.lock();
    try {
      while (true) {
        if (closed) {
          throw new InterruptedException("closed");
        }
        long now = System.nanoTime();
        Due first = queue.peek();
        if (first != null && first.nanos - now <= 0) {
          queue.remove();
          if (first.change.dueNanos() != first.nanos) {
            continue; // Scheduled anew meanwhile.
          }
          first.change.dueNanos(0);
          return first.change;
        }
        long wait = untilNanos - now;
        if (wait <= 0) {
          return null;
        }
        long _ = changed.awaitNanos(first == null ? wait : Math.min(wait, first.nanos - now));
      }
    } finally {
      lock.unlock();
    }
  }

  /** Waits for those at work, for a while. */
  @Override
  public void close() {
    lock.lock();
    try {
      closed = true;
      changed.signal();
    } finally {
      lock.unlock();
    }
    try {
      thread.join(TimeUnit.SECONDS.toMillis(5));
      boolean _ = workers.awaitIdle(TimeUnit.SECONDS.toMillis(10));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
