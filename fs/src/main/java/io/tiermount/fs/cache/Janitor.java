package io.tiermount.fs.cache;

import io.tiermount.fs.meta.MetaException;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The cache's one background thread: cleans up below the ceiling, lets go of held files that nobody
 * uses any more, looks how files of writers grow, deletes data files that the index does not know
 * (one sub-directory a second, once after each start), and first of all what a lost index left
 * behind.
 */
final class Janitor {
  private static final long INTERVAL_MILLIS = 1000;

  /** The time between two looks while files of writers grow: the fastest disk takes 1 GB in it. */
  private static final long HURRY_MILLIS = 100;

  private static final int ROUNDS_BETWEEN_PROBES = 2;

  private final List<CacheDirectory> directories;
  private final BlockIndex index;
  private final Trouble trouble;
  private final Frequency frequency;
  private final long firstId;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition woken = lock.newCondition();
  private boolean wake;
  private volatile boolean closed;
  private volatile long intervalMillis = INTERVAL_MILLIS;
  private @Nullable Thread thread;

  /** The next sub-directory to sweep. */
  private int swept;

  /**
   * @param firstId files of lower ids were made by earlier runs: only those can be unknown
   */
  Janitor(
      List<CacheDirectory> directories,
      BlockIndex index,
      Trouble trouble,
      Frequency frequency,
      long firstId) {
    this.directories = directories;
    this.index = index;
    this.trouble = trouble;
    this.frequency = frequency;
    this.firstId = firstId;
  }

  void start(Eviction eviction, Staging staging) {
    thread = Thread.ofPlatform().name("cache-janitor").daemon().start(() -> run(eviction, staging));
  }

  /** A file of a writer may grow from now on. */
  void hurry() {
    if (intervalMillis != HURRY_MILLIS) {
      wake();
    }
  }

  void wake() {
    lock.lock();
    try {
      wake = true;
      woken.signal();
    } finally {
      lock.unlock();
    }
  }

  void close() {
    closed = true;
    wake();
    Thread running = thread;
    if (running != null) {
      try {
        running.join(TimeUnit.SECONDS.toMillis(10));
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private void run(Eviction eviction, Staging staging) {
    for (CacheDirectory directory : directories) {
      attempt("deleting unknown data", () -> directory.files().emptyTrash());
    }
    long nextRoundNanos = System.nanoTime();
    for (int round = 0; !closed; ) {
      intervalMillis = staging.look() ? HURRY_MILLIS : INTERVAL_MILLIS;
      attempt("making room", () -> eviction.clean(directories));
      if (System.nanoTime() - nextRoundNanos >= 0) {
        nextRoundNanos = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(INTERVAL_MILLIS);
        frequency.advance();
        if (round++ % ROUNDS_BETWEEN_PROBES == 0) {
          attempt("looking at held files", this::releaseHeld);
        }
        attempt("looking for unknown data files", () -> sweep(staging));
      }
      await();
    }
  }

  /** May fail. */
  @FunctionalInterface
  interface Work {
    void run() throws IOException;
  }

  private void attempt(String what, Work work) {
    try {
      work.run();
    } catch (IOException | RuntimeException e) {
      trouble.note(what, e);
    }
  }

  private void await() {
    lock.lock();
    try {
      long rest = TimeUnit.MILLISECONDS.toNanos(intervalMillis);
      while (!wake && !closed && rest > 0) {
        rest = woken.awaitNanos(rest);
      }
      wake = false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      closed = true;
    } finally {
      lock.unlock();
    }
  }

  private void releaseHeld() throws IOException {
    for (CacheDirectory directory : directories) {
      if (directory.holdsFiles()) {
        directory.releaseHeld();
      }
    }
  }

  private void sweep(Staging staging) throws IOException {
    for (CacheDirectory directory : directories) {
      if (swept < directory.files().subdirectories()) {
        sweep(directory.files().subdirectory(swept), staging);
      }
    }
    swept++;
  }

  private void sweep(Path subdirectory, Staging staging) throws IOException {
    try (DirectoryStream<Path> files = Files.newDirectoryStream(subdirectory)) {
      for (Path file : files) {
        long id = DataFiles.contentId(file);
        if (id >= 0 && id < firstId && isUnknown(id) && !closed) {
          staging.whileNothingMoves(() -> deleteUnknown(file, id));
        }
      }
    }
  }

  /** A file on its way from or to {@code staging/} was unknown for a moment only. */
  private void deleteUnknown(Path file, long id) throws IOException {
    if (isUnknown(id)) {
      Files.deleteIfExists(file);
    }
  }

  private boolean isUnknown(long id) throws MetaException {
    return index.keyOf(id) == null;
  }
}
