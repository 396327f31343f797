package io.tiermount.backends.s3;

import java.time.Duration;
import java.util.function.DoubleSupplier;

/**
 * Delays between tries: the one before retry n is {@code base × 2^(n−1)} and up to as much again by
 * chance, never above {@link #CAP}.
 */
record Backoff(Duration base, DoubleSupplier random) {
  static final Duration CAP = Duration.ofSeconds(20);

  Duration delay(int retry) {
    double least = base.toNanos() * Math.pow(2, retry - 1);
    double nanos = least * (1 + random.getAsDouble());
    return nanos >= CAP.toNanos() ? CAP : Duration.ofNanos((long) nanos);
  }
}
