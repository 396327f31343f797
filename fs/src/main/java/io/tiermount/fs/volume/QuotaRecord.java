package io.tiermount.fs.volume;

import io.tiermount.fs.meta.KeyValue;
import io.tiermount.fs.meta.MetaException;
import io.tiermount.fs.meta.StateColumn;
import io.tiermount.fs.meta.StateStore;
import io.tiermount.fs.volume.Quota.Usage;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** What a mount was known to hold, in {@code state/}, so that a restart lists nothing anew. */
final class QuotaRecord {
  private static final byte KIND = 'Q';
  private static final byte FORM = 1;
  private static final int SIZE = 2 + 3 * Long.BYTES;

  private final KeyValue column;
  private final byte[] key;

  /**
   * One state of it.
   *
   * @param countedAtMillis 0 where no count has ended
   * @param clean written when the mount ended: nothing was charged afterwards
   */
  record Saved(Usage used, long countedAtMillis, boolean clean) {}

  QuotaRecord(StateStore state, long rootId) {
    column = state.column(StateColumn.JOURNAL);
    key = ByteBuffer.allocate(9).put(KIND).putLong(rootId).array();
  }

  /** Null where there is none. */
  @Nullable Saved read() throws MetaException {
    byte[] value = column.get(key);
    if (value == null || value.length != SIZE || value[0] != FORM) {
      return null; // It can be counted again.
    }
    ByteBuffer in = ByteBuffer.wrap(value);
    in.get();
    boolean clean = in.get() != 0;
    return new Saved(new Usage(in.getLong(), in.getLong()), in.getLong(), clean);
  }

  void write(Saved saved) throws MetaException {
    column.put(
        key,
        ByteBuffer.allocate(SIZE)
            .put(FORM)
            .put((byte) (saved.clean ? 1 : 0))
            .putLong(saved.used.bytes())
            .putLong(saved.used.objects())
            .putLong(saved.countedAtMillis)
            .array());
  }

  /** Nothing is counted any more: what was would soon be wrong. */
  void remove() throws MetaException {
    column.delete(key);
  }
}
