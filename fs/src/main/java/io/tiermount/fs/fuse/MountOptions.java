package io.tiermount.fs.fuse;

import java.nio.file.Path;

/**
 * How a transport mounts.
 *
 * @param path an existing directory
 * @param source shown in /proc/mounts; no secrets
 * @param readAheadBytes the kernel's read-ahead on this mount
 * @param passthrough ask the kernel for FUSE_PASSTHROUGH
 * @param threads reader threads; 0 for twice the cores
 * @param acl the kernel asks for POSIX ACLs (FUSE_POSIX_ACL) and keeps to them
 */
public record MountOptions(
    Path path,
    String source,
    boolean readOnly,
    boolean allowOther,
    long readAheadBytes,
    boolean passthrough,
    int threads,
    boolean acl) {
  /** Without ACLs. */
  public MountOptions(
      Path path,
      String source,
      boolean readOnly,
      boolean allowOther,
      long readAheadBytes,
      boolean passthrough,
      int threads) {
    this(path, source, readOnly, allowOther, readAheadBytes, passthrough, threads, false);
  }
}
