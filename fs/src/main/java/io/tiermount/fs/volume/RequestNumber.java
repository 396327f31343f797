package io.tiermount.fs.volume;

import java.io.IOException;

/**
 * The kernel's number of the request that a change is made for. It is journalled with the change,
 * so that a successor of this process, to which the kernel sends the same request again, knows what
 * has happened already.
 */
public final class RequestNumber {
  private static final ScopedValue<Long> CURRENT = ScopedValue.newInstance();

  private RequestNumber() {}

  /** Makes a change. */
  public interface Work<T> {
    T run() throws IOException;
  }

  /**
   * Runs work for a request.
   *
   * @param number 0 for none: nothing is journalled of it
   */
  public static <T> T carry(long number, Work<T> work) throws IOException {
    return number == 0 ? work.run() : ScopedValue.where(CURRENT, number).call(work::run);
  }

  /** Of the request that this thread works for; 0 for none. */
  static long current() {
    return CURRENT.isBound() ? CURRENT.get() : 0;
  }
}
