package io.tiermount.fs.fuse.libfuse;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.tiermount.backends.os.Errno;
import io.tiermount.backends.os.ErrnoException;
import io.tiermount.backends.os.LibC;
import io.tiermount.fs.fuse.FuseHandler;
import io.tiermount.fs.fuse.FuseTransport;
import io.tiermount.fs.fuse.KernelCache;
import io.tiermount.fs.fuse.MountOptions;
import io.tiermount.fs.fuse.dev.MountPoint;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One mount through libfuse 2 and jnr-fuse: works where the daemon may not mount by itself (then
 * libfuse calls fusermount). Slower, and without much that the kernel offers; docs/SEMANTICS.md has
 * the table. libfuse makes its own threads, as many as requests are under way.
 */
public final class JnrFuseTransport implements FuseTransport {
  private static final Logger log = LoggerFactory.getLogger(JnrFuseTransport.class);
  private static final Path FUSE_CONTROL = Path.of("/sys/fs/fuse/connections");
  private static final int REQUEST_BYTES = PayloadPool.BUFFER_BYTES;
  private static final long START_SECONDS = 20;

  /** How long libfuse may take to end once nothing is under way any more. */
  private static final long END_MILLIS = 3_000;

  private final LibFuseOptions timeouts;
  private final ReentrantLock lifecycle = new ReentrantLock();

  @GuardedBy("lifecycle")
  private @Nullable MountPoint mountPoint;

  @GuardedBy("lifecycle")
  private boolean closed;

  private volatile @Nullable Loop loop;

  public JnrFuseTransport(LibFuseOptions timeouts) {
    this.timeouts = timeouts;
  }

  /** libfuse's main loop on its thread, from mount to unmount. */
  private static final class Loop {
    private final NativeFuse fuse;
    private final FuseHandler handler;
    private final PathRequests requests;
    private final PathNodes nodes;
    private final CountDownLatch ready = new CountDownLatch(1);
    private final CountDownLatch over = new CountDownLatch(1);
    private volatile boolean initialised;
    private volatile int result;

    Loop(NativeFuse fuse, FuseHandler handler) {
      this.fuse = fuse;
      this.handler = handler;
      requests = new PathRequests(fuse, handler);
      nodes = new PathNodes(requests, System::nanoTime, PathNodes.MAX_NAMES);
    }

    void start(List<String> arguments, String name) {
      Thread.ofPlatform().daemon().name("libfuse-" + name).start(() -> run(arguments));
    }

    private void run(List<String> arguments) {
      try {
        result =
            fuse.run(
                arguments,
                Callbacks.of(
                    new NameOperations(requests, nodes),
                    new FileOperations(requests, nodes),
                    () -> {
                      initialised = true;
                      ready.countDown();
                    }));
      } catch (RuntimeException | Error e) {
        log.error("libfuse failed", e);
        result = -1;
      } finally {
        ready.countDown();
        if (initialised) {
          destroy();
        }
        over.countDown();
      }
    }

    private void destroy() {
      requests.abandon();
      nodes.clear();
      try {
        handler.destroyed();
      } catch (RuntimeException | Error e) {
        log.error("The file system failed while it was told of the unmount", e);
      }
    }

    boolean awaitEnd(long timeoutMillis) {
      return await(over, timeoutMillis);
    }
  }

  private static boolean await(CountDownLatch latch, long timeoutMillis) {
    boolean restore = false;
    long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(timeoutMillis);
    try {
      while (true) {
        try {
          return latch.await(deadline - System.nanoTime(), TimeUnit.NANOSECONDS);
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

  @Override
  public String name() {
    return "libfuse";
  }

  @Override
  public KernelCache start(MountOptions options, FuseHandler handler) throws IOException {
    lifecycle.lock();
    try {
      if (closed || loop != null) {
        throw new IllegalStateException("a transport is started once");
      }
      if (options.acl()) {
        throw new IOException(
            "libfuse 2 passes no POSIX ACL to the kernel, which permissions.allow and deny of this"
                + " mount need: set fuse.transport = dev, or allow one user or one group alone");
      }
      NativeFuse fuse = NativeFuse.load();
      requireDevice();
      Path path = MountPoint.prepare(options.path());
      Loop started = new Loop(fuse, handler);
      loop = started;
      started.start(arguments(options, path), String.valueOf(path.getFileName()));
      if (!await(started.ready, TimeUnit.SECONDS.toMillis(START_SECONDS)) || !started.initialised) {
        throw new IOException(
            "libfuse could not mount "
                + path
                + " (result "
                + started.result
                + "); its own message is on the standard error. Run tiermount as root, or let"
                + " fusermount work (setuid, and user_allow_other in /etc/fuse.conf)");
      }
      mountPoint = MountPoint.at(path);
      log.info("Mounted {} (libfuse 2; no passthrough)", path);
      KernelCache kernel = new LibFuseKernelCache(started.nodes);
      handler.connected(kernel);
      return kernel;
    } finally {
      lifecycle.unlock();
    }
  }

  private static void requireDevice() throws IOException {
    try {
      LibC.close(LibC.open("/dev/fuse", LibC.O_RDWR | LibC.O_CLOEXEC, 0));
    } catch (ErrnoException e) {
      String advice =
          e.errno() == Errno.EACCES || e.errno() == Errno.EPERM
              ? ": run tiermount as root; in a container allow the device 10:229"
              : ": load the kernel module (modprobe fuse); in a container add --device /dev/fuse";
      throw new IOException(e.getMessage() + advice, e);
    }
  }

  private List<String> arguments(MountOptions options, Path path) {
    List<String> mount = new ArrayList<>();
    if (options.allowOther()) {
      mount.add("allow_other");
    }
    if (options.readOnly()) {
      mount.add("ro");
    }
    mount.add("default_permissions");
    // In libfuse's option strings a backslash takes a comma's meaning away.
    mount.add("fsname=" + options.source().replace("\\", "\\\\").replace(",", "\\,"));
    mount.add("subtype=tiermount");
    mount.add("big_writes");
    mount.add("max_read=" + REQUEST_BYTES);
    mount.add("max_write=" + REQUEST_BYTES);
    mount.add("max_readahead=" + REQUEST_BYTES);
    mount.add("atomic_o_trunc");
    mount.add("use_ino");
    // Unlinked files that are still open are the file system's business, not .fuse_hidden files.
    mount.add("hard_remove");
    mount.add("intr");
    mount.add("entry_timeout=" + seconds(timeouts.entryTtl()));
    mount.add("attr_timeout=" + seconds(timeouts.attrTtl()));
    mount.add("negative_timeout=" + seconds(timeouts.negativeTtl()));
    return List.of("tiermount", "-f", "-o", String.join(",", mount), path.toString());
  }

  private static String seconds(Duration duration) {
    return String.format(Locale.ROOT, "%.3f", duration.toMillis() / 1000.0);
  }

  @Override
  public Map<String, Long> requestCounts() {
    Loop running = loop;
    return running == null ? new RequestCounter().counts() : running.requests.counts();
  }

  @Override
  public void close() {
    lifecycle.lock();
    try {
      if (closed) {
        return;
      }
      closed = true;
      Loop running = loop;
      MountPoint mounted = mountPoint;
      if (running == null || mounted == null) {
        return;
      }
      if (!running.awaitEnd(0)) {
        mounted.end(FUSE_CONTROL, running::awaitEnd);
        running.requests.abandon();
      }
      if (!running.awaitEnd(END_MILLIS)) {
        log.error("{} is unmounted, but libfuse does not end; leaving its threads", mounted.path());
      }
    } finally {
      lifecycle.unlock();
    }
  }
}
