package io.tiermount.backends.s3;

import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.DoubleSupplier;

/**
 * What tests set and nobody else: limits of the service that are too large to reach, waiting, and
 * chance.
 *
 * @param maxCopyBytes largest object that one CopyObject takes; above it the copy is multipart
 * @param copyPartBytes size of one UploadPartCopy (larger where 10,000 would not be enough)
 * @param pause how back-off waits
 * @param random jitter, 0 (inclusive) to 1 (exclusive), from any thread
 */
record S3Tuning(long maxCopyBytes, long copyPartBytes, Pause pause, DoubleSupplier random) {
  /** Waits; ends early only by an interrupt. */
  @FunctionalInterface
  interface Pause {
    void sleep(Duration duration) throws InterruptedException;
  }

  /** S3's own: CopyObject takes 5 GiB; parts of 256 MiB keep one request within seconds. */
  static final S3Tuning SERVICE =
      new S3Tuning(
          5L << 30, 256L << 20, Thread::sleep, () -> ThreadLocalRandom.current().nextDouble());
}
