package io.tiermount.fs.volume;

import io.tiermount.backends.ObjectAttributes;
import io.tiermount.backends.os.ErrnoException;
import io.tiermount.fs.volume.LocalFile.Ahead;
import io.tiermount.fs.volume.LocalFile.Attempt;
import io.tiermount.fs.volume.LocalFile.ObjectMeta;
import io.tiermount.fs.write.DirtyFile;
import io.tiermount.fs.write.Publisher;
import io.tiermount.fs.write.Stamp;
import java.io.IOException;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Under {@code durability = remote}: sends what is written to large files while they are still
 * written, so that their close has little left to wait for. Nobody tells of writes that the kernel
 * makes by itself, so the sizes are looked at now and then, while somebody writes.
 */
final class AheadSender implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(AheadSender.class);

  /** Smaller files end as one or two requests anyway. */
  private static final long LEAST_BYTES = 24L << 20;

  private static final long LOOK_NANOS = 25_000_000;
  private static final long IDLE_NANOS = 500_000_000;

  private final Publisher publisher;
  private final ChangeJournal journal;
  private final Map<LocalFile, Boolean> written = new ConcurrentHashMap<>();
  private final Thread thread;
  private volatile boolean closed;

  AheadSender(String mount, Publisher publisher, ChangeJournal journal) {
    this.publisher = publisher;
    this.journal = journal;
    this.thread = Thread.ofVirtual().name("ahead " + mount).unstarted(this::run);
  }

  void start() {
    thread.start();
  }

  /** Somebody begins to write a file. */
  void watch(LocalFile file) {
    if (written.put(file, Boolean.TRUE) == null) {
      LockSupport.unpark(thread);
    }
  }

  /** Nobody writes it any more. */
  void forget(LocalFile file) {
    written.remove(file);
  }

  private void run() {
    while (!closed) {
      for (LocalFile file : written.keySet()) {
        try {
          look(file);
        } catch (IOException | RuntimeException e) {
          log.debug("sending {} ahead: {}", file, e.getMessage());
        }
      }
      LockSupport.parkNanos(this, written.isEmpty() ? IDLE_NANOS : LOOK_NANOS);
    }
  }

  private void look(LocalFile file) throws IOException {
    DirtyFile data = file.content();
    if (data == null || data.isTracked() || file.isLost() || file.node().isUnlinked()) {
      return;
    }
    long size = data.stat().sizeBytes();
    if (size < LEAST_BYTES || !file.publishing.tryLock()) {
      return;
    }
    try {
      Ahead ahead = file.ahead();
      if (ahead == null) {
        ahead = begin(file, data);
      }
      if (ahead != null) {
        ahead.parts().grown(size);
      }
    } finally {
      file.publishing.unlock();
    }
  }

  /** Times are those of now: what is changed by utimes(2) afterwards is written by itself. */
  private @Nullable Ahead begin(LocalFile file, DirtyFile data) throws ErrnoException {
    if (file.attempt() != null || !data.published().equals(Stamp.NONE)) {
      return null;
    }
    String key = Changes.keyOf(file.node());
    long generation = file.metaGeneration();
    ObjectMeta meta = file.meta();
    if (meta.foreign() == null) {
      return null;
    }
    Attempt attempt = new Attempt(ObjectMetadata.newId(), key, "");
    ObjectAttributes attributes =
        ObjectMetadata.attributes(
            meta, LocalFile.withTimes(meta.posix(), data.stat()), attempt.id(), file.headers());
    Ahead ahead =
        new Ahead(
            publisher.ahead(key, attributes, data::readNow, Reconciler.log(journal, file, attempt)),
            attempt,
            attributes,
            generation);
    file.ahead(ahead);
    return ahead;
  }

  @Override
  public void close() {
    closed = true;
    LockSupport.unpark(thread);
  }
}
