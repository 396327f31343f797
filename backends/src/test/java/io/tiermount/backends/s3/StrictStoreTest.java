package io.tiermount.backends.s3;

import io.tiermount.backends.ByteSource;
import io.tiermount.backends.ObjectAttributes;
import io.tiermount.backends.ObjectInfo;
import io.tiermount.backends.ReadTarget;
import io.tiermount.backends.StoreException;
import io.tiermount.backends.Version;
import io.tiermount.backends.WriteCondition;
import io.tiermount.backends.strict.StrictS3Options;
import io.tiermount.backends.strict.StrictS3Server;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;

/** What tests over the strict server share: servers and stores that end with the test. */
abstract class StrictStoreTest {
  static final Duration PATIENT = Duration.ofSeconds(30);

  private final List<AutoCloseable> opened = new ArrayList<>();

  final StrictS3Server server(StrictS3Options options) throws Exception {
    StrictS3Server server = StrictS3Server.start(options);
    opened.add(server);
    server.createBucket("bucket");
    return server;
  }

  final StrictS3Server server() throws Exception {
    return server(StrictS3Options.DEFAULTS);
  }

  final S3Store store(StrictS3Server server) {
    return store(S3TestStores.options(server, PATIENT), S3Tuning.SERVICE);
  }

  final S3Store store(S3Options options, S3Tuning tuning) {
    return closing(new S3Store(options, tuning));
  }

  final S3Store closing(S3Store store) {
    opened.add(store);
    return store;
  }

  @AfterEach
  final void closeAll() throws Exception {
    for (AutoCloseable each : opened.reversed()) {
      each.close();
    }
  }

  static ObjectInfo put(S3Store store, String key, byte[] bytes) throws StoreException {
    return store.put(key, ByteSource.of(bytes), ObjectAttributes.NONE, WriteCondition.ALWAYS);
  }

  static byte[] read(S3Store store, String key, @Nullable Version version, int length)
      throws StoreException {
    ByteBuffer buffer = ByteBuffer.allocate(length);
    store.read(key, version, 0, length, ReadTarget.into(buffer));
    return Arrays.copyOf(buffer.array(), buffer.position());
  }
}
