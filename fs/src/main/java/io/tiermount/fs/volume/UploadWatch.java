package io.tiermount.fs.volume;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Notices uploads that do not move: something waits for the store, and for longer than a limit no
 * request to it has ended well. One warning each time it begins, one line when it ends. Safe from
 * any thread.
 */
public final class UploadWatch {
  private static final Logger log = LoggerFactory.getLogger(UploadWatch.class);

  private final String mount;
  private volatile Duration limit;
  private final InstantSource clock;

  @GuardedBy("this")
  private @Nullable Instant stuckSince;

  @GuardedBy("this")
  private int waiting;

  @GuardedBy("this")
  private boolean warned;

  /**
   * @param limit zero for no warnings
   */
  UploadWatch(String mount, Duration limit, InstantSource clock) {
    this.mount = mount;
    this.limit = limit;
    this.clock = clock;
  }

  void limit(Duration next) {
    limit = next;
  }

  /** A request has ended well. */
  void moved() {
    moves(0);
  }

  private synchronized void moves(int stillWaiting) {
    if (warned) {
      log.info("{}: uploads move again", mount);
    }
    warned = false;
    stuckSince = stillWaiting == 0 ? null : clock.instant();
  }

  /**
   * Looks, every second or so.
   *
   * @param uploads that wait for the store or are under way
   */
  synchronized void look(int uploads) {
    waiting = uploads;
    if (uploads == 0) {
      moves(0);
    } else if (stuckSince == null) {
      stuckSince = clock.instant();
    } else if (!warned && starving(stuckSince)) {
      warned = true;
      log.warn(
          "{}: {} uploads have not moved since {}: is the store there, and is the network?",
          mount,
          uploads,
          stuckSince);
    }
  }

  @GuardedBy("this")
  private boolean starving(Instant since) {
    return !limit.isZero() && Duration.between(since, clock.instant()).compareTo(limit) >= 0;
  }

  /** How many wait or are under way, as of the last look. */
  public synchronized int waiting() {
    return waiting;
  }

  /** Since when nothing moves, where that is longer than the limit. */
  public synchronized Optional<Instant> starvingSince() {
    Instant since = stuckSince;
    return since != null && starving(since) ? Optional.of(since) : Optional.empty();
  }
}
