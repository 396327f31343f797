package io.tiermount.backends;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * The one error of every store. {@link #kind} decides what happens next; the message is for people
 * and says what failed, on what, and what to do.
 */
public final class StoreException extends IOException {
  private static final long serialVersionUID = 1L;

  /** Why a call failed. Each meets its errno in {@code fs.ErrnoMapping}. */
  public enum Kind {
    /** No such object (or bucket). */
    NOT_FOUND,
    /** The credentials may not do this. */
    ACCESS_DENIED,
    /** The store does not accept the keys (unknown, wrong, expired), renewed or not. */
    KEYS_REFUSED,
    /** A write condition or a pinned version does not hold. */
    PRECONDITION_FAILED,
    /** The store asked us to slow down, beyond all retries. */
    THROTTLED,
    /** Not reachable, reset, or answering 5xx, beyond all retries; or there are no keys yet. */
    UNAVAILABLE,
    /** No progress before the deadline. */
    TIMEOUT,
    /** What arrived is not what the store's checksum says, beyond all retries. */
    CORRUPT,
    /** Larger than the store takes. */
    TOO_LARGE,
    /** The store can't do this at all. */
    UNSUPPORTED,
    /** The store refuses the request as malformed: key too long, bad metadata, wrong region. */
    INVALID,
    /** The caller was interrupted. */
    INTERRUPTED,
    /** The store was closed. */
    CLOSED,
    /** The local disk under the store failed or is full. */
    LOCAL_IO
  }

  private final Kind kind;
  private final String key;

  public StoreException(Kind kind, String key, String message) {
    this(kind, key, message, null);
  }

  public StoreException(Kind kind, String key, String message, @Nullable Throwable cause) {
    super(message, cause);
    this.kind = kind;
    this.key = key;
  }

  public Kind kind() {
    return kind;
  }

  /** The key the call was about; "" where it was about none. */
  public String key() {
    return key;
  }
}
