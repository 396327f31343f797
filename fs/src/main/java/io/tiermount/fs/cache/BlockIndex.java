package io.tiermount.fs.cache;

import io.tiermount.backends.Version;
import io.tiermount.fs.cache.Extent.Place;
import io.tiermount.fs.meta.Batch;
import io.tiermount.fs.meta.IndexColumn;
import io.tiermount.fs.meta.IndexStore;
import io.tiermount.fs.meta.KeyValue;
import io.tiermount.fs.meta.MetaException;
import io.tiermount.fs.meta.Scan;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * The cache's part of {@code index/}: the records and their layout. Safe from any thread; who
 * changes what under which lock is the callers' matter.
 */
final class BlockIndex {
  private static final byte[] NEXT_ID = "next-content-id".getBytes(StandardCharsets.UTF_8);
  private static final byte[] SUSPECT = "suspect".getBytes(StandardCharsets.UTF_8);
  private static final byte[] RUNNING = "running".getBytes(StandardCharsets.UTF_8);
  private static final byte[] LEDGER = "ledger/".getBytes(StandardCharsets.UTF_8);

  private final IndexStore store;
  private final KeyValue marks;
  private final KeyValue contents;
  private final KeyValue ids;
  private final KeyValue extents;
  private final KeyValue eviction;

  /** At least what is in the index. */
  private final AtomicLong nextId = new AtomicLong(1);

  BlockIndex(IndexStore store) {
    this.store = store;
    marks = store.column(IndexColumn.CACHE);
    contents = store.column(IndexColumn.CONTENTS);
    ids = store.column(IndexColumn.CONTENT_IDS);
    extents = store.column(IndexColumn.EXTENTS);
    eviction = store.column(IndexColumn.EVICTION);
  }

  /** A queue's entry. */
  record Queued(Place place, long contentId, int extent) {}

  /**
   * A directory's counters.
   *
   * @param usedBytes charged to contents
   * @param smallBytes those of them in the small queue
   * @param nextPosition of either queue
   */
  record Ledger(long usedBytes, long smallBytes, long nextPosition) {
    static final Ledger EMPTY = new Ledger(0, 0, 1);
  }

  /** Several changes that happen together. */
  final class Change {
    private final Batch batch;

    private Change(Batch batch) {
      this.batch = batch;
    }

    void putContent(ContentKey key, ContentRecord content) throws MetaException {
      batch.put(contents, encode(key), content.encode());
    }

    /** The first record of a content; its id is never given out again. */
    void newContent(ContentKey key, ContentRecord content) throws MetaException {
      putContent(key, content);
      batch.put(ids, KeyValue.key(content.id()), encode(key));
      // A staged file's id may be much older than the last one given out.
      long next = nextId.accumulateAndGet(content.id() + 1, Math::max);
      batch.put(marks, NEXT_ID, KeyValue.key(next));
    }

    /** A content is another object's version from now on. */
    void rekey(ContentKey from, ContentKey to, ContentRecord content) throws MetaException {
      batch.delete(contents, encode(from));
      putContent(to, content);
      batch.put(ids, KeyValue.key(content.id()), encode(to));
    }

    void removeContent(ContentKey key, long id) throws MetaException {
      batch.delete(contents, encode(key));
      batch.delete(ids, KeyValue.key(id));
    }

    void putExtent(long id, int extent, Extent value) throws MetaException {
      batch.put(extents, KeyValue.key(id, extent), encode(value));
    }

    void removeExtent(long id, int extent) throws MetaException {
      batch.delete(extents, KeyValue.key(id, extent));
    }

    void enqueue(long directoryId, Place place, long id, int extent) throws MetaException {
      batch.put(eviction, key(directoryId, place), KeyValue.key(id, extent));
    }

    void dequeue(long directoryId, Place place) throws MetaException {
      batch.delete(eviction, key(directoryId, place));
    }

    void putLedger(long directoryId, Ledger ledger) throws MetaException {
      byte[] value =
          ByteBuffer.allocate(3 * Long.BYTES)
              .putLong(ledger.usedBytes)
              .putLong(ledger.smallBytes)
              .putLong(ledger.nextPosition)
              .array();
      batch.put(marks, ledgerKey(directoryId), value);
    }
  }

  /** Fills a change. */
  @FunctionalInterface
  interface Changer {
    void apply(Change change) throws MetaException;
  }

  /** Writes a change whole or not at all. */
  void change(Changer changer) throws MetaException {
    store.batch(batch -> changer.apply(new Change(batch)));
  }

  @Nullable ContentRecord find(ContentKey key) throws MetaException {
    byte[] value = contents.get(encode(key));
    return value == null ? null : ContentRecord.decode(value);
  }

  @Nullable ContentKey keyOf(long id) throws MetaException {
    byte[] value = ids.get(id);
    return value == null ? null : decodeKey(value);
  }

  /** The contents after one id, in the order of ids. */
  Scan idsAfter(long id) {
    return ids.scan(new byte[0], KeyValue.key(id + 1));
  }

  /** The contents of one scope, or of all. */
  Scan contentsOf(@Nullable String scope) {
    return contents.scan(scope == null ? new byte[0] : scopePrefix(scope));
  }

  @Nullable Extent extent(long id, int extent, long generation) throws MetaException {
    byte[] value = extents.get(KeyValue.key(id, extent));
    return value == null ? null : decode(value, generation);
  }

