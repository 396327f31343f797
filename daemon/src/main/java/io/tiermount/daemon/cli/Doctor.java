package io.tiermount.daemon.cli;

import io.tiermount.backends.os.ErrnoException;
import io.tiermount.backends.os.FsStat;
import io.tiermount.backends.os.LibC;
import io.tiermount.daemon.config.MountConfig;
import io.tiermount.daemon.config.TiermountConfig;
import io.tiermount.fs.cache.CacheOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Looks at a machine and says what mounts on it will and won't be able to do.
 *
 * @param root normally "/"; tests show another one
 */
record Doctor(Path root, Program program) {
  /** How bad it is. */
  enum Level {
    OK,
    /** It works, with less. */
    WARN,
    /** It does not work. */
    FAIL
  }

  /**
   * One thing looked at.
   *
   * @param advice what to do; "" where nothing is
   */
  record Finding(String check, Level level, String found, String advice) {}

  /** include/uapi/linux/capability.h. */
  private static final int CAP_SYS_ADMIN = 21;

  private static final Pattern KERNEL = Pattern.compile("(\\d+)\\.(\\d+).*", Pattern.DOTALL);
  private static final List<String> LIBRARY_DIRECTORIES =
      List.of(
          "lib/x86_64-linux-gnu",
          "usr/lib/x86_64-linux-gnu",
          "lib/aarch64-linux-gnu",
          "usr/lib/aarch64-linux-gnu",
          "lib64",
          "usr/lib64",
          "lib",
          "usr/lib",
          "usr/local/lib");

  /** The machine alone. */
  List<Finding> machine() {
    return List.of(kernel(), fuseDevice(), capabilities(), libfuse(), java());
  }

  /** What a configuration needs beyond it. */
  List<Finding> configured(TiermountConfig config) {
    List<Finding> findings = new ArrayList<>();
    for (CacheOptions.Directory directory : config.cache().directories()) {
      findings.add(cacheDisk(directory.path(), config.cache().minFreeBytes()));
    }
    for (MountConfig mount : config.mounts()) {
      findings.add(store(mount));
    }
    return findings;
  }

  Finding kernel() {
    String release = read("proc/sys/kernel/osrelease").strip();
    Matcher version = KERNEL.matcher(release);
    if (!version.matches()) {
      return new Finding("kernel", Level.WARN, "unknown: " + release, "Linux 6.9 or later is best");
    }
    int number = Integer.parseInt(version.group(1)) * 1000 + Integer.parseInt(version.group(2));
    if (number >= 6009) {
      return new Finding("kernel", Level.OK, "Linux " + release, "");
    }
    String lacks = "Linux " + release + " has no FUSE passthrough";
    return number >= 5004
        ? new Finding(
            "kernel",
            Level.WARN,
            lacks,
            "cached files are served by the daemon; Linux 6.9 or later reads them at disk speed")
        : new Finding("kernel", Level.FAIL, lacks, "Linux 5.4 or later is needed");
  }

  Finding fuseDevice() {
    Path device = root.resolve("dev/fuse");
    if (!Files.exists(device)) {
      return new Finding(
          "/dev/fuse",
          Level.FAIL,
          "missing",
          "run modprobe fuse; in a container, give it the device: --device /dev/fuse");
    }
    return Files.isReadable(device) && Files.isWritable(device)
        ? new Finding("/dev/fuse", Level.OK, "can be opened", "")
        : new Finding(
            "/dev/fuse",
            Level.FAIL,
            "not permitted",
            "run as root, or chmod 666 /dev/fuse (most distributions do)");
  }

  Finding capabilities() {
    String effective =
        read("proc/self/status")
            .lines()
            .filter(line -> line.startsWith("CapEff:"))
            .map(line -> line.substring(7).strip())
            .findFirst()
            .orElse("0");
    boolean admin = (Long.parseUnsignedLong(effective, 16) >> CAP_SYS_ADMIN & 1) == 1;
    return admin
        ? new Finding("capabilities", Level.OK, "CAP_SYS_ADMIN", "")
        : new Finding(
            "capabilities",
            Level.WARN,
            "no CAP_SYS_ADMIN",
            "no bind mounts and no passthrough: run the daemon as root; in a container, add --cap-add"
                + " SYS_ADMIN");
  }

