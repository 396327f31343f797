package io.tiermount.backends.s3;

import static io.tiermount.backends.StoreFixture.assertFails;
import static io.tiermount.backends.StoreFixture.failure;
import static org.assertj.core.api.Assertions.assertThat;

import io.tiermount.backends.ByteSource;
import io.tiermount.backends.Credentials;
import io.tiermount.backends.ListRequest;
import io.tiermount.backends.MeteredStore;
import io.tiermount.backends.ObjectAttributes;
import io.tiermount.backends.PrefixedStore;
import io.tiermount.backends.ReadTarget;
import io.tiermount.backends.StoreException;
import io.tiermount.backends.StoreException.Kind;
import io.tiermount.backends.StoreMeter;
import io.tiermount.backends.Upload;
import io.tiermount.backends.WriteCondition;
import io.tiermount.backends.s3.keys.AwsEnvironment;
import io.tiermount.backends.strict.KeyFile;
import io.tiermount.backends.strict.StrictS3Server;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Keys that expire, change, are missing or wrong, as the calls of a store see them. */
final class KeyRenewalTest extends StrictStoreTest {
  @TempDir private Path directory = Path.of("");
  private StrictS3Server server;
  private KeyFile keys;

  @BeforeEach
  void prepare() throws Exception {
    server = server();
    keys = new KeyFile(server, directory);
  }

  private S3Store rotated() {
    return store(KeyFile.credentials(), keys.environment());
  }

  private S3Store store(Credentials credentials, AwsEnvironment environment) {
    S3Options options =
        S3TestStores.options(server.endpoint(), credentials, PATIENT, 3, true, null);
    return closing(new S3Store(options, S3Tuning.SERVICE, environment));
  }

  /** Every kind of call goes on after a rotation; a HEAD's refusal has no body that says why. */
  @Test
  void k4_each_call_is_tried_again_with_renewed_keys() throws Exception {
    keys.renew();
    S3Store store = rotated();
    put(store, "k", new byte[10]);
    keys.rotate();
    assertThat(store.head("k")).isPresent();
    keys.rotate();
    assertThat(read(store, "k", null, 10)).hasSize(10);
    keys.rotate();
    assertThat(store.list(ListRequest.directory("")).objects()).hasSize(1);
    keys.rotate();
    put(store, "l", new byte[10]);
    keys.rotate();
    store.copy("k", null, "m", null, WriteCondition.IF_ABSENT);
    keys.rotate();
    Upload upload = store.startUpload("n", ObjectAttributes.NONE);
    keys.rotate();
    upload.part(1, ByteSource.of(new byte[3]));
    keys.rotate();
    upload.complete(WriteCondition.IF_ABSENT);
    keys.rotate();
    store.delete("k");
    assertThat(store.head("k")).isEmpty();
    assertThat(read(store, "n", null, 3)).hasSize(3);
  }

  @Test
  void k4_a_key_that_the_store_forgot_is_renewed_too() throws Exception {
    keys.renew();
    S3Store store = rotated();
    put(store, "k", new byte[10]);
    String old = keys.accessKey();
    keys.renew();
    server.keys().remove(old);
    assertThat(read(store, "k", null, 10)).hasSize(10);
  }

  @Test
  void k4_keys_that_stay_refused_fail_after_one_more_try_and_show_in_the_status() throws Exception {
    keys.renew();
    MeteredStore store =
        new MeteredStore(new PrefixedStore(rotated(), "p/"), InstantSource.system());
    store.list(ListRequest.directory(""));
    server.drain();
    keys.spoil();
    server.keys().expire(keys.accessKey());
    StoreException refused = failure(() -> store.list(ListRequest.directory("")));
    assertThat(refused.kind()).isEqualTo(Kind.KEYS_REFUSED);
    assertThat(server.drain()).hasSizeBetween(2, 3);
    assertThat(store.meter().status().reach()).isEqualTo(StoreMeter.Reach.REFUSED);
    keys.renew();
    assertThat(store.list(ListRequest.directory("")).objects()).isEmpty();
    assertThat(store.meter().status().reach()).isEqualTo(StoreMeter.Reach.REACHABLE);
  }

