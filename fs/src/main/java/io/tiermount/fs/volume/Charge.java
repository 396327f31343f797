package io.tiermount.fs.volume;

/** What of a local file is charged to its mount's quota; guarded by {@link Quota}. */
final class Charge {
  /** Read without the lock by those who only want to know that nothing grows. */
  private volatile long bytes;

  /** It counts as an object. */
  boolean counted;

  /** Its name is gone: it counts for nothing, whatever is still written to it. */
  boolean gone;

  /** Writes under way for which room was taken and that the data file may not show yet. */
  int growing;

  Charge(long bytes, boolean counted) {
    this.bytes = bytes;
    this.counted = counted;
  }

  long bytes() {
    return bytes;
  }

  void bytes(long now) {
    bytes = now;
  }
}