  /** All extents of a content. */
  Scan extentsOf(long id) {
    return extents.scan(KeyValue.key(id));
  }

  static int extentNumber(byte[] key) {
    return (int) ByteBuffer.wrap(key).getLong(Long.BYTES);
  }

  /** The first entry of a queue at or after a position; null where there is none. */
  @Nullable Queued head(long directoryId, byte queue, long fromPosition) throws MetaException {
    byte[] prefix = ByteBuffer.allocate(Long.BYTES + 1).putLong(directoryId).put(queue).array();
    try (Scan scan = eviction.scan(prefix, key(directoryId, new Place(queue, fromPosition)), 1)) {
      if (!scan.next()) {
        return null;
      }
      ByteBuffer value = ByteBuffer.wrap(scan.value());
      long position = ByteBuffer.wrap(scan.key()).getLong(Long.BYTES + 1);
      return new Queued(new Place(queue, position), value.getLong(), (int) value.getLong());
    }
  }

  /** Null where the index knows nothing of the directory. */
  @Nullable Ledger ledger(long directoryId) throws MetaException {
    byte[] value = marks.get(ledgerKey(directoryId));
    if (value == null) {
      return null;
    }
    ByteBuffer b = ByteBuffer.wrap(value);
    return new Ledger(b.getLong(), b.getLong(), b.getLong());
  }

  /** No content was ever given this id or a higher one, as far as the index remembers. */
  long nextId() throws MetaException {
    byte[] value = marks.get(NEXT_ID);
    long next = value == null ? 1 : ByteBuffer.wrap(value).getLong();
    return nextId.accumulateAndGet(next, Math::max);
  }

  /**
   * Notes that a daemon runs in this boot. True where one ran in another boot and not everything
   * was verified since: the node may have lost its power, and with it bytes the index says are
   * there.
   */
  boolean begin(String bootId) throws MetaException {
    byte[] before = marks.get(RUNNING);
    if (before != null && !new String(before, StandardCharsets.UTF_8).equals(bootId)) {
      marks.put(SUSPECT, new byte[0]);
    }
    marks.put(RUNNING, bootId.getBytes(StandardCharsets.UTF_8));
    return marks.get(SUSPECT) != null;
  }

  /** Every chunk was looked at. */
  void trusted() throws MetaException {
    marks.delete(SUSPECT);
  }

  private static byte[] ledgerKey(long directoryId) {
    return ByteBuffer.allocate(LEDGER.length + Long.BYTES).put(LEDGER).putLong(directoryId).array();
  }

  private static byte[] key(long directoryId, Place place) {
    return ByteBuffer.allocate(2 * Long.BYTES + 1)
        .putLong(directoryId)
        .put(place.queue())
        .putLong(place.position())
        .array();
  }

  private static byte[] encode(Extent extent) {
    ByteBuffer b = ByteBuffer.allocate(25 + 4 * Long.bitCount(extent.present()));
    b.putLong(extent.allocated()).putLong(extent.present());
    b.put(extent.place().queue()).putLong(extent.place().position());
    for (long rest = extent.present(); rest != 0; rest &= rest - 1) {
      b.putInt(extent.crcs()[Long.numberOfTrailingZeros(rest)]);
    }
    return b.array();
  }

  static Extent decode(byte[] bytes, long generation) {
    ByteBuffer b = ByteBuffer.wrap(bytes);
    long allocated = b.getLong();
    long present = b.getLong();
    Place place = new Place(b.get(), b.getLong());
    int[] crcs = new int[Chunks.PER_EXTENT];
    for (long rest = present; rest != 0; rest &= rest - 1) {
      crcs[Long.numberOfTrailingZeros(rest)] = b.getInt();
    }
    return new Extent(generation, allocated, present, crcs, place);
  }

  private static byte[] scopePrefix(String scope) {
    byte[] bytes = bytes(scope);
    return ByteBuffer.allocate(4 + bytes.length).putInt(bytes.length).put(bytes).array();
  }

  static byte[] encode(ContentKey key) {
    byte[] scope = scopePrefix(key.scope());
    byte[] name = bytes(key.key());
    byte[] version = bytes(key.version().token());
    return ByteBuffer.allocate(scope.length + 4 + name.length + version.length)
        .put(scope)
        .putInt(name.length)
        .put(name)
        .put(version)
        .array();
  }

  static @Nullable ContentKey decodeKey(byte[] bytes) {
    try {
      ByteBuffer b = ByteBuffer.wrap(bytes);
      String scope = text(b, b.getInt());
      String name = text(b, b.getInt());
      return new ContentKey(scope, name, new Version(text(b, b.remaining())));
    } catch (BufferUnderflowException | IllegalArgumentException | IndexOutOfBoundsException e) {
      return null;
    }
  }

  /** Two bytes a char: names may carry lone surrogates, which UTF-8 would make all the same. */
  private static byte[] bytes(String text) {
    ByteBuffer b = ByteBuffer.allocate(2 * text.length());
    b.asCharBuffer().put(text);
    return b.array();
  }

  private static String text(ByteBuffer b, int lengthBytes) {
    String text = b.slice(b.position(), lengthBytes).asCharBuffer().toString();
    b.position(b.position() + lengthBytes);
    return text;
  }
}