  /** What a policy denies says nothing about the keys. */
  @Test
  void k4_a_denied_call_asks_for_no_other_keys() throws Exception {
    Path counted = directory.resolve("counted");
    S3Store store = process(counted, "");
    put(store, "k", new byte[1]);
    for (int i = 0; i < 20; i++) {
      server
          .faults()
          .next(
              "GET /bucket/k",
              1,
              new io.tiermount.backends.strict.Fault.Status(403, "AccessDenied"));
      assertFails(Kind.ACCESS_DENIED, () -> read(store, "k", null, 1));
    }
    assertThat(Files.readAllLines(counted)).hasSize(1);
  }

  private S3Store process(Path counted, String end) {
    String json =
        "{\"Version\":1,\"AccessKeyId\":\"%s\",\"SecretAccessKey\":\"%s\"%s}"
            .formatted(server.options().accessKey(), server.options().secretKey(), end);
    return store(
        new Credentials.S3Process(
            List.of("sh", "-c", "echo asked >> '" + counted + "'; echo '" + json + "'")),
        AwsEnvironment.ofProcess());
  }

  @Test
  void k3_many_that_need_keys_at_once_ask_their_source_once() throws Exception {
    Path counted = directory.resolve("counted");
    S3Store store = process(counted, ",\"Expiration\":\"2099-01-01T00:00:00Z\"");
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<?>> calls =
          java.util.stream.IntStream.range(0, 50)
              .<Future<?>>mapToObj(i -> threads.submit(() -> store.head("k" + i)))
              .toList();
      for (Future<?> call : calls) {
        call.get();
      }
    }
    assertThat(Files.readAllLines(counted)).hasSize(1);
  }

  @Test
  void k3_keys_of_a_changed_file_are_used_before_the_old_ones_are_refused() throws Exception {
    keys.renew();
    S3Store store = rotated();
    store.begin();
    put(store, "k", new byte[1]);
    keys.renew();
    String renewed = keys.accessKey();
    long endNanos = System.nanoTime() + PATIENT.toNanos();
    while (!store.toString().contains(renewed.substring(renewed.length() - 4))) {
      assertThat(System.nanoTime()).as("the file's change is seen").isLessThan(endNanos);
      Thread.sleep(10);
    }
  }

  @Test
  void k5_a_store_without_keys_says_so_and_works_when_they_appear() throws Exception {
    S3Store store = rotated();
    assertThat(store.trouble()).isNull();
    store.begin();
    awaitTrouble(store, true);
    assertThat(store.trouble()).contains("no keys to sign with", "there is no profile rotated");
    assertFails(Kind.UNAVAILABLE, () -> store.head("k"));
    assertThat(server.requests()).isEmpty();
    keys.renew();
    awaitTrouble(store, false);
    assertThat(store.head("k")).isEmpty();
  }

  private static void awaitTrouble(S3Store store, boolean wanted) throws InterruptedException {
    long endNanos = System.nanoTime() + PATIENT.toNanos();
    while ((store.trouble() != null) != wanted) {
      assertThat(System.nanoTime()).as("trouble: %s", wanted).isLessThan(endNanos);
      Thread.sleep(10);
    }
  }

  /** What a reload does; a read under way goes on with what it has. */
  @Test
  void k3_other_credentials_hold_from_the_next_call_on() throws Exception {
    keys.renew();
    S3Store store = rotated();
    put(store, "k", new byte[2 << 20]);
    server.keys().add("LIVE", server.options().secretKey(), null);
    store.read(
        "k",
        null,
        0,
        Long.MAX_VALUE,
        new ReadTarget() {
          private boolean changed;

          @Override
          public void accept(java.nio.ByteBuffer piece) throws IOException {
            piece.position(piece.limit());
            if (!changed) {
              changed = true;
              store.changeCredentials(
                  new Credentials.S3Static("LIVE", server.options().secretKey(), null));
              server.keys().expire(keys.accessKey());
            }
          }
        });
    assertThat(store.head("k")).isPresent();
    assertThat(store.toString()).contains("LIVE");
  }
}