  Finding libfuse() {
    Optional<Path> library =
        LIBRARY_DIRECTORIES.stream()
            .map(directory -> root.resolve(directory).resolve("libfuse.so.2"))
            .filter(Files::exists)
            .findFirst();
    return library.isPresent()
        ? new Finding("libfuse 2", Level.OK, library.get().toString(), "")
        : new Finding(
            "libfuse 2",
            Level.WARN,
            "missing",
            "only fuse.transport = libfuse needs it: apt-get install libfuse2");
  }

  Finding java() {
    return Runtime.version().feature() >= 25
        ? new Finding("Java", Level.OK, Runtime.version().toString(), "")
        : new Finding("Java", Level.FAIL, Runtime.version().toString(), "JDK 25 is needed");
  }

  Finding cacheDisk(Path directory, long minFreeBytes) {
    String check = "cache " + directory;
    Path there = directory.toAbsolutePath();
    while (!Files.exists(there) && there.getParent() != null) {
      there = there.getParent();
    }
    FsStat stat;
    try {
      stat = LibC.statfs(there.toString());
    } catch (ErrnoException e) {
      return new Finding(check, Level.FAIL, String.valueOf(e.getMessage()), "mount its disk first");
    }
    if (!Files.isWritable(there)) {
      return new Finding(
          check,
          Level.FAIL,
          there + " is not writable",
          "run as root, or choose another directory");
    }
    long freeBytes = stat.availableBlocks() * stat.blockSizeBytes();
    if (freeBytes < minFreeBytes) {
      return new Finding(
          check,
          Level.WARN,
          Amounts.bytes(freeBytes) + " free",
          "min_free_bytes is " + Amounts.bytes(minFreeBytes) + ": nothing will be cached");
    }
    return cacheFileSystem(check, stat.type(), Amounts.bytes(freeBytes) + " free");
  }

  /** Passthrough needs a file system that is not stacked itself (fs/fuse/passthrough.c). */
  static Finding cacheFileSystem(String check, long magic, String free) {
    if (magic == FsStat.OVERLAYFS_MAGIC) {
      return new Finding(
          check,
          Level.WARN,
          "overlayfs, " + free,
          "passthrough may not work on it: put the cache on a disk's own file system (ext4, xfs), in"
              + " a container on a volume");
    }
    if (magic == FsStat.NFS_MAGIC || magic == FsStat.FUSE_MAGIC) {
      return new Finding(
          check,
          Level.WARN,
          (magic == FsStat.NFS_MAGIC ? "NFS, " : "FUSE, ") + free,
          "a cache belongs on a local disk");
    }
    if (magic == FsStat.TMPFS_MAGIC) {
      return new Finding(
          check,
          Level.WARN,
          "tmpfs, " + free,
          "it takes memory, and is empty after a restart of the machine");
    }
    String name =
        Stream.of(
                "ext4:" + FsStat.EXT4_MAGIC,
                "xfs:" + FsStat.XFS_MAGIC,
                "btrfs:" + FsStat.BTRFS_MAGIC)
            .filter(each -> each.endsWith(":" + magic))
            .map(each -> each.substring(0, each.indexOf(':')))
            .findFirst()
            .orElse("file system 0x" + Long.toHexString(magic));
    return new Finding(check, Level.OK, name + ", " + free, "");
  }

  Finding store(MountConfig mount) {
    String check = "store " + mount.name();
    try {
      return new Finding(check, Level.OK, program.probe(mount), "");
    } catch (IOException e) {
      return new Finding(
          check,
          Level.FAIL,
          mount.source().url() + ": " + e.getMessage(),
          "the mount comes up without it, and works once the store does");
    }
  }

  private String read(String file) {
    try {
      return Files.readString(root.resolve(file));
    } catch (IOException e) {
      return "";
    }
  }
}
