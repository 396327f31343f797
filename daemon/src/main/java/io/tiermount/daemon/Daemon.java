package io.tiermount.daemon;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.tiermount.daemon.admin.AdminApi;
import io.tiermount.daemon.admin.AdminException;
import io.tiermount.daemon.admin.AdminException.Kind;
import io.tiermount.daemon.admin.AdminServer;
import io.tiermount.daemon.admin.DaemonReport;
import io.tiermount.daemon.admin.Json;
import io.tiermount.daemon.admin.MountReport;
import io.tiermount.daemon.admin.ReloadReport;
import io.tiermount.daemon.admin.RunDirectory;
import io.tiermount.daemon.admin.WebServer;
import io.tiermount.daemon.config.AdminOptions;
import io.tiermount.daemon.config.InvalidConfigException;
import io.tiermount.daemon.config.MountConfig;
import io.tiermount.daemon.config.TiermountConfig;
import java.io.IOException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One daemon: the lock on its cache directory, its mounts, its admin socket. Built by {@code
 * Wiring}; {@link #start}, {@link #await} and {@link #close} once each.
 */
final class Daemon implements AdminApi {
  private static final Logger log = LoggerFactory.getLogger(Daemon.class);

  /** What a real stop may take; then it is forced. */
  static final Duration STOP_DEADLINE = Duration.ofSeconds(20);

  /** What an unmount by command may take. */
  private static final Duration UNMOUNT_DEADLINE = Duration.ofSeconds(20);

  /**
   * What a daemon consists of.
   *
   * @param spot null where nobody is asked for the provider's notice
   * @param orders turns a mount command into a configuration
   * @param follower null where there are no files to be read again
   * @param exitWhenUnused end with the last mount, as a daemon that a mount command started does
   */
  record Parts(
      TiermountConfig config,
      CacheLock lock,
      Mounts mounts,
      KeptMounts keeping,
      Watchdog watchdog,
      @Nullable SpotWatch spot,
      StaleMounts stale,
      NodeCache cache,
      CacheTasks tasks,
      WriteTasks writes,
      MountOrders orders,
      @Nullable ConfigFollower follower,
      RunDirectory runDirectory,
      Heartbeat heartbeat,
      Json json,
      String version,
      Instant startedAt,
      boolean exitWhenUnused) {
    Path cacheDirectory() {
      return config.cache().directories().getFirst().path();
    }
  }

  private final Parts parts;
  private final CountDownLatch stop = new CountDownLatch(1);
  private final CountDownLatch closed = new CountDownLatch(1);

  @GuardedBy("this")
  private @Nullable AdminServer server;

  @GuardedBy("this")
  private @Nullable WebServer page;

  @GuardedBy("this")
  private boolean closing;

  Daemon(Parts parts) {
    this.parts = parts;
  }

  /**
   * Mounts what is configured and opens the socket. Returns when each mount is up or has failed.
   *
   * @throws IOException where the daemon as a whole can't run
   */
  void start() throws IOException {
    Path cache = parts.cacheDirectory();
    parts.config().notices().forEach(log::info);
    parts.stale().clearRecorded(parts.keeping().unclaimed().keySet());
    if (parts.exitWhenUnused()) {
      parts.mounts().forgetGone(this::stopWhenUnused);
    }
    parts.runDirectory().create();
    var mounted = parts.mounts().startAll(configured());
    startOrdered();
    synchronized (this) {
      server = AdminServer.start(parts.runDirectory().socket(cache), this, parts.json());
      page = page();
    }
    parts.watchdog().start();
    if (parts.spot() != null) {
      parts.spot().start();
    }
    parts
        .runDirectory()
        .announce(
            cache,
            new RunDirectory.Entry(
                ProcessHandle.current().pid(), cache.toString(), parts.version()),
            parts.json());
    mounted.join();
    parts.mounts().giveUpUnclaimed();
    parts.keeping().ready();
    refuseToBeOfNoUse();
    String summary = Heartbeat.summary(parts.mounts().reports());
    log.info("{}; cache in {}", summary, cache);
    ConfigFollower follower = parts.follower();
    if (follower != null) {
      follower.begin();
    }
    parts.heartbeat().ready(summary);
  }

  /** The status page, where the configuration asks for one. */
  private @Nullable WebServer page() throws IOException {
    AdminOptions options = parts.config().server().admin();
    if (options.http() == null) {
      return null;
    }
    WebServer started =
        WebServer.start(
            options,
            options.http(),
            this,
            parts.json(),
            InstantSource.system(),
            new SecureRandom());
    log.info(
        "The admin page: http://{}:{}/",
        started.address().getHostString(),
        started.address().getPort());
    return started;
  }

  /**
   * A service for one mount that has failed ends, so that systemd starts it anew; one that a mount
   * command started is ended by that command, once it has read why.
   */
  private void refuseToBeOfNoUse() throws IOException {
    List<MountReport> reports = parts.mounts().reports();
    if (parts.exitWhenUnused()
        && parts.heartbeat().isHeard()
        && reports.stream().allMatch(report -> report.state().equals("failed"))) {
      throw new IOException(reports.getFirst().path() + ": " + reports.getFirst().reason());
    }
  }

  /** A daemon that a mount command started has no configuration: what it had is what it has. */
  private List<MountConfig> configured() {
    if (!parts.keeping().follows() || !parts.exitWhenUnused()) {
      return parts.config().mounts();
    }
    Set<Path> kept = parts.keeping().unclaimed().keySet();
    return parts.config().mounts().stream().filter(mount -> kept.contains(mount.path())).toList();
  }

  /** What the daemon before this one had been ordered to mount. */
  private void startOrdered() {
    for (KeptMounts.Kept kept : parts.keeping().unclaimed().values()) {
      MountOrder order = kept.order();
      if (order != null) {
        try {
          MountReport _ = parts.mounts().add(parts.orders().mount(order), order);
        } catch (IOException | AdminException e) {
          log.error("{} can't be gone on with: {}", kept.path(), e.getMessage());
        }
      }
    }
  }

  /** True where this process can end without anybody noticing but by a pause. */
  boolean canBeFollowed() {
    return parts.keeping().survives();
  }

  /**
   * An end that another daemon is to follow: nothing is unmounted, what is not yet answered it
   * answers. Idempotent together with {@link #close}.
   */
  void leave() {
    synchronized (this) {
      if (closing) {
        awaitClosed();
        return;
      }
      closing = true;
    }
    log.info("leaving the mounts to the next daemon");
    endServing(() -> parts.mounts().leaveAll(STOP_DEADLINE));
    closed.countDown();
  }

  /** Waits until a stop is asked for. */
  void await() throws InterruptedException {
    stop.await();
  }

  /** Makes {@link #await} return; at once, from any thread. */
  void requestStop() {
    stop.countDown();
  }

  /**
   * A real stop: unmounts everything, closes cache and socket, gives the lock back, within {@link
   * #STOP_DEADLINE} and a little. Idempotent; a second caller waits for the first.
   */
  void close() {
    synchronized (this) {
      if (closing) {
        awaitClosed();
        return;
      }
      closing = true;
    }
    parts.heartbeat().stopping();
    endServing(() -> parts.mounts().stopAll(STOP_DEADLINE));
    parts.keeping().end();
    log.info("stopped");
    closed.countDown();
  }

  private void endServing(Runnable mounts) {
    try {
      parts.runDirectory().withdraw(parts.cacheDirectory());
    } catch (IOException e) {
      log.warn("the admin socket could not be removed", e);
    }
    parts.watchdog().close();
    if (parts.spot() != null) {
      parts.spot().close();
    }
    mounts.run();
    synchronized (this) {
      if (page != null) {
        page.close();
      }
      if (server != null) {
        server.close();
      }
    }
    parts.cache().close();
    try {
      parts.lock().close();
    } catch (IOException e) {
      log.warn("the lock could not be given back", e);
    }
  }

  @Override
  public DaemonReport status() {
    Map<String, Object> cache = new LinkedHashMap<>();
    cache.put("directory", parts.cacheDirectory().toString());
    cache.putAll(parts.cache().counters());
    return new DaemonReport(
        ProcessHandle.current().pid(),
        parts.version(),
        parts.startedAt(),
        cache,
        parts.watchdog().counters(),
        parts.mounts().reports());
  }

  @Override
  public MountReport mount(MountOrder order) throws AdminException {
    if (stop.getCount() == 0) {
      throw new AdminException(Kind.FAILED, "the daemon is stopping: try again");
    }
    try {
      return parts.mounts().add(parts.orders().mount(order), order);
    } catch (IOException e) {
      String message = e.getMessage();
      throw new AdminException(Kind.FAILED, message == null ? e.toString() : message, e);
    } finally {
      stopWhenUnused();
    }
  }

  @Override
  public void unmount(String path) throws AdminException {
    if (!parts.mounts().remove(Path.of(path).toAbsolutePath().normalize(), UNMOUNT_DEADLINE)) {
      throw new AdminException(Kind.NOT_FOUND, path + " is not a mount of this daemon");
    }
    stopWhenUnused();
  }

  @Override
  public void stop() {
    log.info("a stop was asked for");
    requestStop();
  }

  @Override
  public ReloadReport reload() throws AdminException {
    ConfigFollower follower = parts.follower();
    if (follower == null) {
      throw new AdminException(
          Kind.NOT_FOUND,
          "the daemon of "
              + parts.cacheDirectory()
              + " has no configuration file: its mounts were ordered by command");
    }
    try {
      return follower.reload().run();
    } catch (InvalidConfigException e) {
      throw new AdminException(
          Kind.BAD_CONFIG,
          "not reloaded, the configuration is refused:\n" + String.valueOf(e.getMessage()),
          e);
    }
  }

  @Override
  public CacheResult cache(CacheOrder order, ProgressSink progress)
      throws AdminException, InterruptedException {
    return switch (order.action()) {
      case WARM -> parts.tasks().warm(order.paths(), progress);
      case EVICT -> parts.tasks().evict(order.paths(), progress);
      case VERIFY -> verify(progress);
    };
  }

  @Override
  public SyncResult sync(SyncOrder order, ProgressSink progress)
      throws AdminException, InterruptedException {
    return parts.writes().sync(order, progress);
  }

  @Override
  public LostFiles lost() throws AdminException {
    return parts.writes().lost();
  }

  @Override
  public void drop(DropOrder order) throws AdminException {
    parts.writes().drop(order);
  }

  private CacheResult verify(ProgressSink progress) throws AdminException {
    try {
      return parts.cache().verify(progress);
    } catch (IOException e) {
      throw new AdminException(Kind.FAILED, "the cache could not be read: " + e.getMessage(), e);
    }
  }

  private void stopWhenUnused() {
    if (parts.exitWhenUnused() && parts.mounts().count() == 0) {
      log.info("the last mount is gone");
      requestStop();
    }
  }

  private void awaitClosed() {
    try {
      if (!closed.await(STOP_DEADLINE.toMillis() + 5000, TimeUnit.MILLISECONDS)) {
        log.error("the stop did not end in time");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
