package io.tiermount.fs.fuse.dev;

import io.tiermount.backends.os.Errno;
import io.tiermount.backends.os.ErrnoException;
import io.tiermount.backends.os.LibC;
import io.tiermount.fs.fuse.MountOptions;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Our mount in the kernel's table.
 *
 * @param path canonical
 * @param device "major:minor"; tells our mount from another one made over it
 */
public record MountPoint(Path path, String device) {
  private static final Logger log = LoggerFactory.getLogger(MountPoint.class);
  private static final String TYPE = "fuse.tiermount";

  /** How long a busy mount may go on before its connection is aborted. */
  private static final long GRACE_MILLIS = 2_000;

  /** How long the transport may take to notice that an idle mount is gone. */
  private static final long IDLE_MILLIS = 200;

  /** More dead mounts on one path than a crash loop leaves are not ours to clear. */
  private static final int MAX_DEAD = 16;

  /**
   * Opens /dev/fuse, close-on-exec.
   *
   * @throws IOException that says what to do
   */
  static FuseDevice openDevice() throws IOException {
    try {
      return new FuseDevice(LibC.open("/dev/fuse", LibC.O_RDWR | LibC.O_CLOEXEC, 0));
    } catch (ErrnoException e) {
      String advice =
          switch (e.errno()) {
            case Errno.ENOENT, Errno.ENODEV, Errno.ENXIO ->
                ": load the kernel module (modprobe fuse); in a container add --device /dev/fuse";
            case Errno.EACCES, Errno.EPERM ->
                ": run tiermount as root; in a container allow the device 10:229";
            default -> "";
          };
      throw new IOException(e.getMessage() + advice, e);
    }
  }

  /**
   * Mounts over {@code options.path()}, clearing what a killed daemon of ours left there.
   *
   * @throws IOException that says what to do
   */
  static MountPoint mount(MountOptions options, FuseDevice device) throws IOException {
    Path path = prepare(options.path());
    String data =
        "fd="
            + device.fd()
            + ",rootmode=40000,user_id="
            + LibC.getuid()
            + ",group_id=0,default_permissions"
            + (options.allowOther() ? ",allow_other" : "");
    long flags = LibC.MS_NOSUID | LibC.MS_NODEV | (options.readOnly() ? LibC.MS_RDONLY : 0);
    try {
      LibC.mount(options.source(), path.toString(), TYPE, flags, data);
    } catch (ErrnoException e) {
      String advice =
          switch (e.errno()) {
            case Errno.EPERM, Errno.EACCES ->
                ": mounting needs CAP_SYS_ADMIN. Run tiermount as root, or set fuse.transport ="
                    + " libfuse (which mounts through fusermount)";
            case Errno.ENODEV -> ": the kernel has no FUSE. Load it (modprobe fuse)";
            case Errno.ENOENT -> ": create the directory first (mkdir -p " + path + ")";
            case Errno.ENOTDIR -> ": mount on a directory instead";
            default -> "";
          };
      throw new IOException(e.getMessage() + advice, e);
    }
    return at(path);
  }

  /**
   * The directory to mount on, canonical and cleared of what a killed daemon of ours left there.
   *
   * @throws IOException that says what to do where it can't be mounted on
   */
  public static Path prepare(Path path) throws IOException {
    Path canonical = canonical(path);
    clearDead(canonical);
    return canonical;
  }

  /** The mount of ours that was just made at a canonical path. */
  public static MountPoint at(Path path) throws IOException {
    MountTable.Entry entry = MountTable.topmost(path);
    if (entry == null || !entry.type().equals(TYPE)) {
      throw new IOException("mounted " + path + ", but /proc/self/mountinfo does not show it");
    }
    return new MountPoint(path, entry.device());
  }

  /**
   * The mount of a connection, found without looking at it: nobody answers there yet.
   *
   * @param path for messages
   */
  static MountPoint of(Path path, String device) throws IOException {
    for (MountTable.Entry entry : MountTable.read()) {
      if (entry.device().equals(device) && entry.type().equals(TYPE)) {
        return new MountPoint(Path.of(entry.mountPoint()), device);
      }
    }
    throw new IOException(path + " is no longer mounted");
  }

