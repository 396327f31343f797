package io.tiermount.backends.local;

import io.tiermount.backends.os.DirectoryCalls;
import io.tiermount.backends.os.Errno;
import io.tiermount.backends.os.ErrnoException;
import io.tiermount.backends.os.FileStat;
import io.tiermount.backends.os.LibC;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Our own files in the bucket's directory: {@code .tiermount/tmp} (what is being written), {@code
 * locks}, {@code uploads} and {@code meta}. Made at the first write, so that a read-only directory
 * serves reads. Any thread.
 */
final class InternalFiles {
  private static final int PRIVATE_DIRECTORY = 0700;
  private static final int PRIVATE_FILE = 0600;
  private static final long STALE_NANOS = 600_000_000_000L;

  private final String rootPath;

  InternalFiles(String rootPath) {
    this.rootPath = rootPath;
  }

  /** The directory that is the bucket. */
  String rootPath() {
    return rootPath;
  }

  int temporaries(Descriptors descriptors) throws ErrnoException {
    return made(descriptors, "tmp");
  }

  int locks(Descriptors descriptors) throws ErrnoException {
    return made(descriptors, "locks");
  }

  int uploads(Descriptors descriptors) throws ErrnoException {
    return made(descriptors, "uploads");
  }

  int sidecars(Descriptors descriptors) throws ErrnoException {
    return made(descriptors, "meta");
  }

  /** One of ours where it exists already. */
  @Nullable Integer existing(Descriptors descriptors, String name) throws ErrnoException {
    Integer own = descriptors.directory(descriptors.openRoot(rootPath), SegmentNames.RESERVED);
    return own == null ? null : descriptors.directory(own, name);
  }

  private int made(Descriptors descriptors, String name) throws ErrnoException {
    Integer found = existing(descriptors, name);
    if (found != null) {
      return found;
    }
    int root = descriptors.openRoot(rootPath);
    int own = madeIn(descriptors, root, SegmentNames.RESERVED);
    return madeIn(descriptors, own, name);
  }

  private static int madeIn(Descriptors descriptors, int parent, String name)
      throws ErrnoException {
    try {
      DirectoryCalls.mkdir(parent, name, PRIVATE_DIRECTORY);
    } catch (ErrnoException e) {
      if (e.errno() != Errno.EEXIST) {
        throw e;
      }
    }
    return descriptors.open(parent, name, Descriptors.WALK, 0);
  }

  /**
   * A file to write to. It stays locked while its descriptor is open, which tells it from what a
   * killed process left.
   */
  record Temporary(int directory, String name, int fd) {
    void remove() {
      try {
        DirectoryCalls.unlink(directory, name);
      } catch (ErrnoException e) {
        return; // renamed into place, or the next start's clean-up takes it
      }
    }
  }

  Temporary temporary(Descriptors descriptors) throws ErrnoException {
    int directory = temporaries(descriptors);
    String name = "file-" + UUID.randomUUID();
    int flags = LibC.O_RDWR | LibC.O_CREAT | LibC.O_EXCL;
    int fd = descriptors.open(directory, name, flags, PRIVATE_FILE);
    LibC.flock(fd, LibC.LOCK_EX | LibC.LOCK_NB);
    return new Temporary(directory, name, fd);
  }

  /** Removes what killed processes left behind. */
  void removeStale(long nowNanos) throws ErrnoException {
    try (Descriptors descriptors = new Descriptors()) {
      Integer directory = existing(descriptors, "tmp");
      if (directory == null) {
        return;
      }
      List<String> names = new ArrayList<>();
      DirectoryCalls.list(descriptors.readable(directory), (name, _) -> names.add(name));
      for (String name : names) {
        FileStat stat = KeyPaths.statOrNull(directory, name);
        if (stat == null || nowNanos - stat.ctimeNanos() < STALE_NANOS) {
          continue;
        }
        if (stat.isDirectory()) {
          DirectoryCalls.rmdir(directory, name);
        } else if (isAbandoned(directory, name)) {
          DirectoryCalls.unlink(directory, name);
        }
      }
    }
  }

  private static boolean isAbandoned(int directory, String name) {
    try (Descriptors descriptors = new Descriptors()) {
      LibC.flock(descriptors.open(directory, name, LibC.O_RDWR, 0), LibC.LOCK_EX | LibC.LOCK_NB);
      return true;
    } catch (ErrnoException e) {
      return false; // somebody writes it
    }
  }

  /**
   * Renames to a name that must be free.
   *
   * @throws ErrnoException EEXIST where it is not
   */
  static void renameToFree(int fromDirectory, String from, int toDirectory, String to)
      throws ErrnoException {
    try {
      DirectoryCalls.rename(fromDirectory, from, toDirectory, to, LibC.RENAME_NOREPLACE);
    } catch (ErrnoException e) {
      if (e.errno() != Errno.EINVAL && e.errno() != Errno.ENOSYS) {
        throw e;
      }
      // The file system lacks the flag (NFS): our own locks still order us among ourselves.
      if (KeyPaths.statOrNull(toDirectory, to) != null) {
        throw new ErrnoException("rename(" + from + ", " + to + ")", Errno.EEXIST);
      }
      DirectoryCalls.rename(fromDirectory, from, toDirectory, to, 0);
    }
  }
}
