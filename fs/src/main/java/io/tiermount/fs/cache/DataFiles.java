package io.tiermount.fs.cache;

import io.tiermount.backends.os.Errno;
import io.tiermount.backends.os.ErrnoException;
import io.tiermount.backends.os.FileStat;
import io.tiermount.backends.os.LibC;
import io.tiermount.fs.meta.FileTrees;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HexFormat;
import java.util.random.RandomGenerator;

/**
 * The data files of one cache directory: {@code data/xx/<content id>}, sparse, each as long as its
 * content from the start; {@code held/} for files that left the cache while somebody still maps
 * them; {@code trash-…} for what is being deleted. ({@code staging/} is {@link StagingArea}'s.)
 */
final class DataFiles {
  private static final int SUBDIRECTORIES = 256;

  /** F_SETSIG, and SIGURG, which nobody minds: a broken lease would end the process by SIGIO. */
  private static final int F_SETSIG = 10;

  private static final int SIGURG = 23;

  private final Path directory;
  private final long id;
  private final boolean fresh;

  /** Data files nobody knows are being deleted, so what is really used is not known. */
  private volatile boolean blocked;

  private DataFiles(Path directory, long id, boolean fresh) {
    this.directory = directory;
    this.id = id;
    this.fresh = fresh;
  }

