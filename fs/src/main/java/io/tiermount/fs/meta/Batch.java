package io.tiermount.fs.meta;

/**
 * Changes of one store that happen together or not at all. Lives only within the call that was
 * given it; not safe for use by several threads.
 */
public interface Batch {
  void put(KeyValue column, byte[] key, byte[] value) throws MetaException;

  void delete(KeyValue column, byte[] key) throws MetaException;

  /** Deletes every key from {@code fromKey} up to and without {@code toKey}. */
  void deleteRange(KeyValue column, byte[] fromKey, byte[] toKey) throws MetaException;

  /** Fills a batch. */
  @FunctionalInterface
  interface Writer {
    void write(Batch batch) throws MetaException;
  }
}
