package io.tiermount.fs.meta;

import io.tiermount.fs.meta.MetaException.Kind;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.rocksdb.RocksDBException;

/**
 * {@code state/}: what must not be lost. Changes survive a killed process; those written with
 * {@link Durability#POWER_LOSS} a power loss too. Damage is never repaired behind anybody's back:
 * it refuses to open. Keeps a ballast so that a full disk can still be written. Safe from any
 * thread.
 */
public final class StateStore implements AutoCloseable {
  private static final long BALLAST_BYTES = 32 << 20;

  /** What a change survives once the call returned. */
  public enum Durability {
    /** kill -9 of the daemon. */
    KILL,
    /** Also the node losing power: one fsync of the log. */
    POWER_LOSS
  }

  private final Rocks rocks;
  private final Map<StateColumn, KeyValue> columns = new EnumMap<>(StateColumn.class);

  private StateStore(Rocks rocks) {
    this.rocks = rocks;
    for (StateColumn column : StateColumn.values()) {
      columns.put(column, rocks.column(column.name()));
    }
  }

  /**
   * Opens {@code directory}, making it where it is missing.
   *
   * @throws MetaException LOCKED, FULL, FAILED, or DAMAGED
   */
  public static StateStore open(Path directory, MetaMemory memory) throws MetaException {
    StoreLock lock = StoreLock.take(directory);
    RocksOptions options = new RocksOptions(memory, RocksOptions.Recovery.ALL_BUT_TAIL);
    boolean opened = false;
    try {
      if (isHeadless(directory)) {
        throw damaged(directory, "its file CURRENT is missing", null);
      }
      Rocks rocks =
          new Rocks(
              directory,
              Stream.of(StateColumn.values()).map(Enum::name).toList(),
              options,
              new Ballast(directory.resolveSibling("state.ballast"), BALLAST_BYTES),
              lock,
              () -> {});
      opened = true;
      return new StateStore(rocks);
    } catch (RocksDBException e) {
      throw damaged(directory, String.valueOf(e.getMessage()), e);
    } finally {
      if (!opened) {
        options.close();
        lock.close();
      }
    }
  }

  private static MetaException damaged(Path directory, String why, @Nullable Throwable cause) {
    return new MetaException(
        Kind.DAMAGED,
        directory
            + " can't be opened: "
            + why
            + ". It holds the node table, open handles and changes not yet in a store, so it is"
            + " not dropped by itself. If the disk is at fault (full, read-only, failing), put that"
            + " right and start again; else restore the directory from a copy, or move it away to"
            + " start without it: open files then end with ESTALE and unsent changes stay in the"
            + " moved directory only",
        cause);
  }

  /** A RocksDB that lost its head, which RocksDB itself would take for a new one. */
  static boolean isHeadless(Path directory) {
    if (!Files.isDirectory(directory) || Files.exists(directory.resolve("CURRENT"))) {
      return false;
    }
    try (DirectoryStream<Path> tables =
        Files.newDirectoryStream(directory, "{*.sst,MANIFEST-*,*.log}")) {
      return tables.iterator().hasNext();
    } catch (IOException e) {
      return false;
    }
  }

  public KeyValue column(StateColumn column) {
    KeyValue found = columns.get(column);
    if (found == null) {
      throw new IllegalArgumentException("no column " + column);
    }
    return found;
  }

  /** All changes or none. */
  public void batch(Durability durability, Batch.Writer writer) throws MetaException {
    rocks.batch(
        switch (durability) {
          case KILL -> false;
          case POWER_LOSS -> true;
        },
        writer);
  }

  /** How often a full disk made RocksDB open again. */
  public long reopened() {
    return rocks.reopened();
  }

  @Override
  public void close() {
    rocks.close();
  }
}
