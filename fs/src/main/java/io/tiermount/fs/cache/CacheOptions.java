package io.tiermount.fs.cache;

import java.nio.file.Path;
import java.util.List;

/**
 * The node's cache, as configured in {@code storage.cache}.
 *
 * @param directories where it lives; the first also holds {@code index/}, {@code state/} and the
 *     lock
 * @param minFreeBytes free space to leave on each disk; 0 for none
 * @param cleanupMarginPercent how far below the ceiling one clean-up pass goes: 10 of 30 GiB leaves
 *     27 GiB
 * @param maxFileBytes larger objects are read through without being kept; {@link Long#MAX_VALUE}
 *     for no limit
 * @param blockBytes the normal fetch, a power of two from 64 KiB to 64 MiB
 * @param verify when checksums are looked at
 */
public record CacheOptions(
    List<Directory> directories,
    long minFreeBytes,
    int cleanupMarginPercent,
    long maxFileBytes,
    int blockBytes,
    Verify verify) {
  /** Presence, checksums and the smallest fetch are per chunk. */
  public static final int CHUNK_BYTES = 64 << 10;

  /**
   * One disk.
   *
   * @param maxUsedBytes ceiling; {@link Long#MAX_VALUE} for none
   */
  public record Directory(Path path, long maxUsedBytes) {}

  /** {@code storage.cache.verify}. */
  public enum Verify {
    /** Every daemon-served read, and once before a file is opened in passthrough. */
    ON_OPEN,
    /** As a background scrub only. */
    SCRUB,
    /** Never. */
    OFF
  }

  public CacheOptions {
    directories = List.copyOf(directories);
    if (directories.isEmpty()) {
      throw new IllegalArgumentException("the cache needs a directory");
    }
    if (Integer.bitCount(blockBytes) != 1 || blockBytes < CHUNK_BYTES || blockBytes > 64 << 20) {
      throw new IllegalArgumentException("block_size is a power of two from 64K to 64M");
    }
    if (cleanupMarginPercent < 0 || cleanupMarginPercent > 99) {
      throw new IllegalArgumentException("cleanup_margin_percent is from 0 to 99");
    }
  }

  /** True where the other may take this one's place while the cache is open. */
  public boolean differsInSizesAlone(CacheOptions other) {
    return paths().equals(other.paths())
        && blockBytes == other.blockBytes
        && verify == other.verify;
  }

  private List<Path> paths() {
    return directories.stream().map(Directory::path).toList();
  }
}
