package io.tiermount.fs.fuse.dev;

import io.tiermount.fs.fuse.FuseHandler;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A connection that has been initialised: readers on one descriptor, requests in flight, buffers.
 * It needs no more than the descriptor, and so does a successor's.
 */
final class Session {
  private static final Logger log = LoggerFactory.getLogger(Session.class);

  /** Answers with a payload being made by other threads than the readers: 64 MiB at most. */
  private static final int POOLED_BUFFERS = 64;

  private final FuseDevice device;
  private final FuseHandler handler;
  private final BufferPool pool = new BufferPool(POOLED_BUFFERS);
  private final List<Reader> readers;
  private final AtomicInteger running;
  private final CountDownLatch over = new CountDownLatch(1);
  private final AtomicBoolean destroyed = new AtomicBoolean();
  private volatile boolean leaving;

  /** Handed over by a handler that returned before answering; as many as the kernel lets wait. */
  private final ConcurrentHashMap<Long, DevReplier> inFlight = new ConcurrentHashMap<>();

  Session(FuseDevice device, FuseHandler handler, int threads) {
    this.device = device;
    this.handler = handler;
    this.running = new AtomicInteger(threads);
    List<Reader> made = new ArrayList<>();
    for (int i = 0; i < threads; i++) {
      made.add(new Reader(this, handler));
    }
    this.readers = List.copyOf(made);
  }

  void start(String name) {
    for (int i = 0; i < readers.size(); i++) {
      readers.get(i).newThread("fuse-" + name + "-" + i).start();
    }
  }

  FuseDevice device() {
    return device;
  }

  BufferPool pool() {
    return pool;
  }

  ConcurrentHashMap<Long, DevReplier> inFlight() {
    return inFlight;
  }

  /** A request that is being worked on, null where there is none such (any more). */
  @Nullable DevReplier find(long unique) {
    // Readers first: a request enters the map before it leaves its reader.
    for (Reader reader : readers) {
      DevReplier replier = reader.current();
      if (replier != null && replier.rawUnique() == unique) {
        return replier;
      }
    }
    return inFlight.get(unique);
  }

  Map<String, Long> requestCounts() {
    return FuseWire.byName(
        opcode -> readers.stream().mapToLong(reader -> reader.count(opcode)).sum());
  }

  /** The requests that have been under way for longer than that. */
  List<DevReplier> stuck(Duration longerThan) {
    long before = System.nanoTime() - longerThan.toNanos();
    List<DevReplier> stuck = new ArrayList<>();
    for (Reader reader : readers) {
      DevReplier replier = reader.current();
      if (replier != null && replier.isOpenSince(before)) {
        stuck.add(replier);
      }
    }
    for (DevReplier replier : inFlight.values()) {
      // One that changes its place meanwhile is met twice.
      if (replier.isOpenSince(before) && !stuck.contains(replier)) {
        stuck.add(replier);
      }
    }
    return stuck;
  }

  /** Called by each reader as it ends; the last one ends the session. */
  void ended() {
    if (running.decrementAndGet() == 0 && !leaving) {
      destroy();
      over.countDown();
    }
  }

  /** No request is taken up from here on; one that is read by now is left to the successor. */
  boolean isLeaving() {
    return leaving;
  }

  /**
   * Serves no more, without the kernel noticing: what is under way gets so long, then nothing of it
   * is answered any more. Readers end with the next request that comes, or with the process.
   */
  void leave(long graceMillis) {
    leaving = true;
    long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(graceMillis);
    while (isBusy() && System.nanoTime() < deadline) {
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(1));
    }
    device.mute();
    interruptAll();
  }

  private boolean isBusy() {
    return !inFlight.isEmpty() || readers.stream().anyMatch(Reader::isBusy);
  }

  /** Waits until all readers have ended and the handler knows. */
  boolean awaitEnd(long timeoutMillis) {
    boolean restore = false;
    long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(timeoutMillis);
    try {
      while (true) {
        try {
          return over.await(deadline - System.nanoTime(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
          restore = true;
        }
      }
    } finally {
      if (restore) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /**
   * The connection is gone: whoever still works on a request is told, then the handler. Idempotent.
   */
  void destroy() {
    if (!destroyed.compareAndSet(false, true)) {
      return;
    }
    device.close();
    interruptAll();
    try {
      handler.destroyed();
    } catch (RuntimeException | Error e) {
      log.error("The file system failed while it was told of the unmount", e);
    }
  }

  /** Tells whoever still works on a request that nobody waits for it. */
  void interruptAll() {
    for (Reader reader : readers) {
      interrupt(reader.current());
    }
    inFlight.values().forEach(Session::interrupt);
  }

  private static void interrupt(@Nullable DevReplier replier) {
    if (replier == null) {
      return;
    }
    try {
      replier.interrupt();
    } catch (RuntimeException e) {
      log.error("{} could not be interrupted", replier, e);
    }
  }
}
