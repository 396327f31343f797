package io.tiermount.fs.meta;

import io.tiermount.fs.meta.MetaException.Kind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.jspecify.annotations.Nullable;
import org.rocksdb.RocksDBException;
import org.rocksdb.Status;
import org.rocksdb.WriteBatch;
import org.rocksdb.WriteOptions;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One RocksDB with our error handling. A full disk puts RocksDB into a state that only opening it
 * again ends: then the ballast is given up, the database opened again, and the write repeated.
 *
 * <p>Every call holds the read lock, since a native call on a closed database ends the process;
 * opening again and closing hold the write lock.
 */
final class Rocks implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Rocks.class);

  /** Without this much free space there is no point in opening again. */
  private static final long REOPEN_MIN_FREE_BYTES = 4 << 20;

  private static final long REOPEN_LOCK_TIMEOUT_MILLIS = 2000;
  private static final int WRITES_BETWEEN_BALLAST_CHECKS = 4096;

  private final Path directory;
  private final List<String> columnNames;
  private final RocksOptions options;
  private final Ballast ballast;
  private final StoreLock lockFile;
  private final Runnable onDamage;
  private final WriteOptions noSync = new WriteOptions();
  private final WriteOptions sync = new WriteOptions().setSync(true);
  private final ReentrantReadWriteLock lock = new ReentrantReadWriteLock();
  private final AtomicBoolean ballastUsed = new AtomicBoolean();
  private final AtomicLong writes = new AtomicLong();
  private final AtomicLong reopened = new AtomicLong();

  /** Changed under the write lock; null while opening again failed, or closed. */
  private volatile @Nullable OpenRocks open;

  private volatile boolean closed;

  /**
   * @param onDamage told (from any thread) when a read or write meets damage
   */
  Rocks(
      Path directory,
      List<String> columnNames,
      RocksOptions options,
      Ballast ballast,
      StoreLock lockFile,
      Runnable onDamage)
      throws RocksDBException {
    this.directory = directory;
    this.columnNames = columnNames;
    this.options = options;
    this.ballast = ballast;
    this.lockFile = lockFile;
    this.onDamage = onDamage;
    open = OpenRocks.open(directory, columnNames, options);
    ballast.load();
  }

  /** The column family of one of the names given. */
  KeyValue column(String name) {
    return new Column(this, columnNames.indexOf(name));
  }

  /** How often a full disk made it open again. */
  long reopened() {
    return reopened.get();
  }

  void batch(boolean durable, Batch.Writer writer) throws MetaException {
    lockForUse();
    try (WriteBatch batch = new WriteBatch()) {
      writer.write(new RocksBatch(this, opened(), batch));
      write(batch, durable);
    } finally {
      lock.readLock().unlock();
    }
  }

  private byte @Nullable [] get(int column, byte[] key) throws MetaException {
    lockForUse();
    try {
      OpenRocks db = opened();
      return db.database().get(db.handle(column), key);
    } catch (RocksDBException e) {
      throw failed("read", e);
    } finally {
      lock.readLock().unlock();
    }
  }

  private void change(int column, byte[] key, byte @Nullable [] value) throws MetaException {
    lockForUse();
    try {
      OpenRocks db = opened();
      if (value == null) {
        db.database().delete(db.handle(column), noSync, key);
      } else {
        db.database().put(db.handle(column), noSync, key, value);
      }
      wrote();
    } catch (RocksDBException e) {
      if (!isFull(e)) {
        throw failed("write", e);
      }
      makeRoom(e);
      lock.readLock().lock();
      try (WriteBatch batch = new WriteBatch()) {
        RocksBatch change = new RocksBatch(this, opened(), batch);
        if (value == null) {
          change.delete(new Column(this, column), key);
        } else {
          change.put(new Column(this, column), key, value);
        }
        writeOnce(batch, false);
      } finally {
        lock.readLock().unlock();
      }
    } finally {
      lock.readLock().unlock();
    }
  }

  private void write(WriteBatch batch, boolean durable) throws MetaException {
    try {
      OpenRocks db = opened();
      db.database().write(durable ? sync : noSync, batch);
      wrote();
    } catch (RocksDBException e) {
      if (!isFull(e)) {
        throw failed("write", e);
      }
      // A batch names column families by number, which stays: it can be written again as it is.
      makeRoom(e);
      writeOnce(batch, durable);
    }
  }

  private void writeOnce(WriteBatch batch, boolean durable) throws MetaException {
    try {
      opened().database().write(durable ? sync : noSync, batch);
    } catch (RocksDBException e) {
      throw failed("write", e);
    }
  }

  /** Called with exactly one hold of the read lock, and returns with it. */
  private void makeRoom(RocksDBException cause) throws MetaException {
    long seen = reopened.get();
    lock.readLock().unlock();
    try {
      if (!tryWriteLock()) {
        throw full(cause);
      }
      try {
        if (reopened.get() != seen) {
          return;
        }
        boolean released = ballast.release();
        ballastUsed.set(true);
        if (usableBytes() < REOPEN_MIN_FREE_BYTES) {
          throw full(cause);
        }
        if (released) {
          LOG.warn(
              "{}: the disk is full; its ballast was given up so that it can still be written."
                  + " Free some space on this disk.",
              directory);
        }
        reopen();
      } finally {
        lock.writeLock().unlock();
      }
    } finally {
      lock.readLock().lock();
    }
  }

  private boolean tryWriteLock() throws MetaException {
    // Not without limit: another thread may be in a long call of its own.
    try {
      return lock.getReadHoldCount() == 0
          && lock.writeLock().tryLock(REOPEN_LOCK_TIMEOUT_MILLIS, TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new MetaException(Kind.FAILED, directory + ": interrupted while making room", e);
    }
  }

  private void reopen() throws MetaException {
    OpenRocks old = open;
    if (old != null) {
      open = null;
      old.close();
    }
    try {
      open = OpenRocks.open(directory, columnNames, options);
      reopened.incrementAndGet();
    } catch (RocksDBException e) {
      throw failed("open again", e);
    }
  }

  /** Takes the read lock; opens again what could not be opened while the disk was full. */
  private void lockForUse() throws MetaException {
    if (open == null && !closed && lock.getReadHoldCount() == 0) {
      lock.writeLock().lock();
      try {
        if (open == null && !closed && usableBytes() >= REOPEN_MIN_FREE_BYTES) {
          reopen();
        }
      } finally {
        lock.writeLock().unlock();
      }
    }
    lock.readLock().lock();
  }

  private OpenRocks opened() throws MetaException {
    OpenRocks db = open;
    if (db != null) {
      return db;
    }
    if (closed) {
      throw new MetaException(Kind.CLOSED, directory + " is closed", null);
    }
    throw new MetaException(
        Kind.FULL, directory + " could not be opened again after its disk was full", null);
  }

  private void wrote() {
    if (ballastUsed.get() && writes.incrementAndGet() % WRITES_BETWEEN_BALLAST_CHECKS == 0) {
      ballast.load();
    }
  }

  private long usableBytes() {
    try {
      return Files.getFileStore(directory).getUsableSpace();
    } catch (IOException e) {
      return 0;
    }
  }

  private static boolean isFull(RocksDBException e) {
    Status status = e.getStatus();
    return status != null && status.getSubCode() == Status.SubCode.NoSpace;
  }

  /** True where the status speaks of what is on disk, not of the disk itself. */
  static boolean isDamage(RocksDBException e) {
    Status status = e.getStatus();
    return status != null && status.getCode() == Status.Code.Corruption;
  }

  MetaException failed(String what, RocksDBException e) {
    if (isFull(e)) {
      return full(e);
    }
    if (isDamage(e)) {
      onDamage.run();
      return new MetaException(Kind.DAMAGED, directory + " is damaged: " + e.getMessage(), e);
    }
    return new MetaException(
        Kind.FAILED, "can't " + what + " " + directory + ": " + e.getMessage(), e);
  }

  private MetaException full(Throwable cause) {
    return new MetaException(
        Kind.FULL, directory + " can't be written: its disk is full; free some space on it", cause);
  }

  @Override
  public void close() {
    lock.writeLock().lock();
    try {
      if (closed) {
        return;
      }
      closed = true;
      OpenRocks old = open;
      open = null;
      if (old != null) {
        old.close();
      }
      noSync.close();
      sync.close();
      options.close();
      lockFile.close();
    } finally {
      lock.writeLock().unlock();
    }
  }

  /** A column family of {@code rocks}. */
  record Column(Rocks rocks, int index) implements KeyValue {
    @Override
    public byte @Nullable [] get(byte[] key) throws MetaException {
      return rocks.get(index, key);
    }

    @Override
    public void put(byte[] key, byte[] value) throws MetaException {
      rocks.change(index, key, value);
    }

    @Override
    public void delete(byte[] key) throws MetaException {
      rocks.change(index, key, null);
    }

    @Override
    public Scan scan(byte[] prefix, byte[] fromKey, int firstPageEntries) {
      return new Scan(this::page, prefix, fromKey, firstPageEntries);
    }

    private void page(byte[] prefix, byte[] fromKey, Scan.Page page) throws MetaException {
      rocks.lockForUse();
      try {
        OpenRocks db = rocks.opened();
        try (var iterator = db.database().newIterator(db.handle(index))) {
          iterator.seek(fromKey);
          while (iterator.isValid()) {
            byte[] key = iterator.key();
            if (!beginsWith(key, prefix) || !page.add(key, iterator.value())) {
              break;
            }
            iterator.next();
          }
          iterator.status();
        }
      } catch (RocksDBException e) {
        throw rocks.failed("read", e);
      } finally {
        rocks.lock.readLock().unlock();
      }
    }

    private static boolean beginsWith(byte[] key, byte[] prefix) {
      return key.length >= prefix.length
          && Arrays.equals(key, 0, prefix.length, prefix, 0, prefix.length);
    }
  }

  private record RocksBatch(Rocks rocks, OpenRocks db, WriteBatch batch) implements Batch {
    @Override
    public void put(KeyValue column, byte[] key, byte[] value) throws MetaException {
      try {
        batch.put(db.handle(index(column)), key, value);
      } catch (RocksDBException e) {
        throw rocks.failed("write", e);
      }
    }

    @Override
    public void delete(KeyValue column, byte[] key) throws MetaException {
      try {
        batch.delete(db.handle(index(column)), key);
      } catch (RocksDBException e) {
        throw rocks.failed("write", e);
      }
    }

    @Override
    public void deleteRange(KeyValue column, byte[] fromKey, byte[] toKey) throws MetaException {
      try {
        batch.deleteRange(db.handle(index(column)), fromKey, toKey);
      } catch (RocksDBException e) {
        throw rocks.failed("write", e);
      }
    }

    private int index(KeyValue column) {
      if (column instanceof Column ours && ours.rocks == rocks) {
        return ours.index;
      }
      throw new IllegalArgumentException("a batch changes columns of its own store only");
    }
  }
}
