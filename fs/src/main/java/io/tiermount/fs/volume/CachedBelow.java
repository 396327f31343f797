package io.tiermount.fs.volume;

import io.tiermount.fs.cache.BlockCache;
import io.tiermount.fs.volume.ObjectVolume.Evicted;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicLong;

/** What the cache holds of a mount, by path. */
final class CachedBelow {
  private final BlockCache cache;
  private final String scope;

  CachedBelow(BlockCache cache, String scope) {
    this.cache = cache;
    this.scope = scope;
  }

  /** See {@link ObjectVolume#evict}. */
  Evicted evict(Path inside) throws IOException {
    StringBuilder key = new StringBuilder();
    boolean cut = false;
    for (Path name : inside) {
      KeyNames.Target target = KeyNames.parse(name.toString());
      if (target != null && !name.toString().isEmpty()) {
        // Of a cut name only the beginning is known: all keys that share it go.
        String segment = target.segment();
        cut = segment == null;
        key.append(key.isEmpty() ? "" : "/").append(cut ? target.beginning() : segment);
      }
    }
    String prefix = key.toString();
    boolean open = cut || prefix.isEmpty();
    AtomicLong files = new AtomicLong();
    long bytes =
        cache.evictAll(
            scope,
            cached -> {
              boolean in = open ? cached.key().startsWith(prefix) : below(cached.key(), prefix);
              files.addAndGet(in ? 1 : 0);
              return in;
            });
    return new Evicted(files.get(), bytes);
  }

  private static boolean below(String key, String prefix) {
    return key.equals(prefix) || key.startsWith(prefix + "/");
  }
}
