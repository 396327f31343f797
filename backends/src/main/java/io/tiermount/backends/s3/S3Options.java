package io.tiermount.backends.s3;

import io.tiermount.backends.Credentials;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Where an S3 bucket is and how it is spoken to.
 *
 * @param bucket its name
 * @param endpoint null for AWS itself; else http(s)://host:port
 * @param region null: from the environment or profile, else us-east-1
 * @param pathStyle bucket in the path instead of the host name
 * @param credentials how requests are signed
 * @param verifyTls false accepts any certificate
 * @param caBundle PEM file of the only authorities accepted; null for the JVM's
 * @param multipart false never makes a multipart upload
 * @param maxConnections HTTP connections to the endpoint
 * @param deadline longest time without progress before a call fails
 * @param maxRetries retries after the first try on 5xx, throttling, resets and stalls
 * @param retryBase delay before retry n is at least {@code retryBase × 2^(n−1)}, jitter on top,
 *     capped at 20 s
 * @param put headers of what is written
 */
public record S3Options(
    String bucket,
    @Nullable URI endpoint,
    @Nullable String region,
    boolean pathStyle,
    Credentials credentials,
    boolean verifyTls,
    @Nullable Path caBundle,
    boolean multipart,
    int maxConnections,
    Duration deadline,
    int maxRetries,
    Duration retryBase,
    PutOptions put) {
  /** With the bucket's own defaults for what is written. */
  public S3Options(
      String bucket,
      @Nullable URI endpoint,
      @Nullable String region,
      boolean pathStyle,
      Credentials credentials,
      boolean verifyTls,
      @Nullable Path caBundle,
      boolean multipart,
      int maxConnections,
      Duration deadline,
      int maxRetries,
      Duration retryBase) {
    this(
        bucket,
        endpoint,
        region,
        pathStyle,
        credentials,
        verifyTls,
        caBundle,
        multipart,
        maxConnections,
        deadline,
        maxRetries,
        retryBase,
        PutOptions.DEFAULTS);
  }

  /** The same bucket, signed differently. */
  public S3Options withCredentials(Credentials other) {
    return new S3Options(
        bucket,
        endpoint,
        region,
        pathStyle,
        other,
        verifyTls,
        caBundle,
        multipart,
        maxConnections,
        deadline,
        maxRetries,
        retryBase,
        put);
  }
}
