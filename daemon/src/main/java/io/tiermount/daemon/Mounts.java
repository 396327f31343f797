package io.tiermount.daemon;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.tiermount.daemon.admin.AdminApi.MountOrder;
import io.tiermount.daemon.admin.MountReport;
import io.tiermount.daemon.config.MountConfig;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * All mounts of a daemon. They start in parallel, a nested one after the one it lies in; one that
 * fails does not stop the others. They stop in the reverse order, each with the same deadline. Safe
 * from any thread.
 */
final class Mounts implements Watchdog.Patients {
  private static final Logger log = LoggerFactory.getLogger(Mounts.class);

  /** More are refused: status, stop and the kernel's table walk all of them. */
  private static final int MAX_MOUNTS = 1000;

  /** Makes what carries a mount. */
  @FunctionalInterface
  interface Drivers {
    /**
     * @param resumed it goes on with what an earlier process had mounted
     * @throws IOException where this source can't be mounted at all, with what to do
     */
    MountDriver create(MountConfig config, boolean resumed) throws IOException;
  }

  /** What a drain may take where nobody waits for it. */
  private static final Duration GONE_DEADLINE = Duration.ofSeconds(20);

  private final Drivers drivers;
  private final StaleMounts stale;
  private final MountRecord record;
  private final MountTable table;
  private final KeptMounts keeping;
  private final Clock clock;
  private final Instant began;
  private volatile Map<String, String> skipped;

  /** Mounting is system calls: platform threads. As many as there are mounts, which is bounded. */
  private final ExecutorService threads =
      Executors.newCachedThreadPool(Thread.ofPlatform().daemon().name("mount-", 0).factory());

  @GuardedBy("this")
  private final Map<Path, Mount> mounts = new TreeMap<>();

  @GuardedBy("this")
  private @Nullable Runnable whenGone;

  Mounts(
      Drivers drivers,
      StaleMounts stale,
      MountRecord record,
      MountTable table,
      KeptMounts keeping,
      Map<String, String> skipped,
      Clock clock) {
    this.drivers = drivers;
    this.stale = stale;
    this.record = record;
    this.table = table;
    this.keeping = keeping;
    this.skipped = new TreeMap<>(skipped);
    this.clock = clock;
    this.began = clock.instant();
  }

  /** Begins all; the future ends when each is up or has failed. */
  CompletableFuture<Void> startAll(List<MountConfig> configs) {
    List<CompletableFuture<?>> started = new ArrayList<>();
    configs.stream()
        .sorted(Comparator.comparing(MountConfig::path))
        .forEach(config -> {
          try {
            started.add(begin(config, null).started());
          } catch (IOException e) {
            log.error("{}", e.getMessage());
          }
        });
    return CompletableFuture.allOf(started.toArray(CompletableFuture[]::new));
  }

  /**
   * Adds one and waits until it answers.
   *
   * @param order what a successor makes the configuration of
   * @throws IOException with why it does not; it is then forgotten
   */
  MountReport add(MountConfig config, MountOrder order) throws IOException {
    Mount mount = begin(config, order);
    if (mount.started().join() instanceof MountState.Failed(String reason)) {
      forget(mount);
      throw new IOException(reason);
    }
    return mount.report();
  }

  /** Drains, unmounts and forgets one; false where none of ours is there. */
  boolean remove(Path path, Duration deadline) {
    Mount mount;
    synchronized (this) {
      mount = mounts.get(path);
    }
    if (mount == null) {
      return false;
    }
    stop(mount, deadline);
    forget(mount);
    return true;
  }

  @Override
  public synchronized Map<Path, MountDriver.Watched> watched() {
    Map<Path, MountDriver.Watched> watched = new TreeMap<>();
    mounts.forEach((path, mount) -> {
      @Nullable MountDriver driver = mount.driver();
      MountDriver.Watched what = driver == null ? null : driver.watched();
      if (what != null) {
        watched.put(path, what);
      }
    });
    return watched;
  }

  /** Sends what is pending of all mounts at once; true where nothing is left to send. */
  boolean drainAll(Duration deadline) {
    List<MountDriver> drivers = new ArrayList<>();
    synchronized (this) {
      for (Mount mount : mounts.values()) {
        @Nullable MountDriver driver = mount.driver();
        if (driver != null) {
          drivers.add(driver);
        }
      }
    }
    List<CompletableFuture<Boolean>> drained =
        drivers.stream()
            .map(driver -> CompletableFuture.supplyAsync(() -> driver.drain(deadline), threads))
            .toList();
    return drained.stream().map(CompletableFuture::join).reduce(true, Boolean::logicalAnd);
  }

  /** What was under way fails; what was acknowledged is in the journal, as after a kill. */
  @Override
  public void renew(Path path) throws IOException {
    Mount mount;
    synchronized (this) {
      mount = mounts.get(path);
    }
    if (mount != null) {
      stop(mount, Duration.ZERO);
      forget(mount);
      var _ = begin(mount.config(), mount.order());
    }
  }

