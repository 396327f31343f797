package io.tiermount.fs.write;

import io.tiermount.backends.ObjectStore;
import io.tiermount.backends.ReadTarget;
import io.tiermount.backends.StoreException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntConsumer;

/** A file in memory, the base that it came from, and what was told to its journal. Any thread. */
final class TestContent implements PublishContent, UploadLog {
  static final int MIB = 1 << 20;

  final byte[] bytes;
  private final byte[] base;
  private final List<String> open = new ArrayList<>();
  private final List<String> known = new ArrayList<>();
  private final AtomicInteger reading = new AtomicInteger();
  private final AtomicInteger mostReading = new AtomicInteger();
  private final AtomicInteger reads = new AtomicInteger();
  volatile boolean same = true;

  /** Runs after each read, with the number of the read. */
  volatile IntConsumer afterRead = number -> {};

  TestContent(byte[] bytes) {
    this(bytes, new byte[0]);
  }

  TestContent(byte[] bytes, byte[] base) {
    this.bytes = bytes;
    this.base = base;
  }

  static byte[] random(long seed, int size) {
    byte[] bytes = new byte[size];
    new Random(seed).nextBytes(bytes);
    return bytes;
  }

  static byte[] readAll(ObjectStore store, String key) throws StoreException {
    int size = Math.toIntExact(store.head(key).orElseThrow().sizeBytes());
    ByteBuffer target = ByteBuffer.allocate(size);
    store.read(key, null, 0, Long.MAX_VALUE, ReadTarget.into(target));
    return target.array();
  }

  @Override
  public long sizeBytes() {
    return bytes.length;
  }

  @Override
  public int read(long offsetBytes, ByteBuffer target) {
    mostReading.accumulateAndGet(reading.incrementAndGet(), Math::max);
    int count = (int) Math.min(target.remaining(), bytes.length - offsetBytes);
    target.put(bytes, (int) offsetBytes, count);
    reading.decrementAndGet();
    afterRead.accept(reads.incrementAndGet());
    return count;
  }

  int mostReading() {
    return mostReading.get();
  }

  @Override
  public boolean unchanged(long offsetBytes, long lengthBytes) {
    int from = (int) offsetBytes;
    int to = (int) (offsetBytes + lengthBytes);
    return to <= Math.min(base.length, bytes.length)
        && Arrays.equals(bytes, from, to, base, from, to);
  }

  @Override
  public boolean stillSame() {
    return same;
  }

  @Override
  public synchronized void begun(String key, String uploadId) {
    open.add(key + " " + uploadId);
    known.add(uploadId);
  }

  @Override
  public synchronized void ended(String key, String uploadId) {
    open.remove(key + " " + uploadId);
  }

  /** Uploads begun and not ended, as "key id". */
  synchronized List<String> open() {
    return List.copyOf(open);
  }

  synchronized List<String> knownUploads() {
    return List.copyOf(known);
  }
}
