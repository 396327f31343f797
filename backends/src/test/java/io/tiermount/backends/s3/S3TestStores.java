package io.tiermount.backends.s3;

import io.tiermount.backends.Credentials;
import io.tiermount.backends.strict.StrictS3Server;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

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
}
