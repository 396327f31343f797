package io.tiermount.backends.local;

import io.tiermount.backends.StoreException;
import io.tiermount.backends.StoreException.Kind;
import io.tiermount.backends.os.Errno;
import io.tiermount.backends.os.ErrnoException;
import java.io.IOException;
import java.io.InterruptedIOException;

/** The table from errno to the store's error. */
final class LocalErrors {
  private LocalErrors() {}

  /**
   * The store's error for one of the operating system's.
   *
   * @param what as in "can't write"
   */
  static StoreException of(String what, String key, IOException cause) {
    return switch (cause) {
      case StoreException e -> e;
      case InterruptedIOException e -> interrupted(key, e);
      case ErrnoException e ->
          new StoreException(
              kind(e.errno()), key, what + " '" + key + "': " + e.getMessage() + advice(e), e);
      default ->
          new StoreException(
              Kind.LOCAL_IO, key, what + " '" + key + "': " + cause.getMessage(), cause);
    };
  }

  /** The caller gave up. */
  static StoreException interrupted(String key, Exception cause) {
    return new StoreException(Kind.INTERRUPTED, key, "interrupted at '" + key + "'", cause);
  }

  private static Kind kind(int errno) {
    return switch (errno) {
      case Errno.ENOENT, Errno.ENOTDIR, Errno.ELOOP -> Kind.NOT_FOUND;
      case Errno.EACCES, Errno.EPERM, Errno.EROFS -> Kind.ACCESS_DENIED;
      case Errno.EFBIG -> Kind.TOO_LARGE;
      case Errno.ENAMETOOLONG, Errno.EINVAL, Errno.EILSEQ -> Kind.INVALID;
      case Errno.EOPNOTSUPP, Errno.ENOSYS -> Kind.UNSUPPORTED;
      case Errno.EINTR -> Kind.INTERRUPTED;
      case Errno.ESTALE, Errno.EMFILE, Errno.ENFILE -> Kind.UNAVAILABLE;
      default -> Kind.LOCAL_IO; // EIO, ENOSPC, EDQUOT and whatever else a disk comes up with
    };
  }

  private static String advice(ErrnoException e) {
    return switch (e.errno()) {
      case Errno.ENOSPC -> "; free space on the disk of the bucket's directory";
      case Errno.EDQUOT -> "; raise the quota of the bucket's directory";
      case Errno.EROFS -> "; the directory is read-only: mount with read_only = true";
      case Errno.EACCES, Errno.EPERM -> "; let the daemon's user into the bucket's directory";
      case Errno.EMFILE -> "; raise the limit of open files (LimitNOFILE)";
      default -> "";
    };
  }
}
