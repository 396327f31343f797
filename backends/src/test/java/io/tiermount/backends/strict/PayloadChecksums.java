package io.tiermount.backends.strict;

import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/** The checksums S3 knows, base64 of their big-endian bytes. */
final class PayloadChecksums {
  static final List<String> NAMES =
      List.of(
          "x-amz-checksum-crc32",
          "x-amz-checksum-crc32c",
          "x-amz-checksum-crc64nvme",
          "x-amz-checksum-sha1",
          "x-amz-checksum-sha256",
          "content-md5");

  // CRC-64/NVME: polynomial 0xAD93D23594C93659, reflected, initial value and final xor all ones.
  private static final long CRC64_REFLECTED = Long.reverse(0xAD93D23594C93659L);

  private PayloadChecksums() {}

  /** Checks every checksum that was sent. */
  static void verify(byte[] payload, Map<String, String> sent) throws S3Refusal {
    for (String name : NAMES) {
      String value = sent.get(name);
      if (value != null && !value.equals(compute(name, payload))) {
        throw new S3Refusal(400, "BadDigest", name + " is not that of the payload");
      }
    }
  }

  static @Nullable String compute(String name, byte[] bytes) {
    return switch (name) {
      case "x-amz-checksum-crc32" -> {
        CRC32 crc = new CRC32();
        crc.update(bytes);
        yield base64(ByteBuffer.allocate(4).putInt((int) crc.getValue()).array());
      }
      case "x-amz-checksum-crc32c" -> {
        CRC32C crc = new CRC32C();
        crc.update(bytes);
        yield base64(ByteBuffer.allocate(4).putInt((int) crc.getValue()).array());
      }
      case "x-amz-checksum-crc64nvme" ->
          base64(ByteBuffer.allocate(8).putLong(crc64(bytes)).array());
      case "x-amz-checksum-sha1" -> digest("SHA-1", bytes);
      case "x-amz-checksum-sha256" -> digest("SHA-256", bytes);
      case "content-md5" -> digest("MD5", bytes);
      default -> null;
    };
  }

  private static long crc64(byte[] bytes) {
    long crc = -1L;
    for (byte b : bytes) {
      crc ^= b & 0xff;
      for (int bit = 0; bit < 8; bit++) {
        crc = (crc & 1) == 0 ? crc >>> 1 : (crc >>> 1) ^ CRC64_REFLECTED;
      }
    }
    return ~crc;
  }

  private static String digest(String algorithm, byte[] bytes) {
    try {
      return base64(MessageDigest.getInstance(algorithm).digest(bytes));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  private static String base64(byte[] bytes) {
    return Base64.getEncoder().encodeToString(bytes);
  }
}
