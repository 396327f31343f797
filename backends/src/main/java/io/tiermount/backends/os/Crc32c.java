package io.tiermount.backends.os;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/** CRC-32C (Castagnoli, RFC 3720 appendix B.4), computed by the CPU's instruction. */
public final class Crc32c {
  private Crc32c() {}

  /** Of a whole segment of at most 2 GiB, on or off heap. */
  public static int of(MemorySegment bytes) {
    CRC32C crc = new CRC32C();
    crc.update(bytes.asByteBuffer());
    return (int) crc.getValue();
  }

  /** Of a range; nothing is copied. */
  public static int of(MemorySegment bytes, long offset, long length) {
    return of(bytes.asSlice(offset, length));
  }

  /** Of a range of a direct or array buffer by absolute index; the buffer's position stays. */
  public static int of(ByteBuffer bytes, int offset, int length) {
    CRC32C crc = new CRC32C();
    crc.update(bytes.slice(offset, length));
    return (int) crc.getValue();
  }

  /** Of a range of an array. */
  public static int of(byte[] bytes, int offset, int length) {
    CRC32C crc = new CRC32C();
    crc.update(bytes, offset, length);
    return (int) crc.getValue();
  }
}
