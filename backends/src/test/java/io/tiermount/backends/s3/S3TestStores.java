package io.tiermount.backends.s3;

import io.tiermount.backends.Credentials;
import io.tiermount.backends.strict.StrictS3Server;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.http.apache5.Apache5HttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;

/** Options of stores for tests: patient enough for a loaded machine, quick to try again. */
final class S3TestStores {
  static final Duration RETRY_BASE = Duration.ofMillis(5);

  private S3TestStores() {}

  static S3Options options(StrictS3Server server, Duration deadline) {
    Credentials keys =
        new Credentials.S3Static(server.options().accessKey(), server.options().secretKey(), null);
    return options(server.endpoint(), keys, deadline, 3, true, null);
  }

  static S3Options options(
      URI endpoint,
      Credentials credentials,
      Duration deadline,
      int retries,
      boolean verifyTls,
      @Nullable Path caBundle) {
    return new S3Options(
        "bucket",
        endpoint,
        "us-east-1",
        true,
        credentials,
        verifyTls,
        caBundle,
        true,
        32,
        deadline,
        retries,
        RETRY_BASE);
  }

  static S3Options withRetries(S3Options options, int retries) {
    return new S3Options(
        options.bucket(),
        options.endpoint(),
        options.region(),
        options.pathStyle(),
        options.credentials(),
        options.verifyTls(),
        options.caBundle(),
        options.multipart(),
        options.maxConnections(),
        options.deadline(),
        retries,
        options.retryBase());
  }

  /** The SDK as other programs use it: chunked signatures, checksums wherever it can. */
  static S3Client raw(StrictS3Server server) {
    return S3Client.builder()
        .httpClientBuilder(Apache5HttpClient.builder())
        .endpointOverride(server.endpoint())
        .region(Region.US_EAST_1)
        .forcePathStyle(true)
        .credentialsProvider(
            StaticCredentialsProvider.create(
                AwsBasicCredentials.create(
                    server.options().accessKey(), server.options().secretKey())))
        .build();
  }
}
