package io.tiermount.backends.local;

import io.tiermount.backends.StoreException;
import io.tiermount.backends.os.Errno;
import io.tiermount.backends.os.ErrnoException;
import io.tiermount.backends.os.LibC;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.IntStream;

/**
 * Orders the writers of one key: threads of this process by a lock of Java, processes by flock(2)
 * on one of 256 files. A killed process holds nothing.
 */
final class KeyLocks {
  private static final int COUNT = 256;
  private static final int HEX = 16;
  private static final Duration DEADLINE = Duration.ofSeconds(30);
  private static final long FIRST_PAUSE_MICROS = 50;
  private static final long LONGEST_PAUSE_MICROS = 20_000;
  private static final int PRIVATE_FILE = 0600;

  private final InternalFiles files;
  private final List<ReentrantLock> ours =
      IntStream.range(0, COUNT).mapToObj(_ -> new ReentrantLock()).toList();

  KeyLocks(InternalFiles files) {
    this.files = files;
  }

  /** A key that nobody else writes until this is closed, by the same thread. */
  interface Held extends AutoCloseable {
    @Override
    void close();
  }

  /**
   * Takes the key.
   *
   * @throws StoreException {@code TIMEOUT} where another process holds it for 30 s
   * @throws InterruptedException where the caller gave up
   */
  Held take(String key) throws ErrnoException, StoreException, InterruptedException {
    String name = AttributeFiles.hash(key).substring(0, 2);
    ReentrantLock lock = ours.get(Integer.parseInt(name, HEX));
    long deadline = System.nanoTime() + DEADLINE.toNanos();
    if (!lock.tryLock(DEADLINE.toNanos(), TimeUnit.NANOSECONDS)) {
      throw timeout(key);
    }
    Descriptors descriptors = new Descriptors();
    boolean taken = false;
    try {
      int flags = LibC.O_RDWR | LibC.O_CREAT;
      int fd = descriptors.open(files.locks(descriptors), name, flags, PRIVATE_FILE);
      waitFor(fd, key, deadline);
      taken = true;
      return () -> {
        descriptors.close();
        lock.unlock();
      };
    } finally {
      if (!taken) {
        descriptors.close();
        lock.unlock();
      }
    }
  }

  /** Asks again instead of blocking in the call, which could be neither interrupted nor timed. */
  private static void waitFor(int fd, String key, long deadline)
      throws ErrnoException, StoreException, InterruptedException {
    long pauseMicros = FIRST_PAUSE_MICROS;
    while (true) {
      try {
        LibC.flock(fd, LibC.LOCK_EX | LibC.LOCK_NB);
        return;
      } catch (ErrnoException e) {
        if (e.errno() != Errno.EAGAIN) {
          throw e;
        }
      }
      if (System.nanoTime() > deadline) {
        throw timeout(key);
      }
      TimeUnit.MICROSECONDS.sleep(pauseMicros);
      pauseMicros = Math.min(LONGEST_PAUSE_MICROS, pauseMicros * 2);
    }
  }

  private static StoreException timeout(String key) {
    return new StoreException(
        StoreException.Kind.TIMEOUT,
        key,
        "can't write '"
            + key
            + "': another process held its lock in .tiermount/locks for "
            + DEADLINE.toSeconds()
            + " s; see which with lsof");
  }
}
