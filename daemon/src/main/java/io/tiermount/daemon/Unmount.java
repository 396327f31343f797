package io.tiermount.daemon;

import io.tiermount.backends.os.Errno;
import io.tiermount.backends.os.ErrnoException;
import io.tiermount.backends.os.LibC;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** umount2(2) for a mount that may be in use. */
final class Unmount {
  private Unmount() {}

  /** Null where nothing of ours is mounted any more; else why it stays. */
  static @Nullable String unlessBusy(Path path) {
    try {
      LibC.umount2(path.toString(), LibC.UMOUNT_NOFOLLOW);
      return null;
    } catch (ErrnoException e) {
      return switch (e.errno()) {
        case Errno.EINVAL, Errno.ENOENT -> null; // somebody unmounted it already
        case Errno.EBUSY ->
            "it is in use (lsof " + path + " or fuser -vm " + path + " tells by whom)";
        default -> String.valueOf(e.getMessage());
      };
    }
  }
}
