package io.tiermount.fs.write;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.tiermount.backends.ObjectAttributes;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * Parts of a file that are sent while it is still being written, so that little is left to send at
 * its end. Give it to {@link Publisher#publish}, which looks at every part again and sends those
 * anew whose bytes have changed since. Made by {@link Publisher#ahead}; any thread.
 *
 * <p>After a publish that failed it is empty and may begin anew; after one that found the file
 * changed it keeps its parts for the next; after one that succeeded it is over. Failures here are
 * nobody's business: nothing is sent ahead any more, and the publish says what is wrong.
 */
public final class PartsAhead {
  /** A smaller file may still end as one put. */
  private static final int LEAST_PARTS = 2;

  private final Publisher publisher;
  private final String key;
  private final ObjectAttributes attributes;
  private final PublishBytes file;
  private final UploadLog log;

  @GuardedBy("this")
  private PartedUpload upload;

  @GuardedBy("this")
  private SendGroup group;

  @GuardedBy("this")
  private long safeBytes;

  @GuardedBy("this")
  private int nextNumber = 1;

  @GuardedBy("this")
  private long nextOffset;

  /** The thread that waits for slots is at work. */
  @GuardedBy("this")
  private boolean pumping;

  /** A publish has it. */
  @GuardedBy("this")
  private boolean taken;

  @GuardedBy("this")
  private boolean over;

  PartsAhead(
      Publisher publisher,
      String key,
      ObjectAttributes attributes,
      PublishBytes file,
      UploadLog log) {
    this.publisher = publisher;
    this.key = key;
    this.attributes = attributes;
    this.file = file;
    this.log = log;
    this.upload = newUpload();
    this.group = publisher.newGroup(key);
  }

  private PartedUpload newUpload() {
    return publisher.newUpload(key, attributes, log);
  }

  String key() {
    return key;
  }

  /**
   * The bytes below this size are likely to stay: whole parts of them are sent in the background,
   * from the second whole part on. Returns at once; may be called for every write.
   */
  public synchronized void grown(long safeSizeBytes) {
    safeBytes = Math.max(safeBytes, safeSizeBytes);
    long first = publisher.sizes().size(1);
    if (pumping
        || !mayGoOn()
        || safeBytes < LEAST_PARTS * first
        || nextOffset + publisher.sizes().size(nextNumber) > safeBytes) {
      return;
    }
    pumping = publisher.inBackground(this::pump);
  }

  @GuardedBy("this")
  private boolean mayGoOn() {
    return !taken && !over && !group.hasFailed() && publisher.sendsParts(nextNumber);
  }

  private void pump() {
    try {
      while (true) {
        PlannedPart part;
        PartedUpload into;
        SendGroup with;
        synchronized (this) {
          long length = publisher.sizes().size(nextNumber);
          if (!mayGoOn() || nextOffset + length > safeBytes) {
            return;
          }
          part = new PlannedPart(nextNumber, nextOffset, length, false);
          into = upload;
          with = group;
          nextNumber++;
          nextOffset += length;
        }
        with.start(() -> {
          if (!isTaken()) {
            publisher.send(into, part, file);
          }
        });
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // the publisher is closing
    } finally {
      synchronized (this) {
        pumping = false;
        notifyAll();
      }
    }
  }

  private synchronized boolean isTaken() {
    return taken || over;
  }

  /**
   * Ends sending ahead and hands over what there is; waits for parts under way.
   *
   * @return null where this is over
   */
  @Nullable PartedUpload take() throws InterruptedException {
    SendGroup before;
    synchronized (this) {
      if (over || taken) {
        return null;
      }
      taken = true;
      try {
        while (pumping) {
          wait();
        }
      } catch (InterruptedException e) {
        taken = false;
        throw e;
      }
      before = group;
    }
    try {
      before.await();
    } catch (InterruptedException e) {
      giveBack();
      throw e;
    } catch (IOException e) {
      // Those parts are missing, and will be sent by the publish; it meets the same failure then.
    }
    synchronized (this) {
      return upload;
    }
  }

  /** The file changed while it was published: what is in the store may do for the next time. */
  synchronized void giveBack() {
    taken = false;
    group = publisher.newGroup(key);
  }

  /** The upload is gone, but another may begin. */
  synchronized void reset() {
    upload = newUpload();
    nextNumber = 1;
    nextOffset = 0;
    giveBack();
  }

  /** The upload became an object. */
  synchronized void finish() {
    over = true;
  }

  /** Gives it up; the store's side is cleared in the background. Idempotent, and harmless later. */
  public void abort() {
    synchronized (this) {
      if (over || taken) {
        return;
      }
      over = true;
    }
    if (!publisher.inBackground(this::clear)) {
      clear();
    }
  }

  private void clear() {
    SendGroup last;
    PartedUpload gone;
    synchronized (this) {
      boolean interrupted = false;
      while (pumping) {
        try {
          wait();
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
      last = group;
      gone = upload;
    }
    last.stop();
    publisher.abortQuietly(gone);
  }
}
