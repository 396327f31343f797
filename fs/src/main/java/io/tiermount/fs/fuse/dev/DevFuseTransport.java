package io.tiermount.fs.fuse.dev;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.tiermount.backends.os.ErrnoException;
import io.tiermount.backends.os.LibC;
import io.tiermount.fs.fuse.Connection;
import io.tiermount.fs.fuse.FuseHandler;
import io.tiermount.fs.fuse.FuseTransport;
import io.tiermount.fs.fuse.KernelCache;
import io.tiermount.fs.fuse.MountOptions;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One mount on the kernel's own protocol. Needs root (CAP_SYS_ADMIN) and Linux 5.4; passthrough
 * needs Linux 6.9. Requests are handled on reader threads (twice the cores, at most {@value
 * #MAX_THREADS}), which hold up to 2 MiB of buffers each.
 */
public final class DevFuseTransport implements FuseTransport {
  private static final Logger log = LoggerFactory.getLogger(DevFuseTransport.class);
  private static final Path FUSE_CONTROL = Path.of("/sys/fs/fuse/connections");

  /** On large machines more readers cost memory and gain nothing: misses leave the readers. */
  private static final int MAX_THREADS = 64;

  /** How long readers may take to notice; only a handler that blocks them needs it. */
  private static final long END_MILLIS = 3_000;

  private static final int UNMOUNT_NOW = LibC.MNT_FORCE | LibC.MNT_DETACH;

  private final Path fuseControl;

  /** Serialises start and close. */
  private final ReentrantLock lifecycle = new ReentrantLock();

  @GuardedBy("lifecycle")
  private @Nullable MountPoint mountPoint;

  @GuardedBy("lifecycle")
  private boolean closed;

  private volatile @Nullable Session session;
  private volatile @Nullable Connection connection;

  public DevFuseTransport() {
    this(FUSE_CONTROL);
  }

  /**
   * @param fuseControl where fusectl is mounted, if it is
   */
  DevFuseTransport(Path fuseControl) {
    this.fuseControl = fuseControl;
  }

  @Override
  public String name() {
    return "dev";
  }

  @Override
  public KernelCache start(MountOptions options, FuseHandler handler) throws IOException {
    lifecycle.lock();
    try {
      if (closed || session != null) {
        throw new IllegalStateException("a transport is started once");
      }
      FuseDevice device = MountPoint.openDevice();
      MountPoint mounted = null;
      try {
        mounted = MountPoint.mount(options, device);
        Negotiated negotiated = new Handshake(device, options).run();
        mounted.setReadAhead(options.readAheadBytes());
        return serve(mounted, device, negotiated, options, handler);
      } catch (IOException | RuntimeException | Error e) {
        if (mounted != null) {
          mounted.unmount(UNMOUNT_NOW);
        }
        device.close();
        throw e;
      }
    } finally {
      lifecycle.unlock();
    }
  }

  @Override
  public KernelCache resume(MountOptions options, Connection inherited, FuseHandler handler)
      throws IOException {
    lifecycle.lock();
    try {
      if (closed || session != null) {
        throw new IllegalStateException("a transport is started once");
      }
      if (options.acl() != ((inherited.flags() & FuseWire.POSIX_ACL) != 0)) {
        throw new IOException(options.path() + " was mounted with other rules of who may enter it");
      }
      MountPoint mounted = MountPoint.of(options.path(), inherited.device());
      FuseDevice device = new FuseDevice(inherited.fd());
      Negotiated negotiated =
          new Negotiated(
              inherited.minor(), inherited.flags(), inherited.flags2(), inherited.passthroughOff());
      KernelCache kernel = serve(mounted, device, negotiated, options, handler);
      resend(device);
      return kernel;
    } finally {
      lifecycle.unlock();
    }
  }

  /** Has the kernel send again what was read and not answered before us. */
  private static void resend(FuseDevice device) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment frame = arena.allocate(FuseWire.OUT_HEADER_BYTES, 8);
      ReplyEncoder.header(frame, FuseWire.OUT_HEADER_BYTES, FuseWire.NOTIFY_RESEND, 0);
      long result = device.write(frame, FuseWire.OUT_HEADER_BYTES);
      if (result < 0) {
        throw new ErrnoException("asking the kernel to send requests again", (int) -result);
      }
    }
  }

  @Override
  public @Nullable Connection connection() {
    return connection;
  }

  @Override
  public void leave(long graceMillis) {
    Session running = session;
    if (running != null) {
      running.leave(graceMillis);
    }
  }

  /** Serves a connection that is mounted and initialised, by us or by a daemon before us. */
  @GuardedBy("lifecycle")
  private KernelCache serve(
      MountPoint mounted,
      FuseDevice device,
      Negotiated negotiated,
      MountOptions options,
      FuseHandler handler) {
    int wanted =
        options.threads() > 0 ? options.threads() : 2 * Runtime.getRuntime().availableProcessors();
    Session started = new Session(device, handler, Math.min(wanted, MAX_THREADS));
    KernelCache kernel = new DevKernelCache(device, negotiated);
    mountPoint = mounted;
    session = started;
    if ((negotiated.flags2() & FuseWire.HAS_RESEND) != 0) {
      connection =
          new Connection(
              device.fd(),
              mounted.device(),
              negotiated.minor(),
              negotiated.flags(),
              negotiated.flags2(),
              negotiated.passthroughOff());
    }
    handler.connected(kernel);
    started.start(String.valueOf(mounted.path().getFileName()));
    log.info(
        "Mounted {} (protocol 7.{}, {})",
        mounted.path(),
        negotiated.minor(),
        negotiated.passthrough() ? "passthrough" : "no passthrough");
    return kernel;
  }

  @Override
  public Map<String, Long> requestCounts() {
    Session running = session;
    return running == null ? FuseWire.byName(_ -> 0) : running.requestCounts();
  }

  @Override
  public int stuckRequests(Duration longerThan) {
    Session running = session;
    return running == null ? 0 : running.stuck(longerThan).size();
  }

  @Override
  public int endStuckRequests(Duration longerThan) {
    Session running = session;
    return running == null
        ? 0
        : (int) running.stuck(longerThan).stream().filter(DevReplier::end).count();
  }

  @Override
  public void close() {
    lifecycle.lock();
    try {
      if (closed) {
        return;
      }
      closed = true;
      Session running = session;
      MountPoint mounted = mountPoint;
      if (running == null || mounted == null) {
        return;
      }
      if (!running.awaitEnd(0)) {
        mounted.end(fuseControl, running::awaitEnd);
        // A handler that waits on the reader's own thread can end now.
        running.interruptAll();
      }
      if (!running.awaitEnd(END_MILLIS)) {
        log.error(
            "{} is unmounted, but its threads are blocked in requests; leaving them behind",
            mounted.path());
      }
      running.destroy();
    } finally {
      lifecycle.unlock();
    }
  }
}
