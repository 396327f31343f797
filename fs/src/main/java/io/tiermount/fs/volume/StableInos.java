package io.tiermount.fs.volume;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/**
 * st_ino of names: 63 bits of SHA-256 over scope and key, the same on every node and after every
 * restart, and no two alike in practice.
 */
record StableInos(String scope) {
  long of(String path) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      digest.update(scope.getBytes(StandardCharsets.UTF_8));
      digest.update((byte) 0);
      byte[] bytes = digest.digest(path.getBytes(StandardCharsets.UTF_8));
      return ByteBuffer.wrap(bytes).getLong() & Long.MAX_VALUE;
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every JDK has SHA-256", e);
    }
  }
}
