package io.tiermount.backends.os;

import java.io.IOException;

/** A system call failed. */
public final class ErrnoException extends IOException {
  private static final long serialVersionUID = 1L;

  private final int errno;

  /**
   * @param call as in "open(/x)"
   * @param errno positive
   */
  public ErrnoException(String call, int errno) {
    super(call + ": " + Errno.name(errno) + " (" + Errno.text(errno) + ")");
    this.errno = errno;
  }

  /** One of {@link Errno}'s, positive. */
  public int errno() {
    return errno;
  }
}
