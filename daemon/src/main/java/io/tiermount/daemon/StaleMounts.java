package io.tiermount.daemon;

import io.tiermount.backends.os.Errno;
import io.tiermount.backends.os.ErrnoException;
import io.tiermount.backends.os.LibC;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Clears what a dead daemon left mounted: recorded bind mounts, and FUSE mounts whose daemon is
 * gone (ENOTCONN). Runs under the cache directory's lock, so that the recorded ones have no living
 * owner. What a keeper held for this process is no business of it.
 */
final class StaleMounts {
  private static final Logger log = LoggerFactory.getLogger(StaleMounts.class);

  /** The kernel's name of our mounts' type. */
  static final String FUSE_TYPE = "fuse.tiermount";

  private static final int MAX_STACKED = 32;

  private final MountTable table;
  private final MountRecord record;

  StaleMounts(MountTable table, MountRecord record) {
    this.table = table;
    this.record = record;
  }

  /** Everything the dead daemon recorded. Failures are logged: the mount itself will say more. */
  void clearRecorded() {
    clearRecorded(Set.of());
  }

  /**
   * The same.
   *
   * @param but those that this process goes on with: nobody may look at them before it does
   */
  void clearRecorded(Set<Path> but) {
    for (Map.Entry<String, String> mount : record.mounts().entrySet()) {
      Path path = Path.of(mount.getKey());
      if (but.contains(path)) {
        continue;
      }
      try {
        Optional<MountTable.Entry> top = table.at(path);
        if (top.isPresent() && isOurs(top.get(), mount.getValue())) {
          detach(path);
          log.info("cleared {}, which a dead daemon left mounted", path);
        }
        record.remove(path);
      } catch (IOException e) {
        log.warn("{} could not be cleared: run umount -l {}", path, path, e);
      }
    }
  }

  /**
   * Makes way at a path that is about to be mounted.
   *
   * @throws IOException where a living daemon's mount is there
   */
  void clear(Path path) throws IOException {
    for (int i = 0; i < MAX_STACKED; i++) {
      Optional<MountTable.Entry> top = table.at(path);
      if (top.isEmpty() || !isTiermount(top.get())) {
        return;
      }
      if (isAlive(path)) {
        throw new IOException(
            path
                + " is already mounted by tiermount from "
                + top.get().source()
                + ": unmount it first (tiermount umount "
                + path
                + ")");
      }
      detach(path);
      log.info("cleared {}, whose daemon is gone", path);
    }
    throw new IOException(path + " has dead mounts on top of each other: run umount -l " + path);
  }

  /** Clears dead mounts of tiermount at a path; false where there is none. Needs no lock. */
  static boolean clearDead(MountTable table, Path path) throws IOException {
    boolean cleared = false;
    for (int i = 0; i < MAX_STACKED; i++) {
      Optional<MountTable.Entry> top = table.at(path);
      if (top.isEmpty() || !isTiermount(top.get()) || isAlive(path)) {
        return cleared;
      }
      detach(path);
      cleared = true;
    }
    return cleared;
  }

  private static boolean isTiermount(MountTable.Entry entry) {
    // libfuse 2 without a subtype says plain fuse; its source is what tells.
    return entry.type().equals(FUSE_TYPE)
        || (entry.type().equals("fuse") && entry.source().startsWith("tiermount"));
  }

  private static boolean isOurs(MountTable.Entry entry, String recorded) {
    if (isTiermount(entry)) {
      return !isAlive(entry.path());
    }
    // A bind mount shows the directory as seen from its own file system's root.
    Path root = Path.of("/").relativize(Path.of(entry.root()));
    return root.toString().isEmpty() || Path.of(recorded).endsWith(root);
  }

  /** A dead daemon's mount gives ENOTCONN at once; an unsure answer counts as alive. */
  private static boolean isAlive(Path path) {
    try {
      LibC.statfs(path.toString());
      return true;
    } catch (ErrnoException e) {
      return e.errno() != Errno.ENOTCONN && e.errno() != Errno.ECONNABORTED;
    }
  }

  /** Takes a mount of ours out of the tree, whoever uses it. */
  void detachMount(Path path) throws IOException {
    detach(path);
    record.remove(path);
  }

  private static void detach(Path path) throws IOException {
    try {
      LibC.umount2(path.toString(), LibC.MNT_DETACH | LibC.UMOUNT_NOFOLLOW);
    } catch (ErrnoException e) {
      if (e.errno() != Errno.EINVAL) {
        throw e;
      }
    }
  }
}
