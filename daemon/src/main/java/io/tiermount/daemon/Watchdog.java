package io.tiermount.daemon;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.tiermount.daemon.config.WatchdogOptions;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks for requests that are stuck: older than the threshold, on a mount whose store has moved
 * nothing for as long. It ends them with EIO; where they are still there at the next look, which is
 * a defect of ours or of a disk, it cuts the mount off from the kernel and mounts it anew. A long
 * upload that moves is progress; requests that are answered from the cache meanwhile are none.
 */
final class Watchdog implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Watchdog.class);

  /** The mounts that can be watched, and the last resort. */
  interface Patients {
    Map<Path, MountDriver.Watched> watched();

    /** Cuts a mount off and mounts it anew. */
    void renew(Path path) throws IOException;
  }

  /** A handler that was interrupted may need a moment to answer, on a loaded machine. */
  private static final Duration GRACE = Duration.ofSeconds(10);

  private final Patients patients;
  private final WatchdogOptions options;
  private final LongSupplier nanos;
  private @Nullable ScheduledExecutorService timer;

  @GuardedBy("this")
  private final Map<Path, Seen> seen = new HashMap<>();

  @GuardedBy("this")
  private long endedRequests;

  @GuardedBy("this")
  private long renewedMounts;

  /**
   * A mount as it was when it last moved.
   *
   * @param atNanos when that was first seen
   * @param endedNanos when requests were last told to end
   */
  private record Seen(MountDriver.Watched mount, long progress, long atNanos, long endedNanos) {
    Seen ended(long nanos) {
      return new Seen(mount, progress, atNanos, nanos);
    }
  }

  /**
   * @param nanos a clock as {@link System#nanoTime}
   */
  Watchdog(Patients patients, WatchdogOptions options, LongSupplier nanos) {
    this.patients = patients;
    this.options = options;
    this.nanos = nanos;
  }

  /** Begins to look, where it is asked to. */
  synchronized void start() {
    if (!options.enabled() || timer != null) {
      return;
    }
    // A thread of its own: the last resort takes seconds.
    ScheduledExecutorService started =
        Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("watchdog").factory());
    long millis = options.interval().toMillis();
    var _ = started.scheduleWithFixedDelay(this::lookSafely, millis, millis, TimeUnit.MILLISECONDS);
    timer = started;
  }

  private void lookSafely() {
    try {
      look();
    } catch (RuntimeException e) {
      log.error("the watchdog failed; it looks again", e);
    }
  }

  /** Looks once. */
  synchronized void look() {
    Map<Path, MountDriver.Watched> mounts = patients.watched();
    seen.keySet().retainAll(mounts.keySet());
    mounts.forEach(this::look);
  }

  @GuardedBy("this")
  private void look(Path path, MountDriver.Watched mount) {
    long now = nanos.getAsLong();
    long progress = mount.progress();
    Seen last = seen.get(path);
    if (last == null || !last.mount().equals(mount) || last.progress() != progress) {
      seen.put(path, new Seen(mount, progress, now, now));
      return;
    }
    Duration threshold = options.threshold();
    if (now - last.atNanos() < threshold.toNanos() || mount.stuck(threshold) == 0) {
      return;
    }
    int ended = mount.end(threshold);
    if (ended > 0) {
      endedRequests += ended;
      seen.put(path, last.ended(now));
      log.error(
          "{}: {} requests have made no progress for {} s and end with EIO",
          path,
          ended,
          threshold.toSeconds());
    } else if (now - last.endedNanos() >= GRACE.toNanos()) {
      renew(path);
    }
  }

  /** They were told at an earlier look, and are still there after the grace. */
  @GuardedBy("this")
  private void renew(Path path) {
    log.error("{}: requests can't be ended; the mount is cut off and mounted anew", path);
    seen.remove(path);
    renewedMounts++;
    try {
      patients.renew(path);
    } catch (IOException e) {
      log.error("{} could not be mounted anew", path, e);
    }
  }

  /** For status. */
  synchronized Map<String, Object> counters() {
    Map<String, Object> counters = new LinkedHashMap<>();
    counters.put("enabled", options.enabled());
    counters.put("ended_requests", endedRequests);
    counters.put("renewed_mounts", renewedMounts);
    return counters;
  }

  @Override
  public synchronized void close() {
    if (timer != null) {
      timer.shutdownNow();
    }
  }
}
