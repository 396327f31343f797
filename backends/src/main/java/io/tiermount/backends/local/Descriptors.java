package io.tiermount.backends.local;

import io.tiermount.backends.os.Errno;
import io.tiermount.backends.os.ErrnoException;
import io.tiermount.backends.os.LibC;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The descriptors of one call, closed together. One thread. */
final class Descriptors implements AutoCloseable {
  /** For directories that are only walked through. */
  static final int WALK = LibC.O_PATH | LibC.O_DIRECTORY | LibC.O_NOFOLLOW | LibC.O_CLOEXEC;

  private static final Logger LOG = LoggerFactory.getLogger(Descriptors.class);

  private final List<Integer> open = new ArrayList<>();

  /** Opens an entry; never follows a symlink. */
  int open(int directory, String name, int flags, int mode) throws ErrnoException {
    int fd = LibC.openat(directory, name, flags | LibC.O_NOFOLLOW | LibC.O_CLOEXEC, mode);
    open.add(fd);
    return fd;
  }

  /** Opens the directory at a path that the configuration names, symlink or not. */
  int openRoot(String path) throws ErrnoException {
    int fd = LibC.open(path, LibC.O_PATH | LibC.O_DIRECTORY | LibC.O_CLOEXEC, 0);
    open.add(fd);
    return fd;
  }

  /** A directory to walk through; null where there is no directory (a symlink is none). */
  @Nullable Integer directory(int parent, String name) throws ErrnoException {
    try {
      return open(parent, name, WALK, 0);
    } catch (ErrnoException e) {
      if (isAbsent(e)) {
        return null;
      }
      throw e;
    }
  }

  /** The directory of another descriptor, for reading its entries. */
  int readable(int directory) throws ErrnoException {
    return open(directory, ".", LibC.O_RDONLY | LibC.O_DIRECTORY, 0);
  }

  /** True where the error says that there is nothing of that name and kind. */
  static boolean isAbsent(ErrnoException e) {
    int errno = e.errno();
    return errno == Errno.ENOENT || errno == Errno.ENOTDIR || errno == Errno.ELOOP;
  }

  @Override
  public void close() {
    open.forEach(Descriptors::close);
    open.clear();
  }

  private static void close(int fd) {
    try {
      LibC.close(fd);
    } catch (ErrnoException e) {
      // Only an error of earlier writes shows here; those were made durable, or promised nothing.
      LOG.debug("close of a file in a bucket's directory", e);
    }
  }
}
