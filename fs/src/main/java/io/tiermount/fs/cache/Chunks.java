package io.tiermount.fs.cache;

/**
 * The arithmetic of chunks and extents. An extent is 64 chunks (4 MiB), whatever {@code block_size}
 * is: what one 64-bit mask describes, one index record holds, and eviction takes at once.
 */
final class Chunks {
  static final int CHUNK_SHIFT = 16;
  static final int EXTENT_SHIFT = 22;
  static final int PER_EXTENT = 64;
  static final long EXTENT_BYTES = 1L << EXTENT_SHIFT;

  /**
   * Charged per extent beside its bytes: the file system's own block for a fragmented file's
   * mapping (ext4 puts 340 runs into 4 KiB, an extent of ours has at most 32).
   */
  static final long EXTENT_OVERHEAD_BYTES = 4096;

  private static final long DISK_BLOCK_BYTES = 4096;

  private Chunks() {}

  /** Chunks of a content. */
  static int count(long sizeBytes) {
    return Math.toIntExact((sizeBytes + CacheOptions.CHUNK_BYTES - 1) >>> CHUNK_SHIFT);
  }

  /** Extents of a content. */
  static int extents(long sizeBytes) {
    return Math.toIntExact((sizeBytes + EXTENT_BYTES - 1) >>> EXTENT_SHIFT);
  }

  /** Bits {@code first} to {@code last}, both included, of 0 to 63. */
  static long mask(int first, int last) {
    return (-1L >>> (63 - last + first)) << first;
  }

  /** Length of one chunk: 64 KiB but for a content's last. */
  static int length(long sizeBytes, int chunk) {
    return (int) Math.min(CacheOptions.CHUNK_BYTES, sizeBytes - ((long) chunk << CHUNK_SHIFT));
  }

  /** What chunks of one extent take on disk, without the extent's overhead. */
  static long diskBytes(long sizeBytes, int extent, long chunks) {
    long bytes = (long) Long.bitCount(chunks) << CHUNK_SHIFT;
    int last = count(sizeBytes) - 1;
    if (last >> 6 == extent && (chunks & (1L << (last & 63))) != 0) {
      long length = length(sizeBytes, last);
      bytes -= CacheOptions.CHUNK_BYTES;
      bytes += (length + DISK_BLOCK_BYTES - 1) & -DISK_BLOCK_BYTES;
    }
    return bytes;
  }

  /** What an extent with these chunks allocated is charged. */
  static long charge(long sizeBytes, int extent, long allocated) {
    return allocated == 0 ? 0 : diskBytes(sizeBytes, extent, allocated) + EXTENT_OVERHEAD_BYTES;
  }
}
