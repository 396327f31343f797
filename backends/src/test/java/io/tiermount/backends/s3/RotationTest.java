package io.tiermount.backends.s3;

import static io.tiermount.backends.StoreFixture.random;
import static org.assertj.core.api.Assertions.assertThat;

import io.tiermount.backends.ByteSource;
import io.tiermount.backends.ListRequest;
import io.tiermount.backends.ObjectAttributes;
import io.tiermount.backends.Upload;
import io.tiermount.backends.WriteCondition;
import io.tiermount.backends.strict.KeyFile;
import io.tiermount.backends.strict.StrictS3Server;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Keys rotate under load, each pair expiring as the next is written: nobody sees an error. */
final class RotationTest extends StrictStoreTest {
  private static final int ROTATIONS = 60;
  private static final int WORKERS = 6;

  /** Calls that must have come through between two rotations: the load is a load. */
  private static final int CALLS_BETWEEN = 12;

  @Test
  void k7_sixty_rotations_under_load_are_seen_by_no_call(@TempDir Path directory) throws Exception {
    StrictS3Server server = server();
    KeyFile keys = new KeyFile(server, directory);
    keys.renew();
    S3Options options =
        S3TestStores.options(server.endpoint(), KeyFile.credentials(), PATIENT, 3, true, null);
    S3Store store = closing(new S3Store(options, S3Tuning.SERVICE, keys.environment()));
    AtomicBoolean over = new AtomicBoolean();
    AtomicLong calls = new AtomicLong();
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<?>> workers = new ArrayList<>();
      for (int i = 0; i < WORKERS; i++) {
        int worker = i;
        workers.add(
            threads.submit(() -> {
              for (int round = 0; !over.get(); round++) {
                work(store, worker + "/" + round % 7, round);
                calls.incrementAndGet();
              }
              return null;
            }));
      }
      try {
        for (int i = 0; i < ROTATIONS; i++) {
          long before = calls.get();
          while (calls.get() < before + CALLS_BETWEEN
              && workers.stream().noneMatch(Future::isDone)) {
            Thread.sleep(1);
          }
          keys.rotate();
        }
      } finally {
        over.set(true);
      }
      for (Future<?> worker : workers) {
        worker.get();
      }
    }
    assertThat(calls.get()).isGreaterThanOrEqualTo((long) ROTATIONS * CALLS_BETWEEN);
    assertThat(store.toString())
        .contains(keys.accessKey().substring(keys.accessKey().length() - 4));
  }

  private static void work(S3Store store, String key, int round) throws Exception {
    byte[] bytes = random(round, 100 + round % 900);
    switch (round % 4) {
      case 0 -> {
        Upload upload = store.startUpload(key, ObjectAttributes.NONE);
        upload.part(1, ByteSource.of(bytes));
        upload.complete(WriteCondition.ALWAYS);
      }
      case 1 -> {
        store.list(ListRequest.directory(""));
        store.delete(key);
        assertThat(store.head(key)).isEmpty();
        return;
      }
      default -> put(store, key, bytes);
    }
    assertThat(store.head(key)).isPresent();
    assertThat(read(store, key, null, bytes.length)).isEqualTo(bytes);
  }
}