  /** Not by toRealPath on the directory itself: a dead mount there answers nothing. */
  private static Path canonical(Path path) throws IOException {
    Path absolute = path.toAbsolutePath().normalize();
    Path parent = absolute.getParent();
    Path name = absolute.getFileName();
    if (parent == null || name == null) {
      throw new IOException("cannot mount on " + absolute + ": name a directory below it");
    }
    if (!Files.isDirectory(parent)) {
      throw new IOException(
          "cannot mount on " + path + ": it does not exist. Create it (mkdir -p " + path + ")");
    }
    Path candidate = parent.toRealPath().resolve(name);
    return Files.isSymbolicLink(candidate) ? candidate.toRealPath() : candidate;
  }

  private static void clearDead(Path path) throws IOException {
    for (int i = 0; i < MAX_DEAD; i++) {
      try {
        if (!LibC.stat(path.toString()).isDirectory()) {
          throw new IOException(
              "cannot mount on " + path + ": it is not a directory. Mount on a directory instead");
        }
        MountTable.Entry entry = MountTable.topmost(path);
        if (entry != null && entry.type().equals(TYPE)) {
          throw new IOException(
              path
                  + " is a living tiermount mount of "
                  + entry.source()
                  + " already: unmount it first (umount "
                  + path
                  + ")");
        }
        return;
      } catch (ErrnoException e) {
        MountTable.Entry entry = MountTable.topmost(path);
        boolean ours = entry != null && entry.type().equals(TYPE);
        if (ours && (e.errno() == Errno.ENOTCONN || e.errno() == Errno.ECONNABORTED)) {
          log.warn("{} is a dead mount that a killed daemon left; unmounting it", path);
          LibC.umount2(path.toString(), LibC.MNT_DETACH | LibC.UMOUNT_NOFOLLOW);
        } else {
          throw new IOException("cannot mount on " + path + ": " + advice(path, e), e);
        }
      }
    }
    throw new IOException(
        path + " lies under too many dead mounts: unmount them (umount -l " + path + ")");
  }

  private static String advice(Path path, ErrnoException e) {
    return switch (e.errno()) {
      case Errno.ENOENT -> "it does not exist. Create it (mkdir -p " + path + ")";
      case Errno.ENOTCONN ->
          "a file system of another program is mounted there and dead. Unmount it (umount -l "
              + path
              + ")";
      default -> String.valueOf(e.getMessage());
    };
  }

  /** True while the path shows our mount and no other. */
  boolean isMounted() {
    try {
      MountTable.Entry entry = MountTable.topmost(path);
      return entry != null && entry.device().equals(device);
    } catch (IOException e) {
      log.warn("Reading the mount table failed; taking {} as mounted", path, e);
      return true;
    }
  }

  /**
   * umount2(2).
   *
   * @return false where it is busy
   */
  boolean unmount(int flags) {
    if (!isMounted()) {
      return true;
    }
    try {
      LibC.umount2(path.toString(), flags | LibC.UMOUNT_NOFOLLOW);
      return true;
    } catch (ErrnoException e) {
      if (e.errno() == Errno.EINVAL || e.errno() == Errno.ENOENT) {
        return true; // somebody else was faster
      }
      if (e.errno() != Errno.EBUSY) {
        log.warn("{}: {}", path, e.getMessage());
      }
      return false;
    }
  }

  /** Sets the kernel's read-ahead on this mount; where that fails it stays at 128 KiB. */
  void setReadAhead(long readAheadBytes) {
    Path file = Path.of("/sys/class/bdi", device, "read_ahead_kb");
    try {
      Files.writeString(file, readAheadBytes / 1024 + "\n", StandardCharsets.US_ASCII);
    } catch (IOException e) {
      log.warn(
          "Read-ahead of {} stays at the kernel's default, sequential reads will be slower: {}",
          path,
          e.toString());
    }
  }

  /** Tells whether the transport has seen the end of the connection. */
  @FunctionalInterface
  public interface End {
    /** Waits for it. */
    boolean await(long timeoutMillis);
  }

  /**
   * Unmounts. An idle mount goes at once. A busy one leaves the tree, and after the grace its
   * connection is aborted: whoever still waits gets ENOTCONN or ECONNABORTED.
   *
   * @param fuseControl where fusectl is mounted, if it is
   */
  public void end(Path fuseControl, End end) {
    if (unmount(0) && end.await(IDLE_MILLIS)) {
      return;
    }
    unmount(LibC.MNT_DETACH);
    if (end.await(GRACE_MILLIS)) {
      return;
    }
    log.warn("{} is still in use after {} ms; aborting it", path, GRACE_MILLIS);
    try {
      new FuseControl(fuseControl).abort(device);
    } catch (IOException e) {
      log.error("{} could not be aborted; what uses it hangs", path, e);
    }
  }
}
