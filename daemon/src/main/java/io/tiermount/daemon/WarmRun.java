package io.tiermount.daemon;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.tiermount.daemon.admin.AdminApi.CacheResult;
import io.tiermount.daemon.admin.AdminApi.Progress;
import io.tiermount.daemon.admin.AdminApi.ProgressSink;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * Reads trees through their mounts, which fills the cache by exactly the path that a job's reads
 * take. One use. Several files at once; the walk stays at most {@value #MAX_QUEUED} files ahead.
 */
final class WarmRun {
  /** Enough to keep a store with 10 ms busy on small files. */
  private static final int READERS = 16;

  private static final int MAX_QUEUED = 1024;
  private static final int BUFFER_BYTES = 1 << 20;
  private static final int MAX_PROBLEMS = 100;

  private final ProgressSink progress;
  private final Semaphore queued = new Semaphore(MAX_QUEUED);

  @GuardedBy("this")
  private final List<String> problems = new ArrayList<>();

  @GuardedBy("this")
  private long files;

  @GuardedBy("this")
  private long bytes;

  @GuardedBy("this")
  private long totalFiles;

  @GuardedBy("this")
  private long totalBytes;

  @GuardedBy("this")
  private boolean walked;

  WarmRun(ProgressSink progress) {
    this.progress = progress;
  }

  CacheResult run(List<Path> roots) throws InterruptedException {
    // Reads of a FUSE mount are system calls: platform threads.
    ExecutorService readers =
        Executors.newFixedThreadPool(
            READERS, Thread.ofPlatform().daemon().name("warm-", 0).factory());
    try {
      for (Path root : roots) {
        walk(root, readers);
      }
      synchronized (this) {
        walked = true;
      }
      readers.shutdown();
      while (!readers.awaitTermination(1, TimeUnit.SECONDS)) {
        report();
      }
    } finally {
      readers.shutdownNow();
    }
    report();
    synchronized (this) {
      return new CacheResult(files, bytes, problems);
    }
  }

  private void walk(Path root, ExecutorService readers) throws InterruptedException {
    try {
      Files.walkFileTree(
          root,
          new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
              if (attributes.isRegularFile()) {
                found(attributes.size());
                queued.acquireUninterruptibly();
                readers.execute(() -> read(file));
              }
              return Thread.currentThread().isInterrupted()
                  ? FileVisitResult.TERMINATE
                  : FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFileFailed(Path file, IOException e) {
              problem(file, e);
              return FileVisitResult.CONTINUE;
            }
          });
    } catch (IOException e) {
      problem(root, e);
    }
    if (Thread.interrupted()) {
      throw new InterruptedException();
    }
  }

  private void read(Path file) {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER_BYTES);
      for (int n = channel.read(buffer); n >= 0; n = channel.read(buffer)) {
        buffer.clear();
        done(0, n);
      }
      done(1, 0);
    } catch (IOException e) {
      problem(file, e);
    } finally {
      queued.release();
    }
  }

  private synchronized void found(long sizeBytes) {
    totalFiles++;
    totalBytes += sizeBytes;
  }

  private void done(int moreFiles, long moreBytes) {
    synchronized (this) {
      files += moreFiles;
      bytes += moreBytes;
    }
    report();
  }

  private void report() {
    Progress now;
    synchronized (this) {
      now = new Progress(files, bytes, walked ? totalFiles : 0, walked ? totalBytes : 0);
    }
    progress.report(now);
  }

  private synchronized void problem(Path file, IOException e) {
    if (problems.size() < MAX_PROBLEMS) {
      problems.add(file + ": " + e.getClass().getSimpleName() + " " + e.getMessage());
    }
  }
}