  /** The one on exactly this path. */
  synchronized Optional<Mount> at(Path path) {
    return Optional.ofNullable(mounts.get(path));
  }

  /** Begins one, and says what became of it; one that failed stays in the list with its reason. */
  MountState start(MountConfig config) throws IOException {
    return begin(config, null).started().join();
  }

  /**
   * Drains, unmounts and forgets one that nobody uses.
   *
   * @return why it stays as it was; null where it is gone
   */
  @Nullable String release(Mount mount, Duration deadline) {
    @Nullable MountDriver driver = mount.driver();
    if (driver != null) {
      mount.releasing();
      String why = driver.release(deadline);
      if (why != null) {
        mount.ready(driver);
        return why;
      }
    }
    // What came in between is drained too.
    stop(mount, deadline);
    forget(mount);
    return null;
  }

  /** Those whose source is undefined: name → why. */
  void skipped(Map<String, String> others) {
    skipped = new TreeMap<>(others);
  }

  /** The mount that a path lies in. */
  synchronized Optional<Mount> holding(Path path) {
    return mounts.values().stream()
        .filter(mount -> path.startsWith(mount.config().path()))
        .max(Comparator.comparingInt(mount -> mount.config().path().getNameCount()));
  }

  /** In the order of their paths. */
  synchronized List<Mount> all() {
    return List.copyOf(mounts.values());
  }

  synchronized int count() {
    return mounts.size();
  }

  /** In the order of their paths, the skipped ones last. */
  List<MountReport> reports() {
    List<Mount> all = all();
    List<MountReport> reports = new ArrayList<>();
    for (Mount mount : all) {
      reports.add(checked(mount).report());
    }
    skipped.forEach((name, why) ->
        reports.add(
            new MountReport(name, "", "", "", "skipped", why, began, null, false, null, Map.of())));
    return reports;
  }

  /** Finds the mounts that somebody else took away: umount(8) does not always ask us. */
  void lookAround() {
    List<Mount> all = all();
    try {
      Set<Path> there =
          table.entries().stream().map(MountTable.Entry::path).collect(Collectors.toSet());
      all.stream().filter(mount -> !there.contains(mount.config().path())).forEach(this::checked);
    } catch (IOException e) {
      log.warn("{} could not be read", table.file(), e);
    }
  }

  /**
   * From now on a mount that somebody else took away is forgotten once it is drained; without this
   * it stays, for status to show.
   *
   * @param then runs after each
   */
  synchronized void forgetGone(Runnable then) {
    whenGone = then;
  }

  /** Drains and unmounts all, the deepest first. Ends at the deadline, or shortly after it. */
  void stopAll(Duration deadline) {
    long endNanos = System.nanoTime() + deadline.toNanos();
    List<Mount> all;
    synchronized (this) {
      all = new ArrayList<>(mounts.values());
    }
    all.sort(Comparator.comparing((Mount mount) -> mount.config().path()).reversed());
    Map<Mount, CompletableFuture<Void>> ends = new LinkedHashMap<>();
    for (Mount mount : all) {
      CompletableFuture<?>[] inside =
          ends.entrySet().stream()
              .filter(e -> e.getKey().config().path().startsWith(mount.config().path()))
              .map(Map.Entry::getValue)
              .toArray(CompletableFuture[]::new);
      ends.put(
          mount,
          CompletableFuture.allOf(inside)
              .thenRunAsync(
                  () -> {
                    stop(mount, Duration.ofNanos(Math.max(0, endNanos - System.nanoTime())));
                    forget(mount);
                  },
                  threads));
    }
    MountEnds.await(ends.values(), deadline);
    threads.shutdownNow();
  }

  private Mount begin(MountConfig config, @Nullable MountOrder order) throws IOException {
    Mount mount = new Mount(config, order, clock);
    CompletableFuture<?> before;
    synchronized (this) {
      @Nullable Mount there = mounts.get(config.path());
      if (there != null && !(there.state() instanceof MountState.Failed)) {
        throw new IOException(
            "%s is mounted already, from %s: unmount it first (tiermount umount %s)"
                .formatted(config.path(), there.config().source().url(), config.path()));
      }
      if (mounts.size() >= MAX_MOUNTS) {
        throw new IOException("this daemon has " + MAX_MOUNTS + " mounts, which is its limit");
      }
      before = holding(config.path()).<CompletableFuture<?>>map(Mount::started).orElse(DONE);
      mounts.put(config.path(), mount);
    }
    // start() reports all it meets in the mount itself.
    var _ = before.thenRunAsync(() -> start(mount, order), threads);
    return mount;
  }

  private static final CompletableFuture<Void> DONE = CompletableFuture.completedFuture(null);

