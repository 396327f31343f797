package io.tiermount.fs.meta;

import io.tiermount.backends.os.LibC;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A file of allocated space, given up when the disk is full so that a store can still write. */
final class Ballast {
  private final Path file;
  private final long sizeBytes;

  Ballast(Path file, long sizeBytes) {
    this.file = file;
    this.sizeBytes = sizeBytes;
  }

  /** Allocates it where it is missing and the disk has four times its size left. */
  void load() {
    try {
      if (Files.exists(file) && Files.size(file) >= sizeBytes) {
        return;
      }
      if (Files.getFileStore(file.getParent()).getUsableSpace() < 4 * sizeBytes) {
        return;
      }
      int flags = LibC.O_CREAT | LibC.O_RDWR | LibC.O_CLOEXEC;
      int fd = LibC.open(file.toString(), flags, 0600);
      try {
        LibC.fallocate(fd, 0, 0, sizeBytes);
      } finally {
        LibC.close(fd);
      }
    } catch (IOException e) {
      // No space, or a file system without fallocate: then there is no ballast, as if it was used.
      release();
    }
  }

  /** Gives the space back; false where there was none. */
  boolean release() {
    try {
      return Files.deleteIfExists(file);
    } catch (IOException e) {
      return false;
    }
  }
}
