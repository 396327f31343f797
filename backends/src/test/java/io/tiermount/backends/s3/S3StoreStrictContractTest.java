package io.tiermount.backends.s3;

import io.tiermount.backends.ObjectStore;
import io.tiermount.backends.ObjectStoreContract;
import io.tiermount.backends.strict.StrictS3Server;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** S3Store against the strict server, a new one for each test. */
final class S3StoreStrictContractTest extends ObjectStoreContract {
  private @Nullable StrictS3Server server;

  @Override
  protected ObjectStore newStore() throws Exception {
    StrictS3Server fresh = StrictS3Server.start();
    fresh.createBucket("bucket");
    server = fresh;
    return new S3Store(S3TestStores.options(fresh, Duration.ofSeconds(60)));
  }

  @Override
  protected void cleanUp() throws Exception {
    if (server != null) {
      server.close();
    }
  }
}
