package io.tiermount.fs.cache;

import java.util.concurrent.TimeUnit;

/**
 * How often a random test does its thing: a few times with every change, for long under {@code
 * scripts/soak}.
 */
final class Rounds {
  private final int atLeast;
  private final long untilNanos;
  private int done;

  private Rounds(int atLeast, long minutes) {
    this.atLeast = atLeast;
    untilNanos = System.nanoTime() + TimeUnit.MINUTES.toNanos(minutes);
  }

  static Rounds of(int count) {
    return new Rounds(count, 0);
  }

  /** So many, and on until {@code tiermount.soak.minutes} (none where not set) are over. */
  static Rounds soak(int atLeast) {
    return new Rounds(atLeast, Long.getLong("tiermount.soak.minutes", 0));
  }

  /** True where another round begins. */
  boolean next() {
    return done++ < atLeast || System.nanoTime() - untilNanos < 0;
  }

  @Override
  public String toString() {
    return "round " + done;
  }
}
