package io.tiermount.fs.meta;

import io.tiermount.fs.meta.MetaException.Kind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.rocksdb.RocksDBException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * {@code index/}: facts that may be lost, and may be dropped whole. Changes survive a killed
 * process, not a power loss. Where it is damaged at open it is dropped and begun anew; damage met
 * later is remembered and does the same at the next open. Safe from any thread.
 */
public final class IndexStore implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(IndexStore.class);
  private static final long BALLAST_BYTES = 8 << 20;

  private final Path directory;
  private final Rocks rocks;
  private final boolean dropped;
  private final Map<IndexColumn, KeyValue> columns = new EnumMap<>(IndexColumn.class);

  private IndexStore(Path directory, Rocks rocks, boolean dropped) {
    this.directory = directory;
    this.rocks = rocks;
    this.dropped = dropped;
    for (IndexColumn column : IndexColumn.values()) {
      columns.put(column, rocks.column(column.name()));
    }
  }

  /**
   * Opens {@code directory}, making it where it is missing.
   *
   * @throws MetaException LOCKED, FULL, or FAILED where even a new one can't be made
   */
  public static IndexStore open(Path directory, MetaMemory memory) throws MetaException {
    StoreLock lock = StoreLock.take(directory);
    boolean opened = false;
    try {
      boolean dropped = false;
      if (Files.exists(damageMark(directory)) || StateStore.isHeadless(directory)) {
        drop(directory, "it was found damaged before");
        dropped = true;
      }
      Rocks rocks;
      try {
        rocks = rocks(directory, memory, lock);
      } catch (RocksDBException e) {
        drop(directory, e.getMessage());
        dropped = true;
        rocks = rocksAnew(directory, memory, lock);
      }
      opened = true;
      return new IndexStore(directory, rocks, dropped);
    } finally {
      if (!opened) {
        lock.close();
      }
    }
  }

  private static Rocks rocks(Path directory, MetaMemory memory, StoreLock lock)
      throws RocksDBException {
    RocksOptions options = new RocksOptions(memory, RocksOptions.Recovery.POINT_IN_TIME);
    boolean opened = false;
    try {
      Rocks rocks =
          new Rocks(
              directory,
              Stream.of(IndexColumn.values()).map(Enum::name).toList(),
              options,
              new Ballast(directory.resolveSibling("index.ballast"), BALLAST_BYTES),
              lock,
              () -> markDamaged(directory));
      opened = true;
      return rocks;
    } finally {
      if (!opened) {
        options.close();
      }
    }
  }

  private static Rocks rocksAnew(Path directory, MetaMemory memory, StoreLock lock)
      throws MetaException {
    try {
      return rocks(directory, memory, lock);
    } catch (RocksDBException e) {
      throw new MetaException(
          Kind.FAILED,
          "can't make " + directory + ": " + e.getMessage() + "; is its disk full or read-only?",
          e);
    }
  }

  private static void drop(Path directory, @Nullable String why) throws MetaException {
    Path aside = directory.resolveSibling(directory.getFileName() + ".dropped");
    LOG.warn(
        "{} is damaged ({}). It holds nothing that can't be found out again: it is begun anew.",
        directory,
        why);
    try {
      FileTrees.delete(aside);
      if (Files.exists(directory)) {
        // Moved first: a kill in the middle of deleting must not leave half a database.
        Files.move(directory, aside);
        FileTrees.delete(aside);
      }
      Files.deleteIfExists(damageMark(directory));
    } catch (IOException e) {
      throw new MetaException(
          Kind.FAILED, "can't drop the damaged " + directory + ": " + e.getMessage(), e);
    }
  }

  private static Path damageMark(Path directory) {
    return directory.resolveSibling(directory.getFileName() + ".is-damaged");
  }

  private static void markDamaged(Path directory) {
    Path mark = damageMark(directory);
    try {
      if (!Files.exists(mark)) {
        Files.createFile(mark);
        LOG.error("{} is damaged; it will be begun anew at the next start", directory);
      }
    } catch (IOException e) {
      LOG.error("{} is damaged, and {} can't be made: remove {} yourself", directory, mark, e);
    }
  }

  /** True where this opening found damage and began anew: a counter's worth. */
  public boolean wasDropped() {
    return dropped;
  }

  /** True once damage was met since the open: what is read may be wrong, the next open drops it. */
  public boolean isDamaged() {
    return Files.exists(damageMark(directory));
  }

  /** How often a full disk made RocksDB open again. */
  public long reopened() {
    return rocks.reopened();
  }

  public KeyValue column(IndexColumn column) {
    KeyValue found = columns.get(column);
    if (found == null) {
      throw new IllegalArgumentException("no column " + column);
    }
    return found;
  }

  /** All changes or none, also after a kill. */
  public void batch(Batch.Writer writer) throws MetaException {
    rocks.batch(false, writer);
  }

  @Override
  public void close() {
    rocks.close();
  }
}
