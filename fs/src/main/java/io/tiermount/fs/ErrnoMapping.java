package io.tiermount.fs;

import io.tiermount.backends.StoreException;
import io.tiermount.backends.os.Errno;

/** Where a store's error becomes the errno a program sees: the one table. */
final class ErrnoMapping {
  private ErrnoMapping() {}

  static int errno(StoreException.Kind kind) {
    return switch (kind) {
      case NOT_FOUND -> Errno.ENOENT;
      case ACCESS_DENIED, KEYS_REFUSED -> Errno.EACCES;
      // The version that was opened is gone: the descriptor is stale, a new open sees the new one.
      case PRECONDITION_FAILED -> Errno.ESTALE;
      // All retries are behind us. EAGAIN would promise that asking at once again is of use, and
      // programs that read regular files do not expect it.
      case THROTTLED, UNAVAILABLE -> Errno.EIO;
      // ETIMEDOUT is not an error read(2) may return; programs treat EIO as "this data can't be
      // had".
      case TIMEOUT, CLOSED -> Errno.EIO;
      case CORRUPT -> Errno.EIO;
      case TOO_LARGE -> Errno.EFBIG;
      case UNSUPPORTED -> Errno.EOPNOTSUPP;
      // A request the store calls malformed is our mistake or the configuration's, not the
      // program's:
      // EINVAL would send it looking for a bad argument.
      case INVALID -> Errno.EIO;
      case INTERRUPTED -> Errno.EINTR;
      // ENOSPC of the cache disk never reaches a reader; what is left is the local bucket's own
      // disk.
      case LOCAL_IO -> Errno.EIO;
    };
  }
}
