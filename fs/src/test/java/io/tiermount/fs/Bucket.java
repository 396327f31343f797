package io.tiermount.fs;

import io.tiermount.backends.ByteSource;
import io.tiermount.backends.CallLog;
import io.tiermount.backends.FaultyStore;
import io.tiermount.backends.ListRequest;
import io.tiermount.backends.MemoryStore;
import io.tiermount.backends.ObjectAttributes;
import io.tiermount.backends.ObjectInfo;
import io.tiermount.backends.WriteCondition;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/**
 * A bucket in memory and the hand that fills it beside the mount; what it writes is not counted.
 */
final class Bucket {
  private final MemoryStore store;
  private final FaultyStore faulty;

  Bucket() {
    this(false);
  }

  /**
   * @param uniqueVersions a copy's version is another one, as for large objects and on other stores
   */
  Bucket(boolean uniqueVersions) {
    store = new MemoryStore(MemoryStore.S3_LIMITS, uniqueVersions, InstantSource.system());
    faulty = new FaultyStore(store);
  }

  MemoryStore store() {
    return store;
  }

  /** The same with faults where a test asks for some. */
  FaultyStore faulty() {
    return faulty;
  }

  /** What an object holds; not counted. */
  byte[] content(String key) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    store.read(
        key,
        null,
        0,
        Long.MAX_VALUE,
        part -> {
          byte[] bytes = new byte[part.remaining()];
          part.get(bytes);
          out.writeBytes(bytes);
        });
    return out.toByteArray();
  }

  String text(String key) throws IOException {
    return new String(content(key), StandardCharsets.UTF_8);
  }

  boolean has(String key) throws IOException {
    return store.head(key).isPresent();
  }

  /** User metadata; empty where there is no such object. */
  Map<String, String> metadata(String key) throws IOException {
    return store.head(key).map(ObjectInfo::metadata).orElse(Map.of());
  }

  /** Every object there is. */
  List<ObjectInfo> objects() throws IOException {
    return store.list(new ListRequest("", null, null, null, ListRequest.MAX_KEYS)).objects();
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
