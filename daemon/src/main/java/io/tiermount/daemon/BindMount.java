package io.tiermount.daemon;

import io.tiermount.backends.os.Errno;
import io.tiermount.backends.os.ErrnoException;
import io.tiermount.backends.os.LibC;
import io.tiermount.daemon.admin.AdminApi.CacheResult;
import io.tiermount.daemon.config.MountConfig;
import io.tiermount.daemon.config.SourceConfig;
import io.tiermount.fs.fuse.Connection;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A local directory, mounted by the kernel alone: nothing is faster. nosuid and nodev always. */
final class BindMount implements MountDriver {
  private static final Logger log = LoggerFactory.getLogger(BindMount.class);

  /** linux/mount.h: changes the flags of a mount. */
  private static final long MS_REMOUNT = 32;

  private final Path directory;
  private final Path path;
  private final boolean readOnly;

  BindMount(Path directory, Path path, boolean readOnly) {
    this.directory = directory;
    this.path = path;
    this.readOnly = readOnly;
  }

  @Override
  public void start() throws IOException {
    if (!Files.exists(directory)) {
      Path made = Files.createDirectories(directory);
      // Every user of the node may use it, as /tmp; a directory that exists keeps its mode. The
      // sticky bit has no place in the JDK's permissions.
      Files.setAttribute(made, "unix:mode", 01777);
    }
    if (!Files.isDirectory(directory)) {
      throw new IOException(directory + " is not a directory: correct the mount's source");
    }
    try {
      LibC.mount(directory.toString(), path.toString(), "none", LibC.MS_BIND, null);
    } catch (ErrnoException e) {
      if (e.errno() == Errno.EPERM) {
        throw new IOException(
            "bind mount of %s on %s is not permitted: run the daemon as root (CAP_SYS_ADMIN)"
                .formatted(directory, path),
            e);
      }
      throw e;
    }
    try {
      // The first call takes no other flags (mount(2)): they need a second one.
      long flags = MS_REMOUNT | LibC.MS_BIND | LibC.MS_NOSUID | LibC.MS_NODEV;
      LibC.mount("none", path.toString(), "none", readOnly ? flags | LibC.MS_RDONLY : flags, null);
    } catch (ErrnoException e) {
      stop(Duration.ZERO);
      throw e;
    }
  }

  @Override
  public void resume(@Nullable Connection connection) {
    // The kernel alone carries it.
  }

  @Override
  public @Nullable Connection connection() {
    return null;
  }

  @Override
  public boolean canBeLeft() {
    return true;
  }

  @Override
  public void leave() {}

  @Override
  public void stop(Duration deadline) {
    try {
      LibC.umount2(path.toString(), LibC.UMOUNT_NOFOLLOW);
    } catch (ErrnoException e) {
      if (e.errno() == Errno.EINVAL || e.errno() == Errno.ENOENT) {
        return; // somebody unmounted it already
      }
      try {
        // Busy: gone from the tree now, from the kernel at the last use. No data is the daemon's.
        LibC.umount2(path.toString(), LibC.MNT_DETACH | LibC.UMOUNT_NOFOLLOW);
      } catch (ErrnoException again) {
        log.error("{} could not be unmounted: run umount -l {}", path, path, again);
      }
    }
  }

  @Override
  public boolean change(MountConfig next) {
    return next.source() instanceof SourceConfig.LocalDirectory local
        && local.directory().equals(directory)
        && next.volume().readOnly() == readOnly;
  }

  @Override
  public @Nullable String release(Duration deadline) {
    return Unmount.unlessBusy(path);
  }

  @Override
  public boolean cached() {
    return false;
  }

  @Override
  public CacheResult evict(Path inside) {
    return new CacheResult(0, 0, List.of());
  }

  @Override
  public Report report() {
    return new Report(
        "bind", false, "a bind mount needs none: it is the directory itself", null, Map.of());
  }
}
