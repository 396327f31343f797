package io.tiermount.daemon;

import io.tiermount.daemon.admin.AdminApi.CacheResult;
import io.tiermount.daemon.admin.AdminApi.Progress;
import io.tiermount.daemon.admin.AdminApi.ProgressSink;
import io.tiermount.fs.cache.BlockCache;
import io.tiermount.fs.cache.CacheOptions;
import io.tiermount.fs.cache.CacheStats;
import io.tiermount.fs.meta.IndexStore;
import io.tiermount.fs.meta.MetaMemory;
import io.tiermount.fs.meta.StateStore;
import io.tiermount.fs.volume.Inherited;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;

/**
 * All that lives in the cache directory, opened and closed in the right order: {@code index/},
 * {@code state/}, and the blocks. Shared by all mounts.
 */
final class DiskCache implements NodeCache {
  private static final long MIN_META_BYTES = 8 << 20;

  private final MetaMemory memory;
  private final IndexStore index;
  private final StateStore state;
  private final BlockCache blocks;

  private DiskCache(MetaMemory memory, IndexStore index, StateStore state, BlockCache blocks) {
    this.memory = memory;
    this.index = index;
    this.state = state;
    this.blocks = blocks;
  }

  /**
   * Nothing is scanned, however much there is. The caller holds the directory's lock.
   *
   * @param memoryMaxBytes {@code memory.max}: an eighth goes to the databases, an eighth to bytes
   *     on their way; the rest is the JVM's and the transports'
   */
  static DiskCache open(CacheOptions options, long memoryMaxBytes) throws IOException {
    Path directory = options.directories().getFirst().path();
    MetaMemory memory = new MetaMemory(Math.max(memoryMaxBytes / 8, MIN_META_BYTES));
    List<AutoCloseable> opened = new ArrayList<>(List.of(memory));
    boolean whole = false;
    try {
      IndexStore index = IndexStore.open(directory.resolve("index"), memory);
      opened.addFirst(index);
      StateStore state = StateStore.open(directory.resolve("state"), memory);
      opened.addFirst(state);
      BlockCache blocks =
          BlockCache.open(
              options,
              index,
              new BlockCache.Limits(BlockCache.Limits.DEFAULT.fetches(), memoryMaxBytes / 8),
              Clock.systemUTC(),
              RandomGenerator.getDefault());
      // Writers' files that no journal knows: their writers got no answer.
      blocks.staging().sweep(Inherited.journalledFiles(state)::contains);
      whole = true;
      return new DiskCache(memory, index, state, blocks);
    } finally {
      if (!whole) {
        for (AutoCloseable each : opened) {
          close(each);
        }
      }
    }
  }

  IndexStore index() {
    return index;
  }

  StateStore state() {
    return state;
  }

  BlockCache blocks() {
    return blocks;
  }

  @Override
  public Map<String, Object> counters() {
    CacheStats stats = blocks.stats();
    Map<String, Object> counters = new LinkedHashMap<>();
    counters.put("used_bytes", stats.usedBytes());
    if (stats.maxBytes() != Long.MAX_VALUE) {
      counters.put("max_used_bytes", stats.maxBytes());
    }
    counters.put("written_bytes", stats.stagedBytes());
    counters.put("held_bytes", stats.heldBytes());
    counters.put("evictable_bytes", stats.evictableBytes());
    counters.put("hit_requests", stats.hitRequests());
    counters.put("hit_bytes", stats.hitBytes());
    counters.put("miss_requests", stats.missRequests());
    counters.put("miss_bytes", stats.missBytes());
    counters.put("fetches", stats.fetches());
    counters.put("fetched_bytes", stats.fetchedBytes());
    counters.put("failed_fetches", stats.failedFetches());
    counters.put("not_kept_bytes", stats.notKeptBytes());
    counters.put("evicted_bytes", stats.evictedBytes());
    counters.put("bad_chunks", stats.badChunks());
    counters.put("lost_files", stats.lostFiles());
    counters.put("troubles", stats.troubles());
    counters.put("index_dropped", stats.indexDropped());
    List<Map<String, Object>> disks = new ArrayList<>();
    for (CacheStats.Directory disk : stats.directories()) {
      disks.add(
          Map.of(
              "path", disk.path().toString(),
              "used_bytes", disk.usedBytes(),
              "free_bytes", disk.freeBytes(),
              "free_inodes", disk.freeInodes(),
              "full", disk.full()));
    }
    counters.put("directories", disks);
    return counters;
  }

  @Override
  public void resize(CacheOptions options) {
    blocks.resize(options);
  }

  @Override
  public CacheResult verify(ProgressSink progress) throws IOException {
    long total = blocks.stats().usedBytes();
    BlockCache.VerifyReport report =
        blocks.verify(done -> progress.report(new Progress(0, done, 0, Math.max(total, done))));
    List<String> problems = new ArrayList<>();
    if (report.badChunks() > 0) {
      problems.add(report.badChunks() + " damaged chunks were dropped and are fetched again");
    }
    if (report.lostFiles() > 0) {
      problems.add(report.lostFiles() + " data files were missing or cut and are fetched again");
    }
    return new CacheResult(report.contents(), report.bytes(), problems);
  }

  @Override
  public void close() {
    // The blocks write their last facts into the index; the memory is both stores'.
    blocks.close();
    state.close();
    index.close();
    memory.close();
  }

  private static void close(AutoCloseable each) {
    try {
      each.close();
    } catch (Exception e) {
      throw new IllegalStateException("could not be closed again", e);
    }
  }
}
