package io.tiermount.fs;

import io.tiermount.backends.ByteSource;
import io.tiermount.backends.CallLog;
import io.tiermount.backends.MemoryStore;
import io.tiermount.backends.ObjectAttributes;
import io.tiermount.backends.WriteCondition;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/**
 * A bucket in memory and the hand that fills it beside the mount; what it writes is not counted.
 */
final class Bucket {
  private final MemoryStore store = new MemoryStore();

  MemoryStore store() {
    return store;
  }

  CallLog calls() {
    return store.calls();
  }

  Bucket put(String key, String text) throws IOException {
    return put(key, text.getBytes(StandardCharsets.UTF_8));
  }

  Bucket put(String key, byte[] bytes) throws IOException {
    return put(key, bytes, null, Map.of());
  }

  Bucket put(String key, byte[] bytes, @Nullable String type, Map<String, String> metadata)
      throws IOException {
    store.put(
        key, ByteSource.of(bytes), new ObjectAttributes(type, metadata), WriteCondition.ALWAYS);
    store.calls().drain();
    return this;
  }

  Bucket delete(String key) throws IOException {
    store.delete(key);
    store.calls().drain();
    return this;
  }

  /** Bytes that are the same for the same size and seed. */
  static byte[] bytes(int size, long seed) {
    byte[] bytes = new byte[size];
    new Random(seed).nextBytes(bytes);
    return bytes;
  }
}
