package io.tiermount.fs;

import io.tiermount.fs.fuse.KernelCache;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells the kernel what has changed, from a thread of its own: the kernel may hold a directory's
 * lock until a request of ours is answered, so no thread that answers requests may wait for it. At
 * most {@value #QUEUED} notices wait; what comes on top is dropped and the kernel learns of it when
 * its timeout ends.
 */
final class KernelNotifier implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(KernelNotifier.class);
  private static final int QUEUED = 10_000;

  private final KernelCache kernel;
  private final ThreadPoolExecutor executor;

  KernelNotifier(KernelCache kernel, String mount) {
    this.kernel = kernel;
    this.executor =
        new ThreadPoolExecutor(
            1,
            1,
            10,
            TimeUnit.SECONDS,
            new ArrayBlockingQueue<>(QUEUED),
            task -> Thread.ofPlatform().daemon().name("notify " + mount).unstarted(task));
    executor.allowCoreThreadTimeOut(true);
  }

  KernelCache kernel() {
    return kernel;
  }

  void invalidateEntry(long parent, String name) {
    try {
      executor.execute(() -> kernel.invalidateEntry(parent, name));
    } catch (RejectedExecutionException e) {
      log.debug("too many notices wait for the kernel: {} is left to its timeout", name);
    }
  }

  void invalidatePages(long nodeId) {
    try {
      executor.execute(() -> kernel.invalidateInode(nodeId, 0, -1));
    } catch (RejectedExecutionException e) {
      log.debug(
          "too many notices wait for the kernel: pages of node {} are left as they are", nodeId);
    }
  }

  @Override
  public void close() {
    executor.shutdownNow();
  }
}