  private void start(Mount mount, @Nullable MountOrder order) {
    Path path = mount.config().path();
    try {
      MountDriver driver = resumed(mount.config());
      if (driver == null) {
        driver = drivers.create(mount.config(), false);
        stale.clear(path);
        Files.createDirectories(path);
        String source = MountRecord.sourceOf(mount.config());
        record.add(path, source);
        try {
          driver.start();
        } catch (IOException | RuntimeException e) {
          record.remove(path);
          throw e;
        }
        if (driver.canBeLeft()) {
          keeping.keep(
              path, source, mount.config().volume().readOnly(), order, driver.connection());
        }
      }
      mount.ready(driver);
      log.info("{} shows {}", path, mount.config().source().url());
    } catch (IOException e) {
      // The JDK's file system exceptions say no more than the path: their kind says the rest.
      String message = e.getMessage() == null ? e.toString() : e.getMessage();
      String reason =
          e instanceof FileSystemException
              ? e.getClass().getSimpleName() + ": " + message
              : message;
      mount.failed(reason);
      log.error("{} could not be mounted: {}", path, reason);
    } catch (RuntimeException | LinkageError e) {
      mount.failed("a defect in tiermount: " + e);
      log.error("{} could not be mounted", path, e);
    }
  }

  /** Goes on with what an earlier process had there; null where it is to be mounted anew. */
  private @Nullable MountDriver resumed(MountConfig config) throws IOException {
    Path path = config.path();
    if (!keeping.unclaimed().containsKey(path)) {
      return null;
    }
    KeptMounts.Kept kept =
        keeping.claim(path, MountRecord.sourceOf(config), config.volume().readOnly());
    if (kept != null && (kept.wire() != null || table.at(path).isPresent())) {
      try {
        MountDriver driver = drivers.create(config, true);
        driver.resume(keeping.connection(kept));
        log.info("{} goes on where the daemon before this one left it", path);
        return driver;
      } catch (IOException e) {
        log.error("{} can't be gone on with and is mounted anew: {}", path, e.getMessage());
      }
    }
    giveUp(path);
    return null;
  }

  /**
   * What is kept and nobody goes on with: out of the tree, and an error for whoever waits there.
   */
  private void giveUp(Path path) throws IOException {
    keeping.drop(path);
    if (table.at(path).isPresent()) {
      stale.detachMount(path);
    }
  }

  /** Gives up what an earlier process had and this one does not have; after {@link #startAll}. */
  void giveUpUnclaimed() {
    for (Path path : keeping.unclaimed().keySet()) {
      try {
        giveUp(path);
        log.info("{} is no longer configured and unmounted", path);
      } catch (IOException e) {
        log.error("{} could not be unmounted: run umount -l {}", path, path, e);
      }
    }
  }

  /** True where every mount can be left to a successor. */
  boolean canBeLeft() {
    List<Mount> all = all();
    return all.stream().map(Mount::driver).allMatch(d -> d == null || d.canBeLeft());
  }

  /** Ends without unmounting; what no successor can take over is unmounted. */
  void leaveAll(Duration deadline) {
    List<Mount> all;
    synchronized (this) {
      all = new ArrayList<>(mounts.values());
    }
    all.sort(Comparator.comparing((Mount mount) -> mount.config().path()).reversed());
    List<CompletableFuture<Void>> ends = new ArrayList<>();
    for (Mount mount : all) {
      MountDriver driver = mount.driver();
      if (driver != null) {
        ends.add(
            CompletableFuture.runAsync(
                () -> {
                  if (driver.canBeLeft()) {
                    driver.leave();
                  } else {
                    stop(mount, deadline);
                  }
                },
                threads));
      }
    }
    MountEnds.await(ends, deadline);
    threads.shutdownNow();
  }

  private void stop(Mount mount, Duration deadline) {
    @Nullable MountDriver driver = mount.stopping();
    // Before: the kernel ends a connection when nobody holds its descriptor any more.
    keeping.drop(mount.config().path());
    if (driver != null) {
      driver.stop(deadline);
      log.info("{} is unmounted", mount.config().path());
    }
    try {
      record.remove(mount.config().path());
    } catch (IOException e) {
      log.warn("the record of mounts could not be written", e);
    }
  }

  private synchronized void forget(Mount mount) {
    mounts.remove(mount.config().path(), mount);
  }

  private void gone(Mount mount) {
    @Nullable Runnable then;
    synchronized (this) {
      then = whenGone;
    }
    if (then != null) {
      forget(mount);
      then.run();
    }
  }

  /** A mount that somebody else took away is said to be gone, not ready. */
  private Mount checked(Mount mount) {
    if (mount.state() instanceof MountState.Ready) {
      try {
        if (table.at(mount.config().path()).isEmpty()) {
          @Nullable MountDriver driver =
              mount.lost("unmounted by somebody else: mount it again, or restart the daemon");
          if (driver != null) {
            keeping.drop(mount.config().path());
            // What was written goes on to the store all the same.
            threads.execute(() -> {
              driver.stop(GONE_DEADLINE);
              gone(mount);
            });
            record.remove(mount.config().path());
          }
        }
      } catch (IOException e) {
        log.warn("{} could not be read", table.file(), e);
      }
    }
    return mount;
  }
}
