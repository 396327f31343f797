package io.tiermount.fs.meta;

import io.tiermount.fs.meta.MetaException.Kind;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;

/**
 * One opening of a store at a time. A lock of our own beside RocksDB's, since RocksDB reports a
 * held one like any other failure of the disk, which for {@code index/} would mean to drop it.
 */
final class StoreLock implements AutoCloseable {
  private final FileChannel channel;

  private StoreLock(FileChannel channel) {
    this.channel = channel;
  }

  static StoreLock take(Path directory) throws MetaException {
    Path file = directory.resolveSibling(directory.getFileName() + ".lock");
    FileChannel channel;
    try {
      channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    } catch (IOException e) {
      throw new MetaException(Kind.FAILED, "can't open " + file + ": " + e.getMessage(), e);
    }
    if (lock(channel) == null) {
      close(channel);
      throw new MetaException(
          Kind.LOCKED,
          directory + " is in use by another daemon; stop it, or use another cache directory",
          null);
    }
    return new StoreLock(channel);
  }

  private static @Nullable FileLock lock(FileChannel channel) throws MetaException {
    try {
      return channel.tryLock();
    } catch (OverlappingFileLockException e) {
      return null;
    } catch (IOException e) {
      close(channel);
      throw new MetaException(Kind.FAILED, "can't lock: " + e.getMessage(), e);
    }
  }

  private static void close(FileChannel channel) {
    try {
      channel.close();
    } catch (IOException e) {
      throw new IllegalStateException("closing a lock file", e);
    }
  }

  @Override
  public void close() {
    close(channel);
  }
}
