package io.tiermount.daemon;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Asks the provider whether this machine will be taken away, and from then on sends what is pending
 * at every look: what {@code durability = local} has acknowledged would otherwise be lost with it.
 */
final class SpotWatch implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(SpotWatch.class);

  /** As the provider recommends. */
  private static final Duration INTERVAL = Duration.ofSeconds(5);

  /** Of the two minutes that a notice gives; the next look goes on where this one ended. */
  private static final Duration DRAIN = Duration.ofSeconds(30);

  /** Somebody to ask. */
  @FunctionalInterface
  interface Notice {
    /** Empty while nothing is said. */
    Optional<String> ask() throws IOException;
  }

  private final Notice notice;
  private final Predicate<Duration> drain;

  @GuardedBy("this")
  private @Nullable ScheduledExecutorService timer;

  @GuardedBy("this")
  private boolean noticed;

  @GuardedBy("this")
  private boolean silent;

  /**
   * @param drain sends what is pending for at most so long; true where nothing is left
   */
  SpotWatch(Notice notice, Predicate<Duration> drain) {
    this.notice = notice;
    this.drain = drain;
  }

  /** Begins to look. */
  synchronized void start() {
    ScheduledExecutorService started =
        Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("spot").factory());
    var _ =
        started.scheduleWithFixedDelay(
            this::lookSafely, 0, INTERVAL.toMillis(), TimeUnit.MILLISECONDS);
    timer = started;
  }

  private void lookSafely() {
    try {
      look();
    } catch (RuntimeException e) {
      log.error("the provider's notice could not be followed; it is asked for again", e);
    }
  }

  /** Looks once. */
  void look() {
    if (isNoticed()) {
      if (!drain.test(DRAIN)) {
        log.warn("not all is in the stores yet; it is tried again");
      }
    }
  }

  private synchronized boolean isNoticed() {
    if (noticed) {
      return true;
    }
    try {
      Optional<String> said = notice.ask();
      silent = false;
      if (said.isPresent()) {
        noticed = true;
        log.error("this machine will be taken away: {}; what is pending is sent now", said.get());
      }
    } catch (IOException e) {
      if (!silent) {
        silent = true;
        log.warn("nobody tells whether this machine will be taken away: {}", e.getMessage());
      }
    }
    return noticed;
  }

  @Override
  public void close() {
    synchronized (this) {
      if (timer != null) {
        timer.shutdownNow();
      }
    }
  }
}
