package io.tiermount.fs.meta;

import java.util.ArrayList;
import java.util.List;
import org.rocksdb.BlockBasedTableConfig;
import org.rocksdb.BloomFilter;
import org.rocksdb.ColumnFamilyOptions;
import org.rocksdb.CompressionType;
import org.rocksdb.DBOptions;
import org.rocksdb.IndexType;
import org.rocksdb.InfoLogLevel;
import org.rocksdb.WALRecoveryMode;

/** How our RocksDBs are set; owns the native option objects. */
final class RocksOptions implements AutoCloseable {
  private static final long WRITE_BUFFER_BYTES = 8 << 20;
  private static final long TABLE_FILE_BYTES = 16 << 20;

  /** What a kill in the middle of a write may cost, and what it may not. */
  enum Recovery {
    /** Up to the first damaged record: what follows was a fact that can be found out again. */
    POINT_IN_TIME(WALRecoveryMode.PointInTimeRecovery),
    /** All records but a torn last one; damage before it is an error. */
    ALL_BUT_TAIL(WALRecoveryMode.TolerateCorruptedTailRecords);

    private final WALRecoveryMode mode;

    Recovery(WALRecoveryMode mode) {
      this.mode = mode;
    }
  }

  private final List<AutoCloseable> owned = new ArrayList<>();
  final DBOptions database;
  final ColumnFamilyOptions columns;

  RocksOptions(MetaMemory memory, Recovery recovery) {
    database =
        own(new DBOptions())
            .setCreateIfMissing(true)
            .setCreateMissingColumnFamilies(true)
            .setParanoidChecks(true)
            .setWalRecoveryMode(recovery.mode)
            // Start-up: keep the log instead of writing tables, read no statistics.
            .setAvoidFlushDuringRecovery(true)
            .setSkipStatsUpdateOnDbOpen(true)
            .setStatsDumpPeriodSec(0)
            .setStatsPersistPeriodSec(0)
            // Space that is only set aside is what a full disk lacks.
            .setAllowFAllocate(false)
            .setMaxBackgroundJobs(2)
            .setMaxSubcompactions(1)
            .setMaxFileOpeningThreads(2)
            .setMaxOpenFiles(256)
            .setMaxTotalWalSize(32 << 20)
            .setMaxManifestFileSize(8 << 20)
            .setKeepLogFileNum(2)
            .setMaxLogFileSize(1 << 20)
            .setInfoLogLevel(InfoLogLevel.WARN_LEVEL)
            .setBytesPerSync(1 << 20)
            .setWriteBufferManager(memory.writeBuffers());
    BlockBasedTableConfig table =
        new BlockBasedTableConfig()
            .setBlockCache(memory.cache())
            .setFilterPolicy(own(new BloomFilter(10)))
            // Partitions, so that only the parts in use need be in the cache.
            .setIndexType(IndexType.kTwoLevelIndexSearch)
            .setPartitionFilters(true)
            .setCacheIndexAndFilterBlocks(true)
            .setCacheIndexAndFilterBlocksWithHighPriority(true)
            .setPinTopLevelIndexAndFilter(true)
            .setBlockSize(8 << 10);
    columns =
        own(new ColumnFamilyOptions())
            .setTableFormatConfig(table)
            .setCompressionType(CompressionType.LZ4_COMPRESSION)
            .setWriteBufferSize(WRITE_BUFFER_BYTES)
            .setMaxWriteBufferNumber(3)
            .setTargetFileSizeBase(TABLE_FILE_BYTES)
            .setMaxBytesForLevelBase(4 * TABLE_FILE_BYTES)
            .setLevelCompactionDynamicLevelBytes(true);
  }

  private <T extends AutoCloseable> T own(T resource) {
    owned.add(resource);
    return resource;
  }

  @Override
  public void close() {
    for (AutoCloseable resource : owned.reversed()) {
      try {
        resource.close();
      } catch (Exception e) {
        throw new IllegalStateException(e);
      }
    }
  }
}
