package io.tiermount.fs.cache;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.tiermount.backends.os.Errno;
import io.tiermount.backends.os.ErrnoException;
import io.tiermount.backends.os.LibC;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The files of writers in one cache directory: {@code staging/x/<id>}. Spread over sub-directories,
 * since making a file locks its directory.
 */
final class StagingArea {
  private static final int SUBDIRECTORIES = 16;

  private final Path directory;
  private final List<Subdirectory> subdirectories = new ArrayList<>();

  StagingArea(Path cacheDirectory) {
    directory = cacheDirectory.resolve("staging");
    for (int i = 0; i < SUBDIRECTORIES; i++) {
      subdirectories.add(new Subdirectory(directory.resolve(Integer.toHexString(i))));
    }
  }

  /** Makes what is missing. */
  void prepare() throws IOException {
    var ownerOnly =
        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));
    if (!Files.isDirectory(directory)) {
      Files.createDirectory(directory, ownerOnly);
    }
    for (Subdirectory subdirectory : subdirectories) {
      if (!Files.isDirectory(subdirectory.path)) {
        Files.createDirectory(subdirectory.path, ownerOnly);
      }
    }
  }

  private Subdirectory subdirectory(long id) {
    return subdirectories.get((int) (id & (SUBDIRECTORIES - 1)));
  }

  Path path(long id) {
    return subdirectory(id).path.resolve(HexFormat.of().toHexDigits(id));
  }

  /** The ids of all files there are. */
  List<Long> ids() throws IOException {
    List<Long> ids = new ArrayList<>();
    for (Subdirectory subdirectory : subdirectories) {
      try (DirectoryStream<Path> files = Files.newDirectoryStream(subdirectory.path)) {
        for (Path file : files) {
          long id = DataFiles.contentId(file);
          if (id >= 0) {
            ids.add(id);
          }
        }
      }
    }
    return ids;
  }

  /** -1 where there is none. */
  long highestId() throws IOException {
    return ids().stream().mapToLong(Long::longValue).max().orElse(-1);
  }

  /** Makes an empty file; its descriptor. */
  int create(long id) throws ErrnoException {
    int flags = LibC.O_CREAT | LibC.O_EXCL | LibC.O_RDWR | LibC.O_NOATIME | LibC.O_CLOEXEC;
    return LibC.open(path(id).toString(), flags | LibC.O_NOFOLLOW, 0600);
  }

  /** A descriptor for reading and writing; -1 where there is no such file. */
  int open(long id) throws ErrnoException {
    try {
      int flags = LibC.O_RDWR | LibC.O_NOATIME | LibC.O_CLOEXEC | LibC.O_NOFOLLOW;
      return LibC.open(path(id).toString(), flags, 0);
    } catch (ErrnoException e) {
      if (e.errno() == Errno.ENOENT) {
        return -1;
      }
      throw e;
    }
  }

  /** A data file becomes a writer's. */
  void take(Path dataFile, long id) throws ErrnoException {
    LibC.rename(dataFile.toString(), path(id).toString());
  }

  /** A writer's becomes a data file. */
  void give(long id, Path dataFile) throws ErrnoException {
    LibC.rename(path(id).toString(), dataFile.toString());
  }

  /** The turn of the next fsync of the directory with this file. */
  long nextSync(long id) {
    return subdirectory(id).nextSync();
  }

  /**
   * Waits until the directory with this file is on the device, as it was when {@link #nextSync}
   * said {@code turn}. Many who wait share one fsync.
   */
  void sync(long id, long turn) throws ErrnoException {
    subdirectory(id).sync(turn);
  }

  private static final class Subdirectory {
    private final Path path;
    private final ReentrantLock syncing = new ReentrantLock();

    /** Of the fsync that begins next; changed with the lock only. */
    private volatile long nextTurn;

    /** The last that ended well. */
    @GuardedBy("syncing")
    private long doneTurn = -1;

    Subdirectory(Path path) {
      this.path = path;
    }

    long nextSync() {
      return nextTurn;
    }

    // Not atomic, and need not be: under the lock nobody else changes it.
    @SuppressWarnings("NonAtomicVolatileUpdate")
    void sync(long turn) throws ErrnoException {
      syncing.lock();
      try {
        if (doneTurn >= turn) {
          return;
        }
        long ours = nextTurn++;
        int flags = LibC.O_RDONLY | LibC.O_DIRECTORY | LibC.O_CLOEXEC;
        int fd = LibC.open(path.toString(), flags, 0);
        try {
          LibC.fsync(fd);
        } finally {
          LibC.close(fd);
        }
        doneTurn = ours;
      } finally {
        syncing.unlock();
      }
    }
  }
}
