package io.tiermount.daemon;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.tiermount.daemon.admin.MountReport;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps systemd informed: ready, a line for {@code systemctl status} whenever it changes, the
 * watchdog fed while the daemon answers. Safe from any thread.
 */
final class Heartbeat {
  private static final Logger log = LoggerFactory.getLogger(Heartbeat.class);

  /** Where there is no watchdog to feed: how old the status line may be. */
  private static final Duration STATUS_PERIOD = Duration.ofSeconds(30);

  private final SystemdNotify systemd;
  private final Supplier<String> probe;
  private final ScheduledExecutorService timer;

  @GuardedBy("this")
  private String told = "";

  @GuardedBy("this")
  private boolean probing;

  @GuardedBy("this")
  private boolean stopping;

  /**
   * @param probe asks all mounts how they do, and takes their locks for it: where it does not come
   *     back, the daemon hangs
   */
  Heartbeat(SystemdNotify systemd, Supplier<String> probe, ScheduledExecutorService timer) {
    this.systemd = systemd;
    this.probe = probe;
    this.timer = timer;
  }

  /** {@code 3 of 4 mounts ready}, and what is wrong with the first that is not. */
  static String summary(List<MountReport> reports) {
    long ready = reports.stream().filter(report -> report.state().equals("ready")).count();
    String count = "%d of %d mounts ready".formatted(ready, reports.size());
    return reports.stream()
        .filter(report -> report.reason() != null && !report.state().equals("skipped"))
        .findFirst()
        .map(report ->
            "%s; %s is %s: %s"
                .formatted(count, report.path(), report.state(), report.reason())
                .replace('\n', ' '))
        .orElse(count);
  }

  /** False where no systemd listens. */
  boolean isHeard() {
    return systemd.isHeard();
  }

  /** All mounts are up, or have failed; from now on the watchdog counts. */
  void ready(String status) {
    synchronized (this) {
      told = status;
    }
    systemd.ready(status);
    if (systemd.isHeard()) {
      Duration watchdog = systemd.watchdogPeriod();
      Duration period = watchdog.isZero() ? STATUS_PERIOD : watchdog;
      var _ = timer.scheduleAtFixedRate(this::beat, 0, period.toNanos(), TimeUnit.NANOSECONDS);
    }
  }

  /** The end has begun. */
  void stopping() {
    synchronized (this) {
      stopping = true;
    }
    systemd.stopping();
  }

  /** One beat: feeds where the last probe came back, and sends the next one out. */
  void beat() {
    synchronized (this) {
      if (stopping) {
        return;
      }
      if (probing) {
        log.warn("the daemon's own question has no answer yet: the watchdog is not fed");
        return;
      }
      probing = true;
    }
    systemd.alive();
    Thread.ofPlatform().daemon().name("heartbeat").start(this::ask);
  }

  private void ask() {
    String status;
    try {
      status = probe.get();
    } catch (RuntimeException e) {
      // An answer too, if no good one: it does not hang.
      log.error("the mounts could not be asked", e);
      status = "the mounts could not be asked: " + e;
    }
    synchronized (this) {
      probing = false;
      if (stopping || status.equals(told)) {
        return;
      }
      told = status;
    }
    systemd.status(status);
  }
}
