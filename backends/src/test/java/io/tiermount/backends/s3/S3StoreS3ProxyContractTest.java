package io.tiermount.backends.s3;

import io.tiermount.backends.Credentials;
import io.tiermount.backends.ObjectStore;
import io.tiermount.backends.ObjectStoreContract;
import io.tiermount.backends.strict.S3Proxy;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Disabled;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** S3Store against s3proxy, one server for all tests and a new bucket for each. */
final class S3StoreS3ProxyContractTest extends ObjectStoreContract {
  private @Nullable S3Proxy server;
  private int buckets;

  @BeforeAll
  @Timeout(300)
  void start(@TempDir Path directory) throws Exception {
    server = S3Proxy.start(directory);
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

  // What s3proxy is known to get wrong, test by test. The strict server runs them all.

  @Override
  @Test
  @Disabled("s3proxy 4.1.0 takes parts of an upload that was aborted")
  public void a_resumed_upload_that_is_gone_fails_at_first_use() {}

  @Override
  @Test
  @Disabled("s3proxy 4.1.0 takes parts of an upload that was aborted")
  public void an_aborted_upload_leaves_nothing_and_aborts_again() {}

  @Override
  @Test
  @Disabled("s3proxy 4.1.0 on a file system: a key beside keys below it gives 500")
  public void an_object_may_stand_beside_keys_below_it() {}

  @Override
  @Test
  @Disabled("s3proxy 4.1.0 on a file system: a key beside keys below it gives 500")
  public void deleting_is_idempotent_and_exact() {}

  @Override
  @Test
  @Disabled("s3proxy 4.1.0 on a file system: a key beside keys below it gives 500")
  public void order_is_that_of_the_utf_8_bytes() {}

  @Override
  @Test
  @Disabled("s3proxy 4.1.0: a key that begins with a slash gives SignatureDoesNotMatch")
  public void each_odd_key_is_an_object_of_its_own() {}

  @Override
  @Test
  @Disabled("s3proxy 4.1.0: a key that begins with a slash gives SignatureDoesNotMatch")
  public void odd_keys_are_found_as_prefix_and_start_after() {}

  @Override
  @Test
  @Disabled("s3proxy 4.1.0 answers uploads of keys with control characters with broken XML")
  public void odd_keys_can_be_copied_and_uploaded() {}

  @Override
  @Test
  @Disabled("s3proxy 4.1.0 forgets Expires at an upload in parts")
  public void an_upload_has_its_headers() {}

  @Override
  @Test
  @Disabled("s3proxy 4.1.0 forgets Expires at a copy")
  public void copies_keep_the_headers_unless_they_bring_their_own() {}
}
