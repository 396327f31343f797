package io.tiermount.fs.volume;

import io.tiermount.backends.ListPage;
import io.tiermount.backends.ListRequest;
import io.tiermount.backends.ObjectStore;
import io.tiermount.fs.meta.MetaException;
import io.tiermount.fs.volume.Quota.Report;
import io.tiermount.fs.volume.QuotaRecord.Saved;
import java.io.IOException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps a {@link Quota} true: counts by LIST pages in the background (at first, after a kill, now
 * and then, and when somebody was refused), charges what the kernel wrote by itself, writes down
 * what is known, warns. One thread; nobody waits for it.
 */
final class QuotaCounter implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(QuotaCounter.class);

  private static final long TICK_NANOS = TimeUnit.SECONDS.toNanos(1);

  /** A count of a million objects is a thousand LIST requests: about half a cent on S3. */
  private static final long EVERY_MILLIS = Duration.ofHours(1).toMillis();

  /** Where somebody waits for room that another node may have made. */
  private static final long SOONEST_MILLIS = Duration.ofMinutes(1).toMillis();

  private static final long FIRST_RETRY_MILLIS = 1000;
  private static final long LAST_RETRY_MILLIS = Duration.ofMinutes(5).toMillis();
  private static final long CLOSE_MILLIS = 5000;
  private static final int FULL_PERCENT = 100;

  private final String mount;
  private final ObjectStore store;
  private final Quota quota;
  private final QuotaRecord record;
  private final LocalNames names;
  private final DirectoryMoves moves;
  private final InstantSource clock;
  private final Thread thread;
  private volatile boolean closed;

  /** Only the counting thread's, and the closing one's after it. */
  private @Nullable Saved saved;

  private long triedAtMillis;
  private long retryMillis;
  private boolean due;
  private boolean counting;
  private int warned;
  private long housekeptNanos;

  QuotaCounter(
      WriteSide.Needs needs, Quota quota, LocalNames names, DirectoryMoves moves, long rootId)
      throws MetaException {
    this.mount = needs.mount();
    this.store = needs.store();
    this.quota = quota;
    this.record = new QuotaRecord(needs.state(), rootId);
    this.names = names;
    this.moves = moves;
    this.clock = needs.clock();
    this.thread = Thread.ofVirtual().name("quota " + mount).unstarted(this::run);
    Saved before = record.read();
    if (!quota.isLimited()) {
      if (before != null) {
        record.remove();
      }
      return;
    }
    due = before == null || !before.clean();
    if (before != null) {
      quota.restore(before.used(), before.countedAtMillis());
      save(false);
    }
  }

  void start() {
    if (quota.isLimited()) {
      quota.counter(() -> LockSupport.unpark(thread));
      thread.start();
    }
  }

  private void run() {
    while (!closed) {
      try {
        houseKeep();
        if (isDue()) {
          count();
        }
      } catch (IOException | RuntimeException e) {
        retryMillis = Math.clamp(retryMillis * 2, FIRST_RETRY_MILLIS, LAST_RETRY_MILLIS);
        quota.abandonCount();
        due |= counting;
        counting = false;
        if (!closed) {
          log.warn(
              "{}: what the mount holds could not be counted: {}; next try in {} s",
              mount,
              e.getMessage(),
              TimeUnit.MILLISECONDS.toSeconds(retryMillis));
        }
      }
      LockSupport.parkNanos(this, TICK_NANOS);
    }
  }

  private boolean isDue() {
    long now = clock.millis();
    long countedAtMillis = quota.report().countedAtMillis();
    boolean doubtful = quota.isDoubtful() && now - countedAtMillis >= SOONEST_MILLIS;
    return (due || doubtful || quota.isAsked() || now - countedAtMillis >= EVERY_MILLIS)
        && now - triedAtMillis >= retryMillis
        && moves.underWay() == 0;
  }

  private void count() throws IOException {
    triedAtMillis = clock.millis();
    quota.beginCount();
    counting = true;
    ListRequest request = new ListRequest("", null, null, null, ListRequest.MAX_KEYS);
    while (!closed) {
      long askedAtMillis = clock.millis();
      ListPage page = store.list(request);
      if (!take(page, askedAtMillis)) {
        quota.abandonCount();
        due = true;
        counting = false;
        retryMillis = FIRST_RETRY_MILLIS;
        return; // A directory was renamed meanwhile: again.
      }
      if (page.nextToken() == null) {
        due = false;
        counting = false;
        retryMillis = 0;
        log.info("{}: counted: {}", mount, quota.report().used());
        houseKeep();
        return;
      }
      request = request.next(page.nextToken());
      if (System.nanoTime() - housekeptNanos > TICK_NANOS) {
        houseKeep();
      }
    }
  }

  private boolean take(ListPage page, long askedAtMillis) {
    names.lock.lock();
    try {
      boolean last = page.nextToken() == null;
      return quota.page(page.objects(), askedAtMillis, last, clock.millis());
    } finally {
      names.lock.unlock();
    }
  }

  private void houseKeep() throws IOException {
    housekeptNanos = System.nanoTime();
    quota.settleWritten();
    warn(quota.report());
    save(false);
  }

  /** Once for each way up. */
  private void warn(Report report) {
    int level = report.percent() >= FULL_PERCENT ? 2 : report.warns() ? 1 : 0;
    if (level > warned) {
      log.warn(
          "{}: {} % of the quota are used: {} bytes of {}, {} objects of {}{}",
          mount,
          report.percent(),
          report.used().bytes(),
          limit(report.limits().maxBytes()),
          report.used().objects(),
          limit(report.limits().maxObjects()),
          level == 2 ? "; writers get EDQUOT until something is deleted" : "");
    }
    warned = level;
  }

  private static String limit(long limit) {
    return limit == Long.MAX_VALUE ? "any" : Long.toString(limit);
  }

  private void save(boolean clean) throws MetaException {
    Report report = quota.report();
    Saved now = new Saved(report.used(), report.countedAtMillis(), clean);
    if (report.countedAtMillis() != 0 && !now.equals(saved)) {
      record.write(now);
      saved = now;
    }
  }

  /** Writes down what is held now; the next start goes on from there. */
  @Override
  public void close() {
    closed = true;
    if (!quota.isLimited()) {
      return;
    }
    try {
      thread.interrupt();
      if (thread.isAlive() && !thread.join(Duration.ofMillis(CLOSE_MILLIS))) {
        log.warn("{}: a count did not end; the next start counts anew", mount);
        return;
      }
      for (LocalFile file : names.files()) {
        quota.settle(file);
      }
      save(!due);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (IOException e) {
      log.warn("{}: what is held could not be written down: {}", mount, e.getMessage());
    }
  }
}
