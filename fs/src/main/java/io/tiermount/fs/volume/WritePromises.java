package io.tiermount.fs.volume;

import io.tiermount.fs.write.Slots;
import io.tiermount.fs.write.WriteOptions;

/** What a mount promises about writes now: times and counts change while it is mounted. */
final class WritePromises {
  private final Slots workers;
  private volatile WriteOptions now;

  WritePromises(WriteOptions options) {
    this.now = options;
    this.workers = new Slots(options.uploadThreads());
  }

  /** As many as there are upload threads. */
  Slots workers() {
    return workers;
  }

  WriteOptions now() {
    return now;
  }

  /**
   * Others, from the next call on.
   *
   * @throws IllegalArgumentException where the durability differs: that takes a new volume
   */
  void change(WriteOptions next) {
    if (next.durability() != now.durability()) {
      throw new IllegalArgumentException("durability does not change under open files");
    }
    now = next;
    workers.resize(next.uploadThreads());
  }
}
