package io.tiermount.backends.strict;

import io.tiermount.backends.MemoryStore;
import io.tiermount.backends.StoreLimits;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/**
 * How the strict server behaves.
 *
 * @param requireChecksum a payload without a checksum or MD5 is refused
 * @param onlyPrefix every request outside is ACCESS_DENIED, the bucket itself too; null for none
 * @param tls speaks https with it; null for http
 * @param maxCopyBytes largest CopyObject
 * @param minPartBytes smallest part but the last
 */
public record StrictS3Options(
    String accessKey,
    String secretKey,
    String region,
    boolean requireChecksum,
    @Nullable String onlyPrefix,
    @Nullable SSLContext tls,
    long maxCopyBytes,
    long minPartBytes) {
  public static final StrictS3Options DEFAULTS =
      new StrictS3Options(
          "STRICTACCESSKEY",
          TestSecrets.of("strict"),
          "us-east-1",
          false,
          null,
          null,
          5L << 30,
          MemoryStore.S3_LIMITS.minPartBytes());

  public StrictS3Options withOnlyPrefix(String prefix) {
    return new StrictS3Options(
        accessKey, secretKey, region, requireChecksum, prefix, tls, maxCopyBytes, minPartBytes);
  }

  public StrictS3Options withTls(SSLContext context) {
    return new StrictS3Options(
        accessKey,
        secretKey,
        region,
        requireChecksum,
        onlyPrefix,
        context,
        maxCopyBytes,
        minPartBytes);
  }

  public StrictS3Options withRequireChecksum() {
    return new StrictS3Options(
        accessKey, secretKey, region, true, onlyPrefix, tls, maxCopyBytes, minPartBytes);
  }

  public StrictS3Options withRegion(String name) {
    return new StrictS3Options(
        accessKey, secretKey, name, requireChecksum, onlyPrefix, tls, maxCopyBytes, minPartBytes);
  }

  public StrictS3Options withLimits(long copyBytes, long partBytes) {
    return new StrictS3Options(
        accessKey, secretKey, region, requireChecksum, onlyPrefix, tls, copyBytes, partBytes);
  }

  StoreLimits limits() {
    StoreLimits s3 = MemoryStore.S3_LIMITS;
    // Room for the system headers that are kept beside the user's metadata (StoredHeaders).
    return new StoreLimits(
        s3.maxPutBytes(),
        minPartBytes,
        s3.maxPartBytes(),
        s3.maxParts(),
        s3.maxObjectBytes(),
        s3.maxKeyBytes(),
        64 << 10,
        false,
        true,
        true);
  }
}
