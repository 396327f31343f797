package io.tiermount.fs.write;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.tiermount.backends.StoreException;
import io.tiermount.backends.StoreException.Kind;
import java.io.IOException;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;

/**
 * Requests of one upload that run at the same time, each on a virtual thread and with one of the
 * slots that all uploads share. The first failure interrupts the others and is the group's. Any
 * thread.
 */
final class SendGroup {
  /** One request. */
  @FunctionalInterface
  interface Send {
    void run() throws IOException, InterruptedException;
  }

  private final String key;
  private final Slots slots;
  private final Semaphore ownSlots;
  private final Runnable moved;

  @GuardedBy("this")
  private final Set<Thread> running = new HashSet<>();

  @GuardedBy("this")
  private @Nullable IOException failure;

  /**
   * Of one upload.
   *
   * @param slots shared with the other uploads
   * @param ownSlots requests of this one at the same time
   * @param moved run whenever one has ended well
   */
  SendGroup(String key, Slots slots, int ownSlots, Runnable moved) {
    this.key = key;
    this.slots = slots;
    this.ownSlots = new Semaphore(ownSlots, true);
    this.moved = moved;
  }

  /** Waits for a slot and begins; does nothing where the group has failed. */
  void start(Send send) throws InterruptedException {
    ownSlots.acquire();
    try {
      slots.acquire();
    } catch (InterruptedException e) {
      ownSlots.release();
      throw e;
    }
    synchronized (this) {
      if (failure == null) {
        Thread thread = Thread.ofVirtual().name("send " + key).unstarted(() -> run(send));
        running.add(thread);
        thread.start();
        return;
      }
    }
    slots.release();
    ownSlots.release();
  }

  private void run(Send send) {
    @Nullable IOException failed = null;
    try {
      send.run();
      moved.run();
    } catch (IOException e) {
      failed = e;
    } catch (InterruptedException e) {
      failed = interrupted(key, e);
    } catch (RuntimeException | Error e) {
      failed = new IOException("can't send " + key + ": " + e, e);
    } finally {
      slots.release();
      ownSlots.release();
      ended(failed);
    }
  }

  private synchronized void ended(@Nullable IOException failed) {
    running.remove(Thread.currentThread());
    if (failed != null && failure == null) {
      failure = failed;
      running.forEach(Thread::interrupt);
    }
    notifyAll();
  }

  synchronized boolean hasFailed() {
    return failure != null;
  }

  /**
   * Waits until all have ended.
   *
   * @throws IOException the first failure
   */
  synchronized void await() throws IOException, InterruptedException {
    while (!running.isEmpty()) {
      wait();
    }
    if (failure != null) {
      throw failure;
    }
  }

  /**
   * Ends all, and returns when they have: a part that came after an abort would stay in the store.
   * They end by themselves within the store's deadline, so this is not interruptible.
   */
  void stop() {
    boolean interrupted = false;
    synchronized (this) {
      if (failure == null) {
        failure = interrupted(key, null);
      }
      running.forEach(Thread::interrupt);
      while (!running.isEmpty()) {
        try {
          wait();
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  static StoreException interrupted(String key, @Nullable Throwable cause) {
    return new StoreException(
        Kind.INTERRUPTED, key, "sending " + key + " was given up by its caller", cause);
  }
}
