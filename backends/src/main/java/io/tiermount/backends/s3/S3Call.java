package io.tiermount.backends.s3;

import com.google.errorprone.annotations.concurrent.GuardedBy;

/**
 * One call under way: which thread works on it, when it last got on, and why it was ended from
 * outside. The watch and {@code close} end it by an interrupt, which closes the socket a virtual
 * thread waits on.
 */
final class S3Call {
  /** Why somebody else ended the call. */
  enum Ended {
    NO,
    STALLED,
    CLOSED
  }

  private final Thread thread = Thread.currentThread();
  private final S3Watch watch;
  private volatile long lastProgressNanos;
  private volatile long attemptNanos;
  private volatile long stallNanos = Long.MAX_VALUE;
  private volatile boolean watched;
  private volatile boolean retried;
  private volatile boolean advanced;

  @GuardedBy("this")
  private Ended ended = Ended.NO;

  @GuardedBy("this")
  private boolean done;

  S3Call(S3Watch watch) {
    this.watch = watch;
    this.lastProgressNanos = System.nanoTime();
    this.attemptNanos = lastProgressNanos;
  }

  /** Bytes moved or an answer came. */
  void progress() {
    long now = System.nanoTime();
    lastProgressNanos = now;
    attemptNanos = now;
    watch.moved(now);
  }

  /** Bytes were delivered that no later try repeats: the count of retries starts again. */
  void advance() {
    progress();
    advanced = true;
  }

  boolean takeAdvanced() {
    boolean was = advanced;
    advanced = false;
    return was;
  }

  /** From here on the store owes something: the watch may end the call after {@code stall}. */
  void await(long stall) {
    attemptNanos = System.nanoTime();
    stallNanos = stall;
    watched = true;
  }

  /** The caller's own code runs, however long it takes. */
  void rest() {
    watched = false;
  }

  void resume() {
    progress();
    watched = true;
  }

  long idleNanos() {
    return System.nanoTime() - lastProgressNanos;
  }

  /** An earlier try may have reached the store: its effect may be there already. */
  boolean retried() {
    return retried;
  }

  void retrying() {
    retried = true;
  }

  /** Called by the watch. */
  void endIfStalled() {
    if (watched && System.nanoTime() - attemptNanos > stallNanos) {
      end(Ended.STALLED);
    }
  }

  synchronized void end(Ended why) {
    if (!done && ended == Ended.NO) {
      ended = why;
      thread.interrupt();
    }
  }

  /** Takes back a stall's interrupt so that the next try starts clean. */
  synchronized Ended takeEnded() {
    Ended why = ended;
    if (why != Ended.NO) {
      boolean _ = Thread.interrupted();
    }
    if (why == Ended.STALLED) {
      ended = Ended.NO;
    }
    return why;
  }

  /** Nothing interrupts the thread afterwards. */
  synchronized void finish() {
    done = true;
    if (ended != Ended.NO) {
      boolean _ = Thread.interrupted();
    }
  }
}
