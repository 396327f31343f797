package io.tiermount.fs.cache;

import io.tiermount.backends.ReadTarget;
import io.tiermount.backends.StoreException;
import io.tiermount.backends.StoreException.Kind;
import io.tiermount.backends.Version;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;

/** A content whose bytes follow from its seed; remembers what was asked of it. */
final class CountingSource implements BlockSource {
  private static final int PIECE_BYTES = 48 << 10;

  record Range(long offsetBytes, long lengthBytes) {}

  final ContentKey key;
  final long sizeBytes;
  final List<Range> fetched = new CopyOnWriteArrayList<>();

  /** Where set, every piece takes a permit. */
  volatile @Nullable Semaphore gate;

  /** Where set, thrown after this many bytes of a fetch. */
  volatile long failAfterBytes = -1;

  private final long seed;

  CountingSource(String name, long sizeBytes) {
    this.key = new ContentKey("scope", name, new Version("v1"));
    this.sizeBytes = sizeBytes;
    seed = name.hashCode() * 0x9E3779B97F4A7C15L;
  }

  byte at(long offsetBytes) {
    long x = seed + (offsetBytes >>> 3) * 0xD1B54A32D192ED03L;
    x = (x ^ (x >>> 29)) * 0xBF58476D1CE4E5B9L;
    return (byte) ((x ^ (x >>> 32)) >>> ((offsetBytes & 7) * 8) | 1);
  }

  byte[] bytes(long offsetBytes, int length) {
    byte[] bytes = new byte[length];
    for (int i = 0; i < length; i++) {
      bytes[i] = at(offsetBytes + i);
    }
    return bytes;
  }

  @Override
  public void fetch(long offsetBytes, long lengthBytes, ReadTarget target) throws StoreException {
    fetched.add(new Range(offsetBytes, lengthBytes));
    if (offsetBytes < 0 || lengthBytes <= 0 || offsetBytes + lengthBytes > sizeBytes) {
      throw new StoreException(Kind.INVALID, key.key(), "asked for a range outside");
    }
    for (long done = 0; done < lengthBytes; ) {
      Semaphore waitFor = gate;
      if (waitFor != null) {
        waitFor.acquireUninterruptibly();
      }
      if (failAfterBytes >= 0 && done >= failAfterBytes) {
        throw new StoreException(Kind.UNAVAILABLE, key.key(), "told to fail");
      }
      int count = (int) Math.min(PIECE_BYTES, lengthBytes - done);
      try {
        target.accept(ByteBuffer.wrap(bytes(offsetBytes + done, count)));
      } catch (IOException e) {
        throw new StoreException(Kind.LOCAL_IO, key.key(), "the target failed", e);
      }
      done += count;
    }
  }
}
