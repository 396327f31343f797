package io.tiermount.daemon;

import io.tiermount.daemon.admin.AdminApi.CacheResult;
import io.tiermount.daemon.admin.AdminApi.ProgressSink;
import io.tiermount.fs.cache.CacheOptions;
import java.io.IOException;
import java.util.Map;

/** What the daemon itself needs of the cache that all its mounts share. Safe from any thread. */
interface NodeCache extends AutoCloseable {
  /** For {@code status}: sizes in bytes, hits and misses; from memory. */
  Map<String, Object> counters();

  /** Reads every cached byte against its checksum; what is bad is dropped and reported. */
  CacheResult verify(ProgressSink progress) throws IOException;

  /** Other sizes; see {@link CacheOptions#differsInSizesAlone}. */
  void resize(CacheOptions options);

  /** Writes out what must last. Called once, after the last mount is gone. */
  @Override
  void close();
}
