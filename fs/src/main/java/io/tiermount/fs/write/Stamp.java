package io.tiermount.fs.write;

import io.tiermount.backends.os.ErrnoException;
import io.tiermount.backends.os.FileStat;
import io.tiermount.backends.os.LibC;

/**
 * A data file as it was: equal stamps mean equal content. Writes through the kernel (passthrough,
 * mappings) are seen by nothing else. Linux gives a file that was asked for its times a new one at
 * its next change (multigrain timestamps, 6.13); before that two changes within one tick look
 * alike.
 */
public record Stamp(long sizeBytes, long mtimeNanos, long ctimeNanos) {
  /** No file has it. */
  public static final Stamp NONE = new Stamp(-1, 0, 0);

  static Stamp of(int fd) throws ErrnoException {
    FileStat stat = LibC.fstat(fd);
    return new Stamp(stat.sizeBytes(), stat.mtimeNanos(), stat.ctimeNanos());
  }
}
