package io.tiermount.backends;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.tiermount.backends.StoreException.Kind;
import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** An upload to a {@link MemoryStore}. */
final class MemoryUpload implements Upload {
  private final MemoryStore store;
  private final String key;
  private final String uploadId;
  private final ObjectAttributes attributes;

  @GuardedBy("this")
  private final TreeMap<Integer, byte[]> parts = new TreeMap<>();

  @GuardedBy("this")
  private @Nullable ObjectInfo completed;

  MemoryUpload(MemoryStore store, String key, String uploadId, ObjectAttributes attributes) {
    this.store = store;
    this.key = key;
    this.uploadId = uploadId;
    this.attributes = attributes;
  }

  String key() {
    return key;
  }

  @Override
  public String uploadId() {
    return uploadId;
  }

  @Override
  public void part(int number, ByteSource body) throws StoreException {
    store.begin("PART " + key + " " + number + " " + body.sizeBytes(), key);
    checkPart(number, body.sizeBytes());
    keep(number, MemoryStore.readAll(key, body));
  }

  @Override
  public void copyPart(
      int number, String sourceKey, Version sourceVersion, long offsetBytes, long lengthBytes)
      throws StoreException {
    String range = " " + offsetBytes + "+" + lengthBytes;
    store.begin("COPYPART " + key + " " + number + " " + sourceKey + range, key);
    checkPart(number, lengthBytes);
    byte[] source = store.content(sourceKey, sourceVersion);
    if (offsetBytes < 0 || lengthBytes < 1 || lengthBytes > source.length - offsetBytes) {
      throw new StoreException(Kind.INVALID, key, sourceKey + " does not reach over" + range);
    }
    int from = (int) offsetBytes;
    keep(number, Arrays.copyOfRange(source, from, from + (int) lengthBytes));
  }

  private void checkPart(int number, long sizeBytes) throws StoreException {
    StoreLimits limits = store.limits();
    if (number < 1 || number > limits.maxParts()) {
      throw new StoreException(Kind.INVALID, key, "part number " + number + " is out of range");
    }
    if (sizeBytes > limits.maxPartBytes()) {
      throw new StoreException(Kind.TOO_LARGE, key, "part " + number + " is too large");
    }
  }

  private synchronized void keep(int number, byte[] bytes) throws StoreException {
    requirePending();
    parts.put(number, bytes);
  }

  @Override
  public synchronized ObjectInfo complete(WriteCondition condition) throws StoreException {
    store.begin("COMPLETE " + key + CallLog.suffix(condition), key);
    if (completed != null) {
      return completed;
    }
    requirePending();
    checkParts();
    ByteArrayOutputStream whole = new ByteArrayOutputStream();
    ByteArrayOutputStream digests = new ByteArrayOutputStream();
    for (byte[] part : parts.values()) {
      whole.writeBytes(part);
      digests.writeBytes(HexFormat.of().parseHex(MemoryStore.md5(part)));
    }
    String tag = MemoryStore.md5(digests.toByteArray()) + "-" + parts.size();
    completed = store.store(key, whole.toByteArray(), tag, attributes, condition);
    store.forget(this);
    return completed;
  }

  @GuardedBy("this")
  private void checkParts() throws StoreException {
    int expected = 1;
    for (Map.Entry<Integer, byte[]> part : parts.entrySet()) {
      if (part.getKey() != expected++) {
        throw new StoreException(Kind.INVALID, key, "part " + (expected - 1) + " is missing");
      }
      if (part.getValue().length < store.limits().minPartBytes()
          && !part.getKey().equals(parts.lastKey())) {
        throw new StoreException(Kind.INVALID, key, "part " + part.getKey() + " is too small");
      }
    }
    if (parts.isEmpty()) {
      throw new StoreException(Kind.INVALID, key, "an upload of no parts can't be completed");
    }
  }

  @Override
  public void abort() throws StoreException {
    store.begin("ABORT " + key, key);
    store.forget(this);
  }

  private void requirePending() throws StoreException {
    if (!store.isPending(this)) {
      throw new StoreException(Kind.NOT_FOUND, key, "there is no upload " + uploadId);
    }
  }
}
