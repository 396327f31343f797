package io.tiermount.fs.volume;

import io.tiermount.backends.Version;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * {@link Facts} as bytes in the index. The first byte is the form's number: another form reads as
 * "nothing known", since facts may always be lost.
 */
final class FactsCodec {
  private static final byte FORM = 2;
  private static final int DIRECTORY = 1;
  private static final int POSIX = 2;

  private FactsCodec() {}

  static byte[] encode(Facts facts) {
    byte[] key = bytes(facts.key());
    byte[] version = bytes(facts.version() == null ? null : facts.version().token());
    byte[] type = bytes(facts.contentType());
    ByteBuffer out = ByteBuffer.allocate(98 + key.length + version.length + type.length);
    out.put(FORM)
        .put((byte) ((facts.directory() ? DIRECTORY : 0) | (facts.posix() != null ? POSIX : 0)))
        .putLong(facts.seenAtMillis())
        .putLong(facts.sizeBytes())
        .putLong(facts.modifiedNanos())
        .putShort((short) key.length)
        .put(key)
        .putShort((short) version.length)
        .put(version)
        .putShort((short) type.length)
        .put(type);
    if (facts.posix() != null) {
      encode(facts.posix(), out);
    }
    byte[] bytes = new byte[out.position()];
    out.get(0, bytes);
    return bytes;
  }

  private static byte[] bytes(@Nullable String text) {
    return text == null ? new byte[0] : text.getBytes(StandardCharsets.UTF_8);
  }

  private static void encode(PosixMetadata posix, ByteBuffer out) {
    int present = out.position();
    out.put((byte) 0);
    int bits = 0;
    @Nullable Integer[] ints = {posix.mode(), posix.uid(), posix.gid(), posix.rdev()};
    for (int i = 0; i < ints.length; i++) {
      Integer value = ints[i];
      if (value != null) {
        bits |= 1 << i;
        out.putInt(value);
      }
    }
    @Nullable Long[] longs = {posix.mtimeNanos(), posix.ctimeNanos(), posix.atimeNanos()};
    for (int i = 0; i < longs.length; i++) {
      Long value = longs[i];
      if (value != null) {
        bits |= 1 << (ints.length + i);
        out.putLong(value);
      }
    }
    out.put(present, (byte) bits);
  }

  /** Null where the bytes are of another form or damaged. */
  static @Nullable Facts decode(byte[] bytes) {
    try {
      ByteBuffer in = ByteBuffer.wrap(bytes);
      if (in.get() != FORM) {
        return null;
      }
      int bits = in.get();
      long seenAt = in.getLong();
      long size = in.getLong();
      long modified = in.getLong();
      String key = text(in);
      String version = text(in);
      String type = text(in);
      return new Facts(
          (bits & DIRECTORY) != 0,
          key.isEmpty() ? null : key,
          version.isEmpty() ? null : new Version(version),
          size,
          modified,
          (bits & POSIX) != 0 ? posix(in) : null,
          seenAt,
          type.isEmpty() ? null : type);
    } catch (BufferUnderflowException | IllegalArgumentException e) {
      return null;
    }
  }

  private static String text(ByteBuffer in) {
    byte[] bytes = new byte[in.getShort() & 0xFFFF];
    in.get(bytes);
    return new String(bytes, StandardCharsets.UTF_8);
  }

  private static PosixMetadata posix(ByteBuffer in) {
    int bits = in.get();
    if (bits == 0) {
      return PosixMetadata.NONE;
    }
    return new PosixMetadata(
        (bits & 1) != 0 ? in.getInt() : null,
        (bits & 2) != 0 ? in.getInt() : null,
        (bits & 4) != 0 ? in.getInt() : null,
        (bits & 8) != 0 ? in.getInt() : null,
        (bits & 16) != 0 ? in.getLong() : null,
        (bits & 32) != 0 ? in.getLong() : null,
        (bits & 64) != 0 ? in.getLong() : null);
  }
}
