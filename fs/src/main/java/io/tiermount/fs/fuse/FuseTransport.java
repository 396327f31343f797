package io.tiermount.fs.fuse;

import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Carries requests between the kernel and a {@link FuseHandler}. */
public interface FuseTransport extends AutoCloseable {
  /** "dev" or "libfuse", as status shows it. */
  String name();

  /**
   * Mounts and serves. When it returns, the mount answers.
   *
   * @throws IOException with what failed, on which path, and what to do
   */
  KernelCache start(MountOptions options, FuseHandler handler) throws IOException;

  /**
   * Goes on with a mount that an earlier process of ours made and left: neither mounts nor
   * negotiates, and asks the kernel to send again what that process had not answered. The
   * connection's descriptor is the transport's from here on.
   *
   * @throws IOException where that mount is no longer there, or this transport can't
   */
  default KernelCache resume(MountOptions options, Connection connection, FuseHandler handler)
      throws IOException {
    throw new IOException("the " + name() + " transport can't take a mount over");
  }

  /** What a successor needs; null where none can take this mount over. */
  default @Nullable Connection connection() {
    return null;
  }

  /**
   * Stops serving without unmounting: requests under way get a little time, and what is not
   * answered by then is never answered by this process. The handler is told nothing.
   */
  default void leave(long graceMillis) {
    close();
  }

  /**
   * Unmounts (lazily where it is busy) and ends all threads; always returns, within seconds.
   * Requests under way are answered or aborted. Idempotent.
   */
  @Override
  void close();

  /** How many requests have been under way for longer than that; 0 where it can't be told. */
  default int stuckRequests(Duration longerThan) {
    return 0;
  }

  /**
   * Interrupts the handlers of such requests, whose callers get EIO once they answer.
   *
   * @return how many were told so for the first time
   */
  default int endStuckRequests(Duration longerThan) {
    return 0;
  }

  /** Requests seen by opcode name (LOOKUP, READ, …): what the tests and status count by. */
  Map<String, Long> requestCounts();
}
