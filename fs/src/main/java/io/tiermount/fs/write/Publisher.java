package io.tiermount.fs.write;

import io.tiermount.backends.ObjectAttributes;
import io.tiermount.backends.ObjectInfo;
import io.tiermount.backends.ObjectStore;
import io.tiermount.backends.StoreException;
import io.tiermount.backends.StoreException.Kind;
import io.tiermount.backends.StoreLimits;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings contents into the store: small ones as one put, larger ones in parts, and where most of an
 * object stays the same by copying that part of it within the store. One for each mount; any
 * thread.
 *
 * <p><b>Limits.</b> {@code uploadThreads} requests at once and {@code memoryBytes} of content in
 * memory, over all files ({@link PublisherOptions}); who comes later waits in order of arrival.
 * Parts above half of that memory are read twice, through a window of 1 MiB.
 *
 * <p><b>Whole or not at all.</b> What is sent again after a failure are the same bytes (they are in
 * memory, or compared by checksum), and nothing becomes visible before the content has said {@link
 * PublishContent#stillSame}.
 *
 * <p><b>Nothing left behind.</b> An upload is told to the {@link UploadLog} before its first part
 * and after its end; a publish that fails aborts it first. Where that failed too (the store is
 * down), the log keeps it: {@link #abort} it later. Only an answer to the beginning itself that is
 * lost leaves an upload nobody knows of; {@link ObjectStore#pendingUploads} finds it.
 *
 * <p><b>Unknown outcomes.</b> UNAVAILABLE, TIMEOUT and INTERRUPTED of a put or of the last step may
 * come after the store did it. The next conditional publish meets that success as
 * PRECONDITION_FAILED.
 */
public final class Publisher implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Publisher.class);

  /** How often a part is read anew because the file was written to meanwhile. */
  private static final int READS = 3;

  private final ObjectStore store;
  private final StoreLimits limits;
  private volatile PublisherOptions options;
  private final PartSizes sizes;
  private final Slots slots;
  private final Runnable moved;
  private final SendMemory memory;
  private final ExecutorService background =
      Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("publisher-", 0).factory());
  private volatile boolean closed;

  public Publisher(ObjectStore store, int uploadThreads) {
    this(store, PublisherOptions.of(uploadThreads));
  }

  public Publisher(ObjectStore store, PublisherOptions options) {
    this(store, options, () -> {});
  }

  /**
   * A publisher that is watched.
   *
   * @param moved run on any thread whenever a request has ended well
   */
  public Publisher(ObjectStore store, PublisherOptions options, Runnable moved) {
    this.store = store;
    this.moved = moved;
    this.limits = store.limits();
    this.options = options;
    this.sizes = new PartSizes(limits, options.partBytes());
    this.slots = new Slots(options.uploadThreads());
    this.memory = new SendMemory(options.memoryBytes(), sizes.size(1));
  }

  /** So many requests at once from now on. */
  public void change(WriteOptions writes) {
    options = PublisherOptions.of(writes);
    slots.resize(options.uploadThreads());
  }

  /**
   * Makes an object of a content; returns when it is there.
   *
   * <p>With parts sent ahead the object has the attributes that were given to {@link #ahead}: a
   * store fixes them when an upload begins. The result says what is stored; who needs more sets it
   * by a copy of the object onto itself. Parts sent ahead for another key are given up.
   *
   * @param ahead null for none
   * @return the object made; empty where the content changed meanwhile: nothing became visible, and
   *     parts sent ahead are kept for the next try
   * @throws StoreException {@code PRECONDITION_FAILED} where the order's condition does not hold or
   *     its base is another version, {@code TOO_LARGE}, {@code INTERRUPTED} (uploads are aborted in
   *     the background), and whatever ended a request beyond the store's own retries
   */
  public Optional<ObjectInfo> publish(
      PublishOrder order, PublishContent content, UploadLog log, @Nullable PartsAhead ahead)
      throws IOException {
    checkOpen(order.key());
    long size = content.sizeBytes();
    checkSize(order.key(), size);
    PartsAhead usable = ahead;
    if (usable != null && (!usable.key().equals(order.key()) || isPut(order, size))) {
      usable.abort();
      usable = null;
    }
    try {
      return isPut(order, size) ? put(order, content) : publishParts(order, content, log, usable);
    } catch (ContentChangedException e) {
      return Optional.empty();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw SendGroup.interrupted(order.key(), e);
    }
  }

  private void checkOpen(String key) throws StoreException {
    if (closed) {
      throw new StoreException(Kind.CLOSED, key, "can't send " + key + ": the mount is ending");
    }
  }

  private void checkSize(String key, long size) throws StoreException {
    long most = limits.multipart() ? limits.maxObjectBytes() : limits.maxPutBytes();
    if (size > most) {
      throw new StoreException(
          Kind.TOO_LARGE,
          key,
          key + " has " + size + " bytes, " + store.id() + " takes " + most + ": make it smaller");
    }
  }

  private boolean isPut(PublishOrder order, long size) {
    long most = order.base() == null ? options.putBytes() : options.putBytesOverBase();
    return !limits.multipart() || size <= Math.min(most, limits.maxPutBytes());
  }

  private Optional<ObjectInfo> put(PublishOrder order, PublishContent content)
      throws IOException, InterruptedException {
    slots.acquire();
    try (FrozenBytes bytes = FrozenBytes.of(content::read, 0, content.sizeBytes(), memory)) {
      if (!content.stillSame()) {
        return Optional.empty();
      }
      try {
        return Optional.of(store.put(order.key(), bytes, order.attributes(), order.condition()));
      } catch (StoreException e) {
        if (bytes.isChanged()) {
          return Optional.empty(); // the request ended before its last byte
        }
        throw e;
      }
    } finally {
      slots.release();
    }
  }

  private Optional<ObjectInfo> publishParts(
      PublishOrder order, PublishContent content, UploadLog log, @Nullable PartsAhead ahead)
      throws IOException, InterruptedException {
    PartedUpload upload = ahead == null ? null : ahead.take();
    PartsAhead taken = upload == null ? null : ahead;
    if (upload == null) {
      upload = newUpload(order.key(), order.attributes(), log);
    }
    SendGroup group = newGroup(order.key());
    boolean done = false;
    boolean changed = false;
    try {
      List<PlannedPart> plan = plan(order, content, upload);
      if (upload.highest() > plan.size()) {
        upload.abort(); // the file became shorter: parts can't be taken back one by one
        upload = newUpload(order.key(), order.attributes(), log);
        if (taken != null) {
          taken.finish();
          taken = null;
        }
      }
      changed = !sendAll(order, content, upload, plan, group);
      if (changed) {
        return Optional.empty();
      }
      ObjectInfo made = upload.complete(order.condition());
      done = true;
      return Optional.of(made);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // before end() looks at it
      throw SendGroup.interrupted(order.key(), e);
    } finally {
      end(upload, group, taken, done, changed);
    }
  }

  private List<PlannedPart> plan(PublishOrder order, PublishContent content, PartedUpload upload) {
    Base base = order.base();
    if (base != null && upload.highest() == 0) {
      List<PlannedPart> over =
          PartPlan.overBase(content, base, limits, sizes.size(1), options.copyBytes());
      if (!over.isEmpty()) {
        return over;
      }
    }
    return PartPlan.inSizes(content, sizes, base);
  }

  /** False where the content is another one now. */
  private boolean sendAll(
      PublishOrder order,
      PublishContent content,
      PartedUpload upload,
      List<PlannedPart> plan,
      SendGroup group)
      throws IOException, InterruptedException {
    var _ = upload.begin();
    Base base = order.base();
    try {
      for (PlannedPart part : plan) {
        if (part.copied() && base != null) {
          group.start(
              () -> upload.copy(part.number(), part.offsetBytes(), part.lengthBytes(), base));
        } else {
          group.start(() -> send(upload, part, content::read));
        }
      }
      group.await();
    } catch (ContentChangedException e) {
      group.stop();
      return false;
    }
    return content.stillSame();
  }

  /** Sends a part; reads it anew where it changed while it was sent from the file itself. */
  void send(PartedUpload upload, PlannedPart part, PublishBytes file)
      throws IOException, InterruptedException {
    for (int reads = 1; ; reads++) {
      try {
        upload.send(part.number(), part.offsetBytes(), part.lengthBytes(), file, memory);
        return;
      } catch (ContentChangedException e) {
        if (reads == READS) {
          throw e;
        }
      }
    }
  }

  /** Whatever happened: no request runs on, and no upload stays that nobody wants. */
  private void end(
      PartedUpload upload,
      SendGroup group,
      @Nullable PartsAhead ahead,
      boolean done,
      boolean changed) {
    if (done) {
      if (ahead != null) {
        ahead.finish();
      }
      return;
    }
    if (changed && ahead != null) {
      ahead.giveBack();
      return;
    }
    Runnable clear =
        () -> {
          group.stop();
          abortQuietly(upload);
        };
    // With the interrupt still set the store would refuse the abort.
    if (!Thread.currentThread().isInterrupted() || !inBackground(clear)) {
      clear.run();
    }
    if (ahead != null) {
      ahead.reset();
    }
  }

  /**
   * Parts to be sent while the file is written; nothing is sent before {@link PartsAhead#grown}.
   * Worth it for files that are written from their beginning: with a base whose ranges stay, parts
   * sent ahead would carry bytes that the store has.
   *
   * @param attributes what the object will have: leave out times, which nobody knows yet
   * @param file as it is at each moment
   */
  public PartsAhead ahead(
      String key, ObjectAttributes attributes, PublishBytes file, UploadLog log) {
    return new PartsAhead(this, key, attributes, file, log);
  }

  /**
   * Takes away an upload that the log still has: what a kill left, or what could not be aborted
   * when the store was down. Tells the log.
   */
  public void abort(String key, String uploadId, UploadLog log) throws IOException {
    checkOpen(key);
    if (limits.multipart()) {
      store.resumeUpload(key, uploadId).abort();
    }
    log.ended(key, uploadId);
  }

  PartSizes sizes() {
    return sizes;
  }

  boolean sendsParts(int number) {
    return !closed && limits.multipart() && number <= limits.maxParts();
  }

  SendGroup newGroup(String key) {
    return new SendGroup(key, slots, options.transferParts(), moved);
  }

  PartedUpload newUpload(String key, ObjectAttributes attributes, UploadLog log) {
    return new PartedUpload(store, key, attributes, log);
  }

  /** False where this is closed. */
  boolean inBackground(Runnable task) {
    try {
      background.execute(task);
      return true;
    } catch (RejectedExecutionException e) {
      return false;
    }
  }

  void abortQuietly(PartedUpload upload) {
    try {
      upload.abort();
    } catch (StoreException e) {
      LOG.warn("An upload stays in the store until recovery: {}", e.getMessage());
    }
  }

  /** Waits for aborts under way. Publishes end as they would; no further ones begin. */
  @Override
  public void close() {
    closed = true;
    background.close();
    memory.close();
  }
}
