package io.tiermount.fs.fuse.dev;

import io.tiermount.backends.os.Errno;
import io.tiermount.backends.os.ErrnoException;
import io.tiermount.backends.os.LibC;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The descriptor of /dev/fuse. The number is given back to the system only when the last call on it
 * has returned: an answer that comes long after the unmount must not reach a stranger's file.
 */
final class FuseDevice {
  private static final Logger log = LoggerFactory.getLogger(FuseDevice.class);

  private final int fd;
  private final AtomicBoolean closed = new AtomicBoolean();
  private volatile boolean muted;

  /** Calls under way, and one for being open; 0 once the descriptor is gone. */
  private final AtomicInteger users = new AtomicInteger(1);

  FuseDevice(int fd) {
    this.fd = fd;
  }

  /** For mount(2) and for handing the descriptor over; valid while this is open. */
  int fd() {
    return fd;
  }

  /** read(2): one request, or -errno; -ENODEV after {@link #close}. */
  long read(MemorySegment target) {
    if (!enter()) {
      return -Errno.ENODEV;
    }
    try {
      return LibC.read(fd, target.address(), target.byteSize());
    } finally {
      leave();
    }
  }

  /** Nothing is written any more: answers are a successor's business. */
  void mute() {
    muted = true;
  }

  /** write(2): one whole answer or notification, or -errno; -ENODEV after {@link #close}. */
  long write(MemorySegment frame, int lengthBytes) {
    if (muted || !enter()) {
      return -Errno.ENODEV;
    }
    try {
      return LibC.write(fd, frame.address(), lengthBytes);
    } finally {
      leave();
    }
  }

  /**
   * ioctl(2).
   *
   * @throws ErrnoException ENODEV after {@link #close}
   */
  int ioctl(long request, MemorySegment argument) throws ErrnoException {
    if (!enter()) {
      throw new ErrnoException("ioctl on an unmounted file system", Errno.ENODEV);
    }
    try {
      return LibC.ioctl(fd, request, argument);
    } finally {
      leave();
    }
  }

  /** No call from here on; the kernel aborts the connection when the descriptor goes. */
  void close() {
    if (closed.compareAndSet(false, true)) {
      leave();
    }
  }

  boolean isClosed() {
    return closed.get();
  }

  private boolean enter() {
    while (true) {
      int n = users.get();
      if (n == 0 || closed.get()) {
        return false;
      }
      if (users.compareAndSet(n, n + 1)) {
        return true;
      }
    }
  }

  private void leave() {
    if (users.decrementAndGet() == 0) {
      try {
        LibC.close(fd);
      } catch (ErrnoException e) {
        log.warn("Closing /dev/fuse failed; nothing to do about it: {}", e.getMessage());
      }
    }
  }
}
