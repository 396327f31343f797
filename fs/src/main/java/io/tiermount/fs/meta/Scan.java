package io.tiermount.fs.meta;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.NoSuchElementException;
import org.jspecify.annotations.Nullable;

/**
 * Walks the entries of a column family in key order: {@code while (scan.next()) { scan.key() … }}.
 * For one thread. May be left anywhere; closing is for symmetry and costs nothing.
 */
public final class Scan implements AutoCloseable {
  static final int FIRST_PAGE_ENTRIES = 16;
  private static final int MAX_PAGE_ENTRIES = 256;
  private static final int MAX_PAGE_BYTES = 256 << 10;

  record Entry(byte[] key, byte[] value) {}

  /** Reads entries from {@code fromKey} on until {@code page} refuses one. */
  interface Pager {
    void read(byte[] prefix, byte[] fromKey, Page page) throws MetaException;
  }

  /** Takes entries up to a count and a size. */
  static final class Page {
    private final Deque<Entry> entries = new ArrayDeque<>();
    private final int maxEntries;
    private int sizeBytes;

    Page(int maxEntries) {
      this.maxEntries = maxEntries;
    }

    /** False once the page is full. */
    boolean add(byte[] key, byte[] value) {
      entries.add(new Entry(key, value));
      sizeBytes += key.length + value.length;
      return entries.size() < maxEntries && sizeBytes < MAX_PAGE_BYTES;
    }

    private boolean full() {
      return entries.size() >= maxEntries || sizeBytes >= MAX_PAGE_BYTES;
    }
  }

  private final Pager pager;
  private final byte[] prefix;
  private byte[] nextKey;
  private Page page = new Page(0);
  private int pageEntries;
  private boolean last;
  private @Nullable Entry current;

  Scan(Pager pager, byte[] prefix, byte[] fromKey, int firstPageEntries) {
    this.pageEntries = firstPageEntries;
    this.pager = pager;
    this.prefix = prefix.clone();
    this.nextKey = Arrays.compareUnsigned(fromKey, prefix) < 0 ? prefix : fromKey.clone();
  }

  /** Goes to the next entry; false at the end. */
  public boolean next() throws MetaException {
    if (page.entries.isEmpty()) {
      if (last) {
        current = null;
        return false;
      }
      page = new Page(pageEntries);
      pager.read(prefix, nextKey, page);
      last = !page.full();
      pageEntries = Math.min(MAX_PAGE_ENTRIES, pageEntries * 4);
      if (page.entries.isEmpty()) {
        current = null;
        return false;
      }
      byte[] lastKey = page.entries.getLast().key();
      // The smallest key after it.
      nextKey = Arrays.copyOf(lastKey, lastKey.length + 1);
    }
    current = page.entries.removeFirst();
    return true;
  }

  /** The whole key, prefix included. */
  public byte[] key() {
    return entry().key();
  }

  public byte[] value() {
    return entry().value();
  }

  private Entry entry() {
    Entry entry = current;
    if (entry == null) {
      throw new NoSuchElementException("next() was not called, or returned false");
    }
    return entry;
  }

  @Override
  public void close() {
    last = true;
    page.entries.clear();
  }
}
