package io.tiermount.daemon;

import io.tiermount.backends.os.Errno;
import io.tiermount.backends.os.ErrnoException;
import io.tiermount.backends.os.LibC;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import org.jspecify.annotations.Nullable;

/**
 * One daemon a cache directory: an exclusive lock on {@code daemon.lock} in it, which holds the
 * owner's pid. The kernel gives it back when the process ends, however it ends.
 */
final class CacheLock implements AutoCloseable {
  /** Held by a keeper over the lives of its daemons (flock(2), which children inherit). */
  private static final String KEEPER_LOCK = "keeper.lock";

  private final FileChannel channel;

  /** Of the keeper's lock; negative where a keeper has it already. */
  private final int keeperFd;

  private CacheLock(FileChannel channel, int keeperFd) {
    this.channel = channel;
    this.keeperFd = keeperFd;
  }

  /**
   * Makes the directory (0700) where it is missing, and locks it.
   *
   * @throws IOException where another daemon owns it (it says which) or it can't be made
   */
  static CacheLock take(Path cacheDirectory) throws IOException {
    return take(cacheDirectory, false);
  }

  /**
   * The same.
   *
   * @param follows a keeper that has the directory started this process
   */
  static CacheLock take(Path cacheDirectory, boolean follows) throws IOException {
    if (!Files.isDirectory(cacheDirectory)) {
      Path parent = cacheDirectory.toAbsolutePath().getParent();
      if (parent != null) {
        Files.createDirectories(parent);
      }
      Files.createDirectory(
          cacheDirectory,
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    }
    // Another user must not read one scope's data through the cache.
    Files.setPosixFilePermissions(cacheDirectory, PosixFilePermissions.fromString("rwx------"));
    Path file = cacheDirectory.resolve("daemon.lock");
    int keeper = follows ? -1 : keeperLock(cacheDirectory, file);
    boolean taken = false;
    try {
      CacheLock lock = take(cacheDirectory, file, keeper);
      taken = true;
      return lock;
    } finally {
      if (!taken && keeper >= 0) {
        LibC.close(keeper);
      }
    }
  }

  /** Where a keeper is about to start the next daemon, nobody else is to come first. */
  private static int keeperLock(Path cacheDirectory, Path file) throws IOException {
    int fd =
        LibC.open(
            cacheDirectory.resolve(KEEPER_LOCK).toString(),
            LibC.O_RDWR | LibC.O_CREAT | LibC.O_CLOEXEC,
            0600);
    try {
      LibC.flock(fd, LibC.LOCK_EX | LibC.LOCK_NB);
      return fd;
    } catch (ErrnoException e) {
      LibC.close(fd);
      if (e.errno() != Errno.EAGAIN) {
        throw e;
      }
      try (FileChannel channel =
          FileChannel.open(
              file, StandardOpenOption.READ, StandardOpenOption.WRITE, StandardOpenOption.CREATE)) {
        throw new IOException(belongs(cacheDirectory, holder(channel)), e);
      }
    }
  }

  private static String belongs(Path cacheDirectory, String pid) {
    return "the cache directory %s belongs to another daemon (pid %s): stop that one, or set another storage.cache.default_base_dir"
        .formatted(cacheDirectory, pid);
  }

  private static CacheLock take(Path cacheDirectory, Path file, int keeper) throws IOException {
    FileChannel channel =
        FileChannel.open(
            file, StandardOpenOption.READ, StandardOpenOption.WRITE, StandardOpenOption.CREATE);
    try {
      @Nullable FileLock lock = lock(channel);
      if (lock == null) {
        throw new IOException(belongs(cacheDirectory, holder(channel)));
      }
      channel.truncate(0);
      int _ =
          channel.write(
              ByteBuffer.wrap(
                  (ProcessHandle.current().pid() + "\n").getBytes(StandardCharsets.US_ASCII)));
      return new CacheLock(channel, keeper);
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  /** A descriptor of the lock that a keeper is to hold. */
  int keeperFd() {
    return keeperFd;
  }

  @Override
  public void close() throws IOException {
    channel.close();
    if (keeperFd >= 0) {
      LibC.close(keeperFd);
    }
  }

  private static @Nullable FileLock lock(FileChannel channel) throws IOException {
    try {
      return channel.tryLock();
    } catch (OverlappingFileLockException e) {
      return null; // held by another daemon in this very process, as in tests
    }
  }

  private static String holder(FileChannel channel) throws IOException {
    ByteBuffer text = ByteBuffer.allocate(32);
    int _ = channel.read(text, 0);
    String pid = new String(text.array(), 0, text.position(), StandardCharsets.US_ASCII).strip();
    return pid.isEmpty() ? "not yet written" : pid;
  }
}