  /** Opens a cache directory, making what is missing. */
  static DataFiles open(Path directory, RandomGenerator random) throws IOException {
    var ownerOnly =
        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));
    Files.createDirectories(directory);
    Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwx------"));
    if (!Files.isDirectory(directory.resolve("held"))) {
      Files.createDirectory(directory.resolve("held"), ownerOnly);
    }
    Path idFile = directory.resolve("directory-id");
    boolean fresh = !Files.exists(idFile) || Files.size(idFile) != Long.BYTES;
    long id;
    if (fresh) {
      id = random.nextLong();
      Files.write(idFile, ByteBuffer.allocate(Long.BYTES).putLong(id).array());
    } else {
      id = ByteBuffer.wrap(Files.readAllBytes(idFile)).getLong();
    }
    return new DataFiles(directory, id, fresh);
  }

  Path directory() {
    return directory;
  }

  /** The directory's own number, which moves with it: another disk mounted here has another. */
  long id() {
    return id;
  }

  boolean isFresh() {
    return fresh;
  }

  boolean isBlocked() {
    return blocked;
  }

  /** Moves all data files out of the way; nothing is stored here until {@link #emptyTrash}. */
  void trashData() throws IOException {
    Path data = directory.resolve("data");
    if (Files.exists(data)) {
      Files.move(data, directory.resolve("trash-" + System.nanoTime()));
    }
  }

  /** Makes the sub-directories. */
  void prepare() throws IOException {
    var ownerOnly =
        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));
    Path data = directory.resolve("data");
    if (!Files.isDirectory(data)) {
      Files.createDirectory(data, ownerOnly);
    }
    for (int i = 0; i < SUBDIRECTORIES; i++) {
      Path subdirectory = subdirectory(i);
      if (!Files.isDirectory(subdirectory)) {
        Files.createDirectory(subdirectory, ownerOnly);
      }
    }
    blocked = hasTrash();
  }

  private boolean hasTrash() throws IOException {
    try (DirectoryStream<Path> trash = Files.newDirectoryStream(directory, "trash-*")) {
      return trash.iterator().hasNext();
    }
  }

  /** Deletes what was moved out of the way. */
  void emptyTrash() throws IOException {
    if (!blocked) {
      return;
    }
    try (DirectoryStream<Path> trash = Files.newDirectoryStream(directory, "trash-*")) {
      for (Path path : trash) {
        FileTrees.delete(path);
      }
    }
    blocked = false;
  }

  int subdirectories() {
    return SUBDIRECTORIES;
  }

  Path subdirectory(int number) {
    return directory.resolve("data").resolve(HexFormat.of().toHexDigits((byte) number));
  }

  Path path(long contentId) {
    return subdirectory((int) (contentId & 0xff)).resolve(HexFormat.of().toHexDigits(contentId));
  }

  /** The id a data file's name says; -1 for another file. */
  static long contentId(Path file) {
    String name = file.getFileName().toString();
    try {
      return name.length() == 16 ? HexFormat.fromHexDigitsToLong(name) : -1;
    } catch (IllegalArgumentException e) {
      return -1;
    }
  }

  /** Opens a data file; -1 where it is missing or not as long as its content. */
  int open(long contentId, long sizeBytes, int accessMode) throws ErrnoException {
    int fd;
    try {
      int flags = accessMode | LibC.O_CLOEXEC | LibC.O_NOFOLLOW;
      fd = LibC.open(path(contentId).toString(), flags, 0);
    } catch (ErrnoException e) {
      if (e.errno() == Errno.ENOENT) {
        return -1;
      }
      throw e;
    }
    FileStat stat = LibC.fstat(fd);
    if (stat.sizeBytes() != sizeBytes || !stat.isRegular()) {
      LibC.close(fd);
      return -1;
    }
    return fd;
  }

  /** Makes a data file, replacing what is there. */
  int create(long contentId, long sizeBytes) throws ErrnoException {
    int flags = LibC.O_CREAT | LibC.O_TRUNC | LibC.O_RDWR | LibC.O_CLOEXEC | LibC.O_NOFOLLOW;
    int fd = LibC.open(path(contentId).toString(), flags, 0600);
    try {
      LibC.ftruncate(fd, sizeBytes);
      return fd;
    } catch (ErrnoException e) {
      LibC.close(fd);
      throw e;
    }
  }

  void punch(int fd, long offsetBytes, long lengthBytes) throws ErrnoException {
    int mode = LibC.FALLOC_FL_PUNCH_HOLE | LibC.FALLOC_FL_KEEP_SIZE;
    LibC.fallocate(fd, mode, offsetBytes, lengthBytes);
  }

  void delete(long contentId) throws IOException {
    Files.deleteIfExists(path(contentId));
  }

  /** Files that left the cache but are still in use. */
  record Held(int files, long bytes) {
    static final Held NOTHING = new Held(0, 0);

    Held plus(Held other) {
      return new Held(files + other.files, bytes + other.bytes);
    }
  }

  /** Takes a file that may be in use out of the cache; what it holds. */
  Held holdBack(Path file) throws IOException {
    Path held = directory.resolve("held").resolve(file.getFileName());
    try {
      Files.move(file, held);
      return new Held(1, allocatedBytes(held));
    } catch (NoSuchFileException e) {
      return Held.NOTHING;
    }
  }

  /** Deletes the held files that nobody uses any more; what the others hold. */
  Held releaseHeld() throws IOException {
    Held left = Held.NOTHING;
    try (DirectoryStream<Path> held = Files.newDirectoryStream(directory.resolve("held"))) {
      for (Path file : held) {
        if (isInUse(file)) {
          left = left.plus(new Held(1, allocatedBytes(file)));
        } else {
          Files.deleteIfExists(file);
        }
      }
    }
    return left;
  }

  /** True while anything at all has the data file open or maps it, ourselves included. */
  boolean isInUse(long contentId) {
    return isInUse(path(contentId));
  }

  /** The same for any file; false where there is none. */
  static boolean isInUse(Path file) {
    try {
      int flags = LibC.O_RDONLY | LibC.O_CLOEXEC | LibC.O_NOFOLLOW;
      int fd = LibC.open(file.toString(), flags, 0);
      try {
        return isInUse(fd);
      } finally {
        LibC.close(fd);
      }
    } catch (ErrnoException e) {
      return e.errno() != Errno.ENOENT;
    }
  }

  /**
   * True while anything but this one descriptor has the file open or maps it. A write lease is
   * granted only where nobody else has (fcntl(2); the kernel's check_conflicting_open leaves the
   * asking descriptor out of the count).
   */
  static boolean isInUse(int fd) {
    try {
      LibC.fcntl(fd, F_SETSIG, SIGURG);
      LibC.fcntl(fd, LibC.F_SETLEASE, LibC.F_WRLCK);
      LibC.fcntl(fd, LibC.F_SETLEASE, LibC.F_UNLCK);
      return false;
    } catch (ErrnoException e) {
      // EAGAIN: in use. A file system without leases can't tell: it counts as in use, too.
      return true;
    }
  }

  /** What a file takes on disk; 0 where there is none. */
  static long allocatedBytes(Path file) throws ErrnoException {
    try {
      return LibC.stat(file.toString()).blocks() * 512;
    } catch (ErrnoException e) {
      if (e.errno() == Errno.ENOENT) {
        return 0;
      }
      throw e;
    }
  }

  /** Keeps a descriptor's number, which others may be about to use, and lets go of its file. */
  static void leadNowhere(int fd) throws ErrnoException {
    int nowhere = LibC.open("/dev/null", LibC.O_RDWR | LibC.O_CLOEXEC, 0);
    try {
      LibC.dup3(nowhere, fd);
    } finally {
      LibC.close(nowhere);
    }
  }
}
