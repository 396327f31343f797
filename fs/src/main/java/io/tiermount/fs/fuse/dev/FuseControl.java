package io.tiermount.fs.fuse.dev;

import io.tiermount.backends.os.LibC;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The fusectl file system (Documentation/filesystems/fuse): one directory per connection, named by
 * the mount's minor device number. systemd mounts it on /sys/fs/fuse/connections; in containers and
 * on small systems nobody does.
 */
final class FuseControl {
  private final Path directory;

  /**
   * @param directory where fusectl is mounted, if it is
   */
  FuseControl(Path directory) {
    this.directory = directory;
  }

  /**
   * Ends a connection, whoever still uses it in whichever mount namespace: requests fail with
   * ECONNABORTED, the readers with ENODEV.
   *
   * @param device "major:minor"
   */
  void abort(String device) throws IOException {
    String connection = device.substring(device.indexOf(':') + 1);
    if (Files.exists(directory.resolve(connection))) {
      abort(directory, connection);
      return;
    }
    Path own = Files.createTempDirectory("tiermount-fusectl");
    try {
      LibC.mount("fusectl", own.toString(), "fusectl", LibC.MS_NOSUID | LibC.MS_NODEV, null);
      try {
        abort(own, connection);
      } finally {
        LibC.umount2(own.toString(), LibC.MNT_DETACH | LibC.UMOUNT_NOFOLLOW);
      }
    } finally {
      Files.delete(own);
    }
  }

  private static void abort(Path directory, String connection) throws IOException {
    Files.writeString(
        directory.resolve(connection).resolve("abort"), "1", StandardCharsets.US_ASCII);
  }
}
