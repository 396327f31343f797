package io.tiermount.fs.meta;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * One column family: byte strings in unsigned lexicographic order of their keys. Safe from any
 * thread. A single change is atomic and survives a killed process; several together, and changes
 * that must survive a power loss, go through the store's {@code batch}.
 */
public interface KeyValue {
  /** The value, or null where the key is not there; the array is the caller's. */
  byte @Nullable [] get(byte[] key) throws MetaException;

  void put(byte[] key, byte[] value) throws MetaException;

  /** Deletes; nothing happens where the key is not there. */
  void delete(byte[] key) throws MetaException;

  /**
   * The entries whose keys begin with {@code prefix}, in order, from {@code fromKey} on (from the
   * first where it is empty or sorts before the prefix). Read in pages: changes made during the
   * scan may or may not be seen, and nothing is held open between pages.
   */
  default Scan scan(byte[] prefix, byte[] fromKey) {
    return scan(prefix, fromKey, Scan.FIRST_PAGE_ENTRIES);
  }

  /** The same where it is known how many entries are wanted at first. */
  Scan scan(byte[] prefix, byte[] fromKey, int firstPageEntries);

  /** Big-endian, so that non-negative numbers sort as such. */
  static byte[] key(long number) {
    return ByteBuffer.allocate(Long.BYTES).putLong(number).array();
  }

  /** A pair of numbers, the first first. */
  static byte[] key(long first, long second) {
    return ByteBuffer.allocate(2 * Long.BYTES).putLong(first).putLong(second).array();
  }

  default byte @Nullable [] get(long key) throws MetaException {
    return get(key(key));
  }

  default void put(long key, byte[] value) throws MetaException {
    put(key(key), value);
  }

  default void delete(long key) throws MetaException {
    delete(key(key));
  }

  /** All entries of a prefix. */
  default Scan scan(byte[] prefix) {
    return scan(prefix, prefix);
  }
}
