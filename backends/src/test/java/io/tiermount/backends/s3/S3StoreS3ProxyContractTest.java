package io.tiermount.backends.s3;

import io.tiermount.backends.Credentials;
import io.tiermount.backends.ObjectStore;
import io.tiermount.backends.ObjectStoreContract;
import io.tiermount.backends.strict.S3Proxy;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.jspecify.annotations.Nullable;

/** S3Store against s3proxy, one server for all tests and a new bucket for each. */
final class S3StoreS3ProxyContractTest extends ObjectStoreContract {
  @TempDir @Nullable Path directory;
  private @Nullable S3Proxy server;
  private int buckets;

  @BeforeAll
  @Timeout(300)
  void start() throws Exception {
    server = S3Proxy.start(Objects.requireNonNull(directory));
  }

  @AfterAll
  void stop() {
    if (server != null) {
      server.close();
    }
  }

  @Override
  protected ObjectStore newStore() throws Exception {
    S3Proxy running = Objects.requireNonNull(server);
    String bucket = "bucket-" + ++buckets;
    running.createBucket(bucket);
    return new S3Store(
        new S3Options(
            bucket,
            running.endpoint(),
            null,
            true,
            new Credentials.S3Static(S3Proxy.ACCESS_KEY, S3Proxy.SECRET_KEY, null),
            true,
            null,
            true,
            32,
            Duration.ofSeconds(60),
            3,
            S3TestStores.RETRY_BASE));
  }
}
