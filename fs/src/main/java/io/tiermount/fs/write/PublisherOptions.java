package io.tiermount.fs.write;

/**
 * How a {@link Publisher} sends.
 *
 * @param uploadThreads puts, parts and copied parts that run at the same time
 * @param memoryBytes content held in memory by all of them together; who needs more waits
 * @param putBytes largest content that goes as one put although the store takes parts
 * @param putBytesOverBase the same for a content that has a base: copying parts is not worth it
 * @param partBytes the first parts' size; later ones grow ({@link PartSizes})
 * @param copyBytes largest part copied in the store by one request
 * @param transferParts parts of one upload that are sent or copied at the same time
 */
public record PublisherOptions(
    int uploadThreads,
    long memoryBytes,
    long putBytes,
    long putBytesOverBase,
    long partBytes,
    long copyBytes,
    int transferParts) {
  private static final long MIB = 1 << 20;

  /** With as many parts of an upload as there are threads. */
  public PublisherOptions(
      int uploadThreads,
      long memoryBytes,
      long putBytes,
      long putBytesOverBase,
      long partBytes,
      long copyBytes) {
    this(
        uploadThreads,
        memoryBytes,
        putBytes,
        putBytesOverBase,
        partBytes,
        copyBytes,
        uploadThreads);
  }

  public PublisherOptions {
    if (uploadThreads < 1 || transferParts < 1 || putBytes < 0 || partBytes < 1 || copyBytes < 1) {
      throw new IllegalArgumentException("a publisher needs threads and sizes");
    }
    if (memoryBytes < 2 * FrozenBytes.WINDOW_BYTES) {
      throw new IllegalArgumentException("a publisher needs two windows of memory");
    }
  }

  /**
   * The daemon's. 64 MiB are eight parts under way; a copied part of 512 MiB is done within seconds
   * where a store copies at all.
   */
  public static PublisherOptions of(int uploadThreads) {
    return new PublisherOptions(uploadThreads, 64 * MIB, 8 * MIB, 16 * MIB, 8 * MIB, 512 * MIB);
  }

  /** The daemon's, as a mount says. */
  public static PublisherOptions of(WriteOptions options) {
    int threads = Math.max(options.uploadThreads(), options.transferParts());
    return new PublisherOptions(
        threads, 64 * MIB, 8 * MIB, 16 * MIB, 8 * MIB, 512 * MIB, options.transferParts());
  }
}
