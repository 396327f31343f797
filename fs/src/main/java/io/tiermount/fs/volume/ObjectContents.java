package io.tiermount.fs.volume;

import io.tiermount.backends.ObjectInfo;
import io.tiermount.backends.ObjectStore;
import io.tiermount.backends.ReadTarget;
import io.tiermount.backends.StoreException;
import io.tiermount.backends.Version;
import io.tiermount.fs.cache.BlockCache;
import io.tiermount.fs.cache.CachedFile;
import io.tiermount.fs.cache.ContentKey;
import io.tiermount.fs.cache.ReadableFile;
import io.tiermount.fs.write.Base;
import io.tiermount.fs.write.DirtyFile;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;

/** Versions of objects, opened through the cache. */
final class ObjectContents {
  /** Longest symlink target Linux follows. */
  private static final int MAX_LINK_BYTES = 4095;

  private final ObjectStore store;
  private final String scope;
  private final BlockCache cache;
  private final DirectAccess direct;

  /** Tells where an object that was renamed on this node lies now; null where it was not. */
  interface Forwarding {
    @Nullable Base of(String key, Version version);
  }

  private volatile Forwarding forwarding = (_, _) -> null;

  ObjectContents(ObjectStore store, String scope, BlockCache cache, DirectAccess direct) {
    this.direct = direct;
    this.store = store;
    this.scope = scope;
    this.cache = cache;
  }

  void forwarded(Forwarding by) {
    forwarding = by;
  }

  CachedFile open(Facts known) {
    String key = known.key();
    Version version = known.version();
    if (key == null || version == null) {
      throw new IllegalArgumentException("a directory has no content");
    }
    Base base = new Base(key, version, known.sizeBytes());
    return open(base, !direct.covers(key, known.contentType()));
  }

  /** For writers; where media types decide, and this does not know it, nothing of it is kept. */
  CachedFile open(Base base) {
    return open(base, !direct.asksForTypes() && !direct.covers(base.key(), null));
  }

  private CachedFile open(Base base, boolean kept) {
    return cache.open(
        new ContentKey(scope, base.key(), base.version()),
        base.sizeBytes(),
        kept,
        (offset, length, target) -> read(base.key(), base.version(), offset, length, target));
  }

  /** Reads an object where it lies now: a rename on this node takes its readers along. */
  private ObjectInfo read(
      String key, Version version, long offsetBytes, long lengthBytes, ReadTarget target)
      throws StoreException {
    try {
      return store.read(key, version, offsetBytes, lengthBytes, target);
    } catch (StoreException e) {
      boolean gone =
          e.kind() == StoreException.Kind.NOT_FOUND
              || e.kind() == StoreException.Kind.PRECONDITION_FAILED;
      Base now = gone ? forwarding.of(key, version) : null;
      if (now == null) {
        throw e;
      }
      return read(now.key(), now.version(), offsetBytes, lengthBytes, target);
    }
  }

  /** A symlink's target; blocks. */
  byte[] readLink(Facts known, @Nullable DirtyFile local) throws IOException {
    int size = (int) Math.min(known.sizeBytes(), MAX_LINK_BYTES);
    byte[] target = new byte[size];
    try (ReadableFile file = local == null ? open(known) : local.reader();
        Arena arena = Arena.ofConfined()) {
      MemorySegment segment = arena.allocate(Math.max(1, size)).asSlice(0, size);
      file.read(0, segment, false);
      MemorySegment.copy(segment, ValueLayout.JAVA_BYTE, 0, target, 0, size);
    }
    return target;
  }
}
