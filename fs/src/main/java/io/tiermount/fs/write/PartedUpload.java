package io.tiermount.fs.write;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.tiermount.backends.ObjectAttributes;
import io.tiermount.backends.ObjectInfo;
import io.tiermount.backends.ObjectStore;
import io.tiermount.backends.StoreException;
import io.tiermount.backends.Upload;
import io.tiermount.backends.WriteCondition;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One upload in parts: begun at its first part, journalled, and aware of what the store holds of
 * it. Parts may be sent by several threads; completed or aborted once, by one.
 */
final class PartedUpload {
  /** A request that failed for no reason of its own is made once more. */
  private static final int TRIES = 2;

  private record Sent(long lengthBytes, int crc) {}

  private final ObjectStore store;
  private final String key;
  private final ObjectAttributes attributes;
  private final UploadLog log;

  /** Held over the request that begins the upload, so that it is made once. */
  private final Object beginning = new Object();

  @GuardedBy("beginning")
  private @Nullable Upload upload;

  @GuardedBy("this")
  private final Map<Integer, Sent> sent = new HashMap<>();

  @GuardedBy("this")
  private int highest;

  PartedUpload(ObjectStore store, String key, ObjectAttributes attributes, UploadLog log) {
    this.store = store;
    this.key = key;
    this.attributes = attributes;
    this.log = log;
  }

  /** The upload; begins it where that has not happened. */
  Upload begin() throws IOException {
    synchronized (beginning) {
      Upload known = upload;
      if (known != null) {
        return known;
      }
      Upload begun = store.startUpload(key, attributes);
      try {
        log.begun(key, begun.uploadId());
      } catch (IOException | RuntimeException e) {
        begun.abort(); // nobody would know of it
        throw e;
      }
      upload = begun;
      return begun;
    }
  }

  /** The highest number that the store may hold a part of; 0 for none. */
  synchronized int highest() {
    return highest;
  }

  /** Sends a range of the file, if the store does not hold the very same bytes as this part. */
  void send(int number, long offsetBytes, long lengthBytes, PublishBytes file, SendMemory memory)
      throws IOException, InterruptedException {
    try (FrozenBytes bytes = FrozenBytes.of(file, offsetBytes, lengthBytes, memory)) {
      Sent now = new Sent(lengthBytes, bytes.crc());
      if (holds(number, now)) {
        return;
      }
      Upload begun = begin();
      sending(number);
      try {
        begun.part(number, bytes);
      } catch (StoreException e) {
        throw bytes.isChanged() ? new ContentChangedException(offsetBytes) : e;
      }
      synchronized (this) {
        sent.put(number, now);
      }
    }
  }

  private synchronized boolean holds(int number, Sent bytes) {
    return bytes.equals(sent.get(number));
  }

  /** From here on nobody knows what the store holds of it, until it says so. */
  private synchronized void sending(int number) {
    sent.remove(number);
    highest = Math.max(highest, number);
  }

  /** Copies a range of the base in the store. */
  void copy(int number, long offsetBytes, long lengthBytes, Base base) throws IOException {
    Upload begun = begin();
    sending(number);
    begun.copyPart(number, base.key(), base.version(), offsetBytes, lengthBytes);
  }

  /** Makes the object. Where its answer is lost it asks again, which finds the first's success. */
  ObjectInfo complete(WriteCondition condition) throws IOException {
    Upload begun = begin();
    for (int tries = 1; ; tries++) {
      try {
        ObjectInfo made = begun.complete(condition);
        tellEnded(begun);
        return made;
      } catch (StoreException e) {
        if (!mayRepeat(e) || tries == TRIES) {
          throw e;
        }
      }
    }
  }

  private static boolean mayRepeat(StoreException e) {
    return switch (e.kind()) {
      case UNAVAILABLE, TIMEOUT, THROTTLED, CORRUPT -> true;
      case NOT_FOUND,
          ACCESS_DENIED,
          KEYS_REFUSED,
          PRECONDITION_FAILED,
          TOO_LARGE,
          UNSUPPORTED,
          INVALID,
          INTERRUPTED,
          CLOSED,
          LOCAL_IO ->
          false;
    };
  }

  /**
   * Takes it away from the store.
   *
   * @throws StoreException where that failed: the log still has it then
   */
  void abort() throws StoreException {
    Upload begun;
    synchronized (beginning) {
      begun = upload;
    }
    if (begun == null) {
      return;
    }
    for (int tries = 1; ; tries++) {
      try {
        begun.abort();
        tellEnded(begun);
        return;
      } catch (StoreException e) {
        if (!mayRepeat(e) || tries == TRIES) {
          throw e;
        }
      }
    }
  }

  // The object is there or the upload is gone; that the journal could not note it changes neither.
  @SuppressWarnings("EmptyCatch")
  private void tellEnded(Upload gone) {
    try {
      log.ended(key, gone.uploadId());
    } catch (IOException e) {
      // Recovery aborts it once more, which does nothing.
    }
  }
}
