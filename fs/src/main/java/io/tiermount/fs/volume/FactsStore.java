package io.tiermount.fs.volume;

import io.tiermount.fs.meta.IndexColumn;
import io.tiermount.fs.meta.IndexStore;
import io.tiermount.fs.meta.KeyValue;
import io.tiermount.fs.meta.MetaException;
import io.tiermount.fs.meta.Scan;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What is known of names, in the index: it survives restarts and may be lost at any time, so that
 * an error of the index is the same as knowing nothing. Keys are (directory's node id, name): a
 * directory's entries lie together. Safe from any thread.
 */
final class FactsStore {
  private static final Logger log = LoggerFactory.getLogger(FactsStore.class);

  private final IndexStore index;
  private final KeyValue facts;
  private final KeyValue listings;

  FactsStore(IndexStore index) {
    this.index = index;
    this.facts = index.column(IndexColumn.ATTRIBUTES);
    this.listings = index.column(IndexColumn.LISTINGS);
  }

  @Nullable Facts get(long dirId, String name) {
    try {
      byte[] bytes = facts.get(key(dirId, name));
      return bytes == null ? null : FactsCodec.decode(bytes);
    } catch (MetaException e) {
      lost(e);
      return null;
    }
  }

  void put(long dirId, String name, Facts known) {
    try {
      facts.put(key(dirId, name), FactsCodec.encode(known));
    } catch (MetaException e) {
      lost(e);
    }
  }

  void remove(long dirId, String name) {
    try {
      facts.delete(key(dirId, name));
    } catch (MetaException e) {
      lost(e);
    }
  }

  /** Stores a page of entries at once. */
  void putAll(long dirId, List<DirEntry> entries) {
    try {
      index.batch(batch -> {
        for (DirEntry entry : entries) {
          batch.put(facts, key(dirId, entry.name()), FactsCodec.encode(entry.facts()));
        }
      });
    } catch (MetaException e) {
      lost(e);
    }
  }

  /**
   * When the last listing that was read to its end began: names whose facts are older were not in
   * it. 0 where there was none.
   */
  long listedAt(long dirId) {
    try {
      byte[] bytes = listings.get(dirId);
      return bytes == null || bytes.length != Long.BYTES ? 0 : ByteBuffer.wrap(bytes).getLong();
    } catch (MetaException e) {
      lost(e);
      return 0;
    }
  }

  /** A listing was read to its end. */
  void listed(long dirId, long startedAtMillis) {
    try {
      listings.put(dirId, KeyValue.key(startedAtMillis));
    } catch (MetaException e) {
      lost(e);
    }
  }

  /** Nothing is known of what lies in a directory. */
  void forget(long dirId) {
    try {
      index.batch(batch -> {
        batch.deleteRange(facts, KeyValue.key(dirId), KeyValue.key(dirId + 1));
        batch.delete(listings, KeyValue.key(dirId));
      });
    } catch (MetaException e) {
      lost(e);
    }
  }

  /**
   * A run of entries.
   *
   * @param last where the next one begins
   * @param end nothing is behind it
   */
  record Window(List<DirEntry> entries, String last, boolean end) {}

  /**
   * Up to {@code limit} names in name order behind {@code after} ("" for the beginning) that were
   * seen at {@code sinceMillis} or later.
   */
  Window scan(long dirId, String after, long sinceMillis, int limit) throws MetaException {
    List<DirEntry> out = new ArrayList<>();
    String last = after;
    try (Scan scan = facts.scan(KeyValue.key(dirId), key(dirId, after))) {
      while (scan.next()) {
        byte[] key = scan.key();
        String name = new String(key, Long.BYTES, key.length - Long.BYTES, StandardCharsets.UTF_8);
        if (name.equals(after)) {
          continue;
        }
        Facts known = FactsCodec.decode(scan.value());
        last = name;
        if (known != null && known.seenAtMillis() >= sinceMillis) {
          out.add(new DirEntry(name, segment(name, known), known));
          if (out.size() == limit) {
            return new Window(out, last, false);
          }
        }
      }
    }
    return new Window(out, last, true);
  }

  /** Segments are not stored: each is its name's, or for a cut name the end of its key. */
  static String segment(String name, Facts known) {
    KeyNames.Target target = KeyNames.parse(name);
    if (target != null && target.segment() != null) {
      return target.segment();
    }
    String key = known.key();
    if (key == null) {
      return name;
    }
    String whole = key.endsWith("/") ? key.substring(0, key.length() - 1) : key;
    return whole.substring(whole.lastIndexOf('/') + 1);
  }

  private static byte[] key(long dirId, String name) {
    byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocate(Long.BYTES + bytes.length).putLong(dirId).put(bytes).array();
  }

  private static void lost(MetaException e) {
    log.debug("the index can't say what is known of a name: {}", e.getMessage());
  }
}
