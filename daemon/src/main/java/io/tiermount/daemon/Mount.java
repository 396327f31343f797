package io.tiermount.daemon;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.tiermount.daemon.admin.AdminApi.MountOrder;
import io.tiermount.daemon.admin.MountReport;
import io.tiermount.daemon.config.MountConfig;
import java.time.Clock;
import java.time.Instant;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** One configured mount: its state, and the driver while there is one. Safe from any thread. */
final class Mount {
  private volatile MountConfig config;
  private final @Nullable MountOrder order;
  private final Clock clock;

  /** Ends when the mount came up or failed; never exceptionally. */
  private final CompletableFuture<MountState> started = new CompletableFuture<>();

  @GuardedBy("this")
  private MountState state = new MountState.Starting();

  @GuardedBy("this")
  private Instant since;

  @GuardedBy("this")
  private @Nullable MountDriver driver;

  /**
   * @param order what it was ordered by; null for one of the configuration
   */
  Mount(MountConfig config, @Nullable MountOrder order, Clock clock) {
    this.config = config;
    this.order = order;
    this.clock = clock;
    this.since = clock.instant();
  }

  MountConfig config() {
    return config;
  }

  @Nullable MountOrder order() {
    return order;
  }

  /** Other words for what is mounted on the same path. */
  void change(MountConfig next) {
    config = next;
  }

  /** Being unmounted, if nobody uses it: the driver stays where it is. */
  synchronized void releasing() {
    become(new MountState.Stopping());
  }

  CompletableFuture<MountState> started() {
    return started;
  }

  synchronized MountState state() {
    return state;
  }

  synchronized void ready(MountDriver mounted) {
    driver = mounted;
    become(new MountState.Ready());
    started.complete(state);
  }

  synchronized void failed(String reason) {
    driver = null;
    become(new MountState.Failed(reason));
    started.complete(state);
  }

  /** Fails where it was up; the driver to stop, null where it is being unmounted anyway. */
  synchronized @Nullable MountDriver lost(String reason) {
    if (!(state instanceof MountState.Ready)) {
      return null;
    }
    MountDriver mounted = driver;
    failed(reason);
    return mounted;
  }

  /** The driver to stop, given out once; null where nothing is mounted. */
  synchronized @Nullable MountDriver stopping() {
    MountDriver mounted = driver;
    driver = null;
    become(new MountState.Stopping());
    return mounted;
  }

  synchronized @Nullable MountDriver driver() {
    return driver;
  }

  MountReport report() {
    MountState now;
    Instant from;
    MountDriver mounted;
    synchronized (this) {
      now = state;
      from = since;
      mounted = driver;
    }
    // Outside the lock: a driver's counters are its own.
    MountDriver.@Nullable Report details = mounted == null ? null : mounted.report();
    String label = now.label();
    @Nullable String reason = reason(now);
    if (now instanceof MountState.Ready && details != null && details.degraded() != null) {
      label = "degraded";
      reason = details.degraded();
    }
    return new MountReport(
        config.name(),
        config.path().toString(),
        config.source().url(),
        config.scope().name().toLowerCase(Locale.ROOT),
        label,
        reason,
        from,
        details == null ? null : details.transport(),
        details != null && details.passthrough(),
        details == null ? null : details.passthroughOff(),
        details == null ? Map.of() : details.counters());
  }

  private static @Nullable String reason(MountState state) {
    return switch (state) {
      case MountState.Failed(String reason) -> reason;
      case MountState.Skipped(String reason) -> reason;
      case MountState.Starting(), MountState.Ready(), MountState.Stopping() -> null;
    };
  }

  @GuardedBy("this")
  private void become(MountState next) {
    state = next;
    since = clock.instant();
  }
}
