package io.tiermount.daemon;

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
  private final FileChannel channel;

  private CacheLock(FileChannel channel) {
    this.channel = channel;
  }

  /**
   * Makes the directory (0700) where it is missing, and locks it.
   *
   * @throws IOException where another daemon owns it (it says which) or it can't be made
   */
  static CacheLock take(Path cacheDirectory) throws IOException {
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
    FileChannel channel =
        FileChannel.open(
            file, StandardOpenOption.READ, StandardOpenOption.WRITE, StandardOpenOption.CREATE);
    try {
      @Nullable FileLock lock = lock(channel);
      if (lock == null) {
        throw new IOException(
            "the cache directory %s belongs to another daemon (pid %s): stop that one, or set another storage.cache.default_base_dir"
                .formatted(cacheDirectory, holder(channel)));
      }
      channel.truncate(0);
      int _ =
          channel.write(
              ByteBuffer.wrap(
                  (ProcessHandle.current().pid() + "\n").getBytes(StandardCharsets.US_ASCII)));
      return new CacheLock(channel);
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  @Override
  public void close() throws IOException {
    channel.close();
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
