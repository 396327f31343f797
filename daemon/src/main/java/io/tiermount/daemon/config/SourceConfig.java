package io.tiermount.daemon.config;

import io.tiermount.backends.s3.S3Options;
import java.nio.file.Path;

/** What a mount shows. */
public sealed interface SourceConfig {
  /** As written, without secrets. */
  String url();

  /** True for the same store, whoever is asked in whose name. */
  default boolean differsInCredentialsAlone(SourceConfig other) {
    if (other instanceof S3 its && this instanceof S3 mine) {
      return its.equals(
          new S3(mine.url(), mine.options().withCredentials(its.options().credentials())));
    }
    return equals(other);
  }

  /** {@code s3://bucket[/prefix]}; the prefix is the volume's. */
  record S3(String url, S3Options options) implements SourceConfig {}

  /** {@code file:///dir?as=bucket}. */
  record LocalBucket(String url, Path directory) implements SourceConfig {}

  /**
   * {@code file:///dir}.
   *
   * @param mode a bind mount, unless the mount's policy asks for more than mode bits
   */
  record LocalDirectory(String url, Path directory, LocalMode mode) implements SourceConfig {
    /** By a bind mount. */
    public LocalDirectory(String url, Path directory) {
      this(url, directory, LocalMode.BIND);
    }
  }

  /** {@code mounts.*.local.mode}. */
  enum LocalMode {
    /** A bind mount (nosuid, nodev): nothing is faster. */
    BIND,
    /** Through the daemon, which can tell callers apart. */
    FUSE
  }

  /** GCS, Azure and NFS: parsed and listed, refused at mount until their stores land. */
  record NotYet(String url, String kind) implements SourceConfig {}
}
