package io.tiermount.daemon;

import java.time.Duration;
import java.util.Collection;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Waits for mounts that are being ended. */
final class MountEnds {
  private static final Logger log = LoggerFactory.getLogger(MountEnds.class);

  private MountEnds() {}

  static void await(Collection<CompletableFuture<Void>> ends, Duration deadline) {
    try {
      // A driver ends by itself; the extra second is for its last system calls.
      CompletableFuture.allOf(ends.toArray(CompletableFuture[]::new))
          .get(deadline.toMillis() + 1000, TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      log.error(
          "not all mounts stopped within {} s; what is left is cut off", deadline.toSeconds());
    } catch (ExecutionException e) {
      log.error("a mount could not be stopped", e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
