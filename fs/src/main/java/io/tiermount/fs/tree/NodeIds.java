package io.tiermount.fs.tree;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.tiermount.fs.meta.KeyValue;
import io.tiermount.fs.meta.MetaException;
import io.tiermount.fs.meta.StateColumn;
import io.tiermount.fs.meta.StateStore;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * Gives out node numbers, each once in the life of a cache directory. They are reserved on disk in
 * runs, synced before the first of a run is given out, so that no crash gives one twice.
 */
public final class NodeIds {
  private static final byte[] KEY = "next-node-id".getBytes(StandardCharsets.UTF_8);
  private static final long RUN = 1 << 16;

  /** Above the kernel's root, 1, and what a person could mistake for it. */
  private static final long FIRST = 16;

  private final StateStore state;

  @GuardedBy("this")
  private long next;

  @GuardedBy("this")
  private long reserved;

  public NodeIds(StateStore state) throws MetaException {
    this.state = state;
    byte[] stored = state.column(StateColumn.STATE).get(KEY);
    next = stored == null ? FIRST : ByteBuffer.wrap(stored).getLong();
    reserved = next;
  }

  /** A number never given before. */
  public synchronized long next() throws MetaException {
    if (next == reserved) {
      long to = reserved + RUN;
      KeyValue column = state.column(StateColumn.STATE);
      state.batch(
          StateStore.Durability.POWER_LOSS, batch -> batch.put(column, KEY, KeyValue.key(to)));
      reserved = to;
    }
    return next++;
  }
}
