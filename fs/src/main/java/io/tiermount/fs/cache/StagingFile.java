package io.tiermount.fs.cache;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.tiermount.backends.os.ErrnoException;
import io.tiermount.backends.os.LibC;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.locks.ReentrantLock;

/**
 * One file of a writer, with one descriptor open for reading and writing (O_NOATIME, O_CLOEXEC)
 * until it is closed. Closing it keeps the file and its place in the cache's budget: {@link
 * Staging#reopen} opens it again. Safe from any thread, but for using {@link #fd()} while another
 * closes.
 */
public final class StagingFile implements AutoCloseable {
  private final CacheDirectory directory;
  private final long id;

  /** The fsync of its directory that it needs. */
  private final long directorySync;

  private final ReentrantLock lock = new ReentrantLock();
  private volatile boolean directorySynced;

  /** Changed with the lock; -1 while it is closed. */
  private volatile int fd;

  /** What of the directory's staged bytes is this file's. */
  @GuardedBy("lock")
  private long countedBytes;

  /** What it will take as soon as what room was made for is written; 0 for nothing. */
  @GuardedBy("lock")
  private long expectedBytes;

  /** The janitor has seen that before. */
  @GuardedBy("lock")
  private boolean expectedIsOld;

  /** Discarded, or a cached content by now. */
  @GuardedBy("lock")
  private boolean gone;

  /** It may be growing; racy on purpose. */
  private volatile boolean stirred = true;

  /**
   * @param countedBytes as the directory has counted it already
   */
  StagingFile(CacheDirectory directory, long id, int fd, long countedBytes) {
    this.directory = directory;
    this.id = id;
    this.fd = fd;
    this.countedBytes = countedBytes;
    directorySync = directory.staging().nextSync(id);
  }

  /** The number of the cache directory it lies in, which moves with that. */
  public long directoryId() {
    return directory.id();
  }

  /** Its own number: no other file, and no content, ever has it. */
  public long id() {
    return id;
  }

  /**
   * The descriptor, which stays this object's.
   *
   * @throws IllegalStateException where it is closed
   */
  public int fd() {
    int open = fd;
    if (open < 0) {
      throw new IllegalStateException("staging file " + id + " is closed");
    }
    return open;
  }

  public Path path() {
    return directory.staging().path(id);
  }

  /**
   * False while anything but this object has it open or mapped, in this process, another, or the
   * kernel by itself (passthrough); also on a file system that can't tell.
   */
  public boolean isUnused() {
    lock.lock();
    try {
      return fd < 0 ? !DataFiles.isInUse(path()) : !DataFiles.isInUse(fd);
    } finally {
      lock.unlock();
    }
  }

  /**
   * Returns when the file's name is on the device, so that after a power loss {@link
   * Staging#reopen} finds it. Does nothing the second time.
   */
  public void syncDirectory() throws IOException {
    if (!directorySynced) {
      directory.staging().sync(id, directorySync);
      directorySynced = true;
    }
  }

  /** Closes the descriptor; the file stays. */
  @Override
  public void close() throws IOException {
    lock.lock();
    try {
      if (fd >= 0) {
        int open = fd;
        fd = -1;
        LibC.close(open);
      }
    } finally {
      lock.unlock();
    }
  }

  // ---- For Staging

  CacheDirectory directory() {
    return directory;
  }

  boolean isStirred() {
    return stirred;
  }

  /** False where there is no such file any more. */
  boolean reopen() throws ErrnoException {
    lock.lock();
    try {
      if (fd >= 0) {
        throw new IllegalStateException("staging file " + id + " is open already");
      }
      fd = gone ? -1 : directory.staging().open(id);
      stirred = true;
      return fd >= 0;
    } finally {
      lock.unlock();
    }
  }

  /** Counts what it takes on disk now, and nothing that was expected. */
  void refresh() throws ErrnoException {
    lock.lock();
    try {
      expectedBytes = 0;
      count();
    } finally {
      lock.unlock();
    }
  }

  /** The janitor's: counts what it takes, and what is expected unless that is old; the growth. */
  long look() throws ErrnoException {
    lock.lock();
    try {
      if (expectedIsOld) {
        expectedBytes = 0;
      }
      expectedIsOld = true;
      return count();
    } finally {
      lock.unlock();
    }
  }

  private long count() throws ErrnoException {
    lock.lock();
    try {
      if (gone) {
        return 0;
      }
      boolean open = fd >= 0;
      long bytes = open ? LibC.fstat(fd).blocks() * 512 : DataFiles.allocatedBytes(path());
      bytes = Math.max(bytes, expectedBytes);
      long more = bytes - countedBytes;
      if (more != 0) {
        directory.stage(more);
        countedBytes = bytes;
      }
      stirred = more > 0 || expectedBytes > 0;
      return more;
    } finally {
      lock.unlock();
    }
  }

  /**
   * What was reserved will be written at once: counted until the next {@link #refresh}, or for a
   * while.
   */
  void expect(long bytes) {
    lock.lock();
    try {
      if (gone) {
        directory.unreserve(bytes);
      } else {
        directory.stageReserved(bytes);
        countedBytes += bytes;
        expectedBytes = countedBytes;
        expectedIsOld = false;
        stirred = true;
      }
    } finally {
      lock.unlock();
    }
  }

  /** What is counted for it becomes a content's: the caller takes it off the directory. */
  long handOver() {
    lock.lock();
    try {
      long bytes = countedBytes;
      countedBytes = 0;
      gone = true;
      return bytes;
    } finally {
      lock.unlock();
    }
  }

  /** Deletes the file; it counts as held where somebody still has it. */
  void discard() throws IOException {
    lock.lock();
    try {
      if (!gone) {
        boolean unused = isUnused();
        long bytes = handOver();
        if (unused) {
          Files.deleteIfExists(path());
          directory.stage(-bytes);
        } else {
          directory.holdBack(path(), bytes);
        }
      }
      close();
    } finally {
      lock.unlock();
    }
  }
}
