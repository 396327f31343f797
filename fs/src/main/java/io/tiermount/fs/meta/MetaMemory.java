package io.tiermount.fs.meta;

import org.rocksdb.Cache;
import org.rocksdb.LRUCache;
import org.rocksdb.RocksDB;
import org.rocksdb.WriteBufferManager;

/**
 * The memory of both stores together: block cache with indexes and filters, and memtables, which
 * are charged to it. Outside it are table readers (a few KiB per 16 MiB of data) and one
 * compaction's buffers (about 4 MiB). Close it after the stores.
 */
public final class MetaMemory implements AutoCloseable {
  /** What both stores need to run well with 10 million keys. */
  public static final long DEFAULT_BYTES = 64L << 20;

  private final Cache cache;
  private final WriteBufferManager writeBuffers;

  /**
   * @param maxBytes at least 8 MiB
   */
  public MetaMemory(long maxBytes) {
    if (maxBytes < 8 << 20) {
      throw new IllegalArgumentException("the metadata stores need 8 MiB: " + maxBytes);
    }
    RocksDB.loadLibrary();
    // Few shards: each holds at least some of the large filter blocks.
    cache = new LRUCache(maxBytes, 2);
    writeBuffers = new WriteBufferManager(maxBytes * 3 / 8, cache);
  }

  Cache cache() {
    return cache;
  }

  WriteBufferManager writeBuffers() {
    return writeBuffers;
  }

  @Override
  public void close() {
    writeBuffers.close();
    cache.close();
  }
}
