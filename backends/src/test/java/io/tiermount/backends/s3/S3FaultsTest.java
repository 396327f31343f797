package io.tiermount.backends.s3;

import static io.tiermount.backends.StoreFixture.assertFails;
import static io.tiermount.backends.StoreFixture.failure;
import static io.tiermount.backends.StoreFixture.random;
import static org.assertj.core.api.Assertions.assertThat;

import io.tiermount.backends.ByteSource;
import io.tiermount.backends.ObjectAttributes;
import io.tiermount.backends.ReadTarget;
import io.tiermount.backends.StoreException;
import io.tiermount.backends.StoreException.Kind;
import io.tiermount.backends.Upload;
import io.tiermount.backends.WriteCondition;
import io.tiermount.backends.strict.Fault;
import io.tiermount.backends.strict.StrictS3Server;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Retries, deadlines, cut and corrupt transfers, lost answers. */
final class S3FaultsTest extends StrictStoreTest {
  private static final Duration SHORT = Duration.ofMillis(900);
  private static final String GET = "GET /bucket/k";

  @Test
  void errors_of_the_store_are_tried_again() throws Exception {
    StrictS3Server server = server();
    S3Store store = store(server);
    put(store, "k", new byte[100]);
    List<Fault> faults =
        List.of(
            new Fault.Status(503, "SlowDown"),
            new Fault.Status(500, "InternalError"),
            new Fault.Status(429, "TooManyRequests"),
            new Fault.Reset(),
            new Fault.LoseAnswer());
    for (Fault fault : faults) {
      server.faults().next(GET, 2, fault);
      server.drain();
      assertThat(read(store, "k", null, 100)).hasSize(100);
      assertThat(server.drain()).as("%s", fault).hasSize(3);
    }
  }

  @Test
  void errors_that_stay_end_after_all_retries_with_their_kind() throws Exception {
    StrictS3Server server = server();
    S3Store store = store(server);
    server.faults().next(GET, 100, new Fault.Status(503, "SlowDown"));
    server.faults().next("HEAD /bucket/k", 100, new Fault.Status(500, "InternalError"));
    server.faults().next("DELETE /bucket/k", 100, new Fault.Reset());
    assertFails(Kind.THROTTLED, () -> read(store, "k", null, 1));
    assertThat(server.drain()).hasSize(4);
    assertFails(Kind.UNAVAILABLE, () -> store.head("k"));
    assertThat(server.drain()).hasSize(4);
    assertFails(Kind.UNAVAILABLE, () -> store.delete("k"));
  }

  @Test
  void refusals_are_not_tried_again() throws Exception {
    StrictS3Server server = server();
    S3Store store = store(server);
    server.faults().next(GET, 100, new Fault.Status(403, "AccessDenied"));
    assertFails(Kind.ACCESS_DENIED, () -> read(store, "k", null, 1));
    assertThat(server.drain()).hasSize(1);
  }

  @Test
  void delays_between_tries_double_from_the_base_with_jitter_on_top() throws Exception {
    StrictS3Server server = server();
    server.faults().next("HEAD", 100, new Fault.Status(503, "SlowDown"));
    List<Duration> delays = Collections.synchronizedList(new ArrayList<>());
    S3Tuning noWait = new S3Tuning(5L << 30, 5 << 20, delays::add, () -> 0.5);
    S3Store store = store(S3TestStores.options(server, PATIENT), noWait);
    assertFails(Kind.UNAVAILABLE, () -> store.head("k"));
    assertThat(delays)
        .containsExactly(Duration.ofNanos(7_500_000), Duration.ofMillis(15), Duration.ofMillis(30));
    Backoff backoff = new Backoff(Duration.ofMillis(100), () -> 0);
    assertThat(backoff.delay(1)).isEqualTo(Duration.ofMillis(100));
    assertThat(backoff.delay(4)).isEqualTo(Duration.ofMillis(800));
    assertThat(backoff.delay(60)).isEqualTo(Backoff.CAP);
  }

  @Test
  void a_store_that_never_answers_ends_in_timeout() throws Exception {
    StrictS3Server server = server();
    S3Store store = store(S3TestStores.options(server, SHORT), S3Tuning.SERVICE);
    server.faults().next("", 1000, new Fault.Stall());
    assertFails(Kind.TIMEOUT, () -> store.head("k"));
    assertFails(Kind.TIMEOUT, () -> read(store, "k", null, 1));
    assertFails(Kind.TIMEOUT, () -> put(store, "k", new byte[10]));
  }

  @Test
  void a_body_that_stalls_for_good_ends_in_timeout() throws Exception {
    StrictS3Server server = server();
    put(store(server), "k", new byte[100_000]);
    S3Store store = store(S3TestStores.options(server, SHORT), S3Tuning.SERVICE);
    server.faults().next(GET, 1, new Fault.StallBody(5000));
    server.faults().next(GET, 1000, new Fault.Stall());
    assertFails(Kind.TIMEOUT, () -> read(store, "k", null, 100_000));
  }

  @Test
  void a_body_that_moves_slowly_never_times_out() throws Exception {
    StrictS3Server server = server();
    byte[] bytes = random(1, 80_000);
    put(store(server), "k", bytes);
    S3Store store = store(S3TestStores.options(server, Duration.ofMillis(2400)), S3Tuning.SERVICE);
    server.faults().next(GET, 100, new Fault.Drip(10, Duration.ofMillis(300)));
    assertThat(read(store, "k", null, 80_000)).isEqualTo(bytes);
  }

  @Test
  void a_cut_body_goes_on_where_it_stopped_pinned_to_its_version() throws Exception {
    StrictS3Server server = server();
    S3Store store = store(server);
    byte[] bytes = random(2, 100_000);
    put(store, "k", bytes);
    server.drain();
    server.faults().next(GET, 1, new Fault.Truncate(5000));
    server.faults().next(GET, 1, new Fault.Truncate(20_000));
    ByteBuffer got = ByteBuffer.allocate(bytes.length);
    store.read("k", null, 0, bytes.length, ReadTarget.into(got));
    assertThat(got.array()).isEqualTo(bytes);
    assertThat(server.drain())
        .containsExactly(
            GET + " bytes=0-99999",
            GET + " bytes=5000-99999 if-match",
            GET + " bytes=25000-99999 if-match");
  }

  @Test
  void a_body_may_be_cut_more_often_than_there_are_retries() throws Exception {
    StrictS3Server server = server();
    S3Store store = store(server);
    byte[] bytes = random(2, 10_000);
    put(store, "k", bytes);
    server.faults().next(GET, 9, new Fault.Truncate(1000));
    assertThat(read(store, "k", null, 10_000)).isEqualTo(bytes);
  }

  @Test
  void an_object_replaced_within_a_cut_read_fails_instead_of_mixing() throws Exception {
    StrictS3Server server = server();
    S3Store store = store(server);
    put(store, "k", random(3, 100_000));
    server.faults().next(GET, 1, new Fault.Truncate(5000));
    assertFails(
        Kind.PRECONDITION_FAILED,
        () ->
            store.read(
                "k",
                null,
                0,
                100_000,
                bytes -> {
                  bytes.position(bytes.limit());
                  put(store, "k", random(4, 100_000));
                }));
  }

  @Test
  void a_corrupt_small_object_is_fetched_again_before_any_byte_is_delivered() throws Exception {
    StrictS3Server server = server();
    S3Store store = store(server);
    byte[] bytes = random(5, 50_000);
    put(store, "k", bytes);
    server.faults().next(GET, 2, new Fault.Corrupt());
    ByteBuffer got = ByteBuffer.allocate(50_000);
    store.read("k", null, 0, Long.MAX_VALUE, ReadTarget.into(got));
    assertThat(got.array()).isEqualTo(bytes);
    server.faults().next(GET, 100, new Fault.Corrupt());
    assertFails(
        Kind.CORRUPT, () -> store.read("k", null, 0, Long.MAX_VALUE, b -> b.position(b.limit())));
  }

  @Test
  void a_corrupt_large_object_ends_in_corrupt() throws Exception {
    StrictS3Server server = server();
    S3Store store = store(server);
    put(store, "k", random(6, 3 << 20));
    server.faults().next(GET, 1, new Fault.Corrupt());
    assertFails(
        Kind.CORRUPT, () -> store.read("k", null, 0, Long.MAX_VALUE, b -> b.position(b.limit())));
  }

  @Test
  void a_conditional_put_whose_answer_is_lost_finds_its_own_success() throws Exception {
    StrictS3Server server = server();
    S3Store store = store(server);
    server.faults().next("PUT /bucket/k", 1, new Fault.LoseAnswer());
    var info =
        store.put("k", ByteSource.of(new byte[7]), ObjectAttributes.NONE, WriteCondition.IF_ABSENT);
    assertThat(server.drain())
        .containsExactly(
            "PUT /bucket/k if-none-match", "PUT /bucket/k if-none-match", "HEAD /bucket/k");
    assertThat(store.head("k").orElseThrow()).isEqualTo(info);
    assertThat(info.metadata()).as("the write id stays ours").isEmpty();
    server.faults().next("PUT /bucket/k", 1, new Fault.LoseAnswer());
    store.put(
        "k",
        ByteSource.of(new byte[8]),
        ObjectAttributes.NONE,
        new WriteCondition.IfVersion(info.version()));
    assertThat(store.head("k").orElseThrow().sizeBytes()).isEqualTo(8);
  }

  @Test
  void a_retried_conditional_put_that_lost_its_race_says_so() throws Exception {
    StrictS3Server server = server();
    S3Store store = store(server);
    put(store, "k", new byte[1]);
    server.faults().next("PUT /bucket/k", 1, new Fault.Reset());
    assertFails(
        Kind.PRECONDITION_FAILED,
        () ->
            store.put(
                "k", ByteSource.of(new byte[7]), ObjectAttributes.NONE, WriteCondition.IF_ABSENT));
  }

  @Test
  void a_completion_whose_answer_is_lost_finds_its_own_success() throws Exception {
    StrictS3Server server = server();
    S3Store store = store(server);
    Upload fresh = store.startUpload("k", ObjectAttributes.NONE);
    fresh.part(1, ByteSource.of(new byte[10]));
    server.faults().next("POST /bucket/k?uploadId", 1, new Fault.LoseAnswer());
    assertThat(fresh.complete(WriteCondition.IF_ABSENT).sizeBytes()).isEqualTo(10);
    Upload begun = store.startUpload("l", ObjectAttributes.NONE);
    begun.part(1, ByteSource.of(new byte[11]));
    Upload resumed = store.resumeUpload("l", begun.uploadId());
    server.faults().next("POST /bucket/l?uploadId", 1, new Fault.LoseAnswer());
    assertThat(resumed.complete(WriteCondition.ALWAYS).sizeBytes()).isEqualTo(11);
  }

  @Test
  void a_store_that_is_down_costs_nothing_until_it_is_asked() throws Exception {
    StrictS3Server server = server();
    S3Store store = store(S3TestStores.options(server, SHORT), S3Tuning.SERVICE);
    server.close();
    StoreException failure = failure(() -> store.head("k"));
    assertThat(failure.kind()).isEqualTo(Kind.UNAVAILABLE);
    assertThat(failure).hasMessageContaining("nothing listens there");
  }

  @Test
  void an_interrupt_ends_a_waiting_call_on_any_kind_of_thread() throws Exception {
    StrictS3Server server = server();
    S3Store store = store(server);
    put(store, "k", new byte[100_000]);
    server.drain();
    for (Thread.Builder builder : List.of(Thread.ofVirtual(), Thread.ofPlatform())) {
      for (Fault fault : List.of(new Fault.Stall(), new Fault.StallBody(70_000))) {
        server.faults().next(GET, 1, fault);
        assertThat(ended(builder, server, () -> read(store, "k", null, 100_000)))
            .as("%s", fault)
            .isEqualTo(Kind.INTERRUPTED);
      }
    }
    assertThat(read(store, "k", null, 10)).hasSize(10);
  }

  private interface Call {
    void run() throws StoreException;
  }

  /** Interrupts the call once the server has seen it. */
  private static Kind ended(Thread.Builder builder, StrictS3Server server, Call call)
      throws Exception {
    CompletableFuture<Kind> kind = new CompletableFuture<>();
    server.drain();
    Thread thread =
        builder.start(() -> {
          try {
            call.run();
            kind.completeExceptionally(new AssertionError("it succeeded"));
          } catch (StoreException e) {
            kind.complete(e.kind());
          }
        });
    awaitRequest(server);
    thread.interrupt();
    return kind.get(60, TimeUnit.SECONDS);
  }

  private static void awaitRequest(StrictS3Server server) {
    long end = System.nanoTime() + Duration.ofSeconds(60).toNanos();
    while (server.requests().isEmpty()) {
      assertThat(System.nanoTime()).as("waiting for a request").isLessThan(end);
      Thread.onSpinWait();
    }
  }

  @Test
  void closing_the_store_ends_calls_under_way() throws Exception {
    StrictS3Server server = server();
    S3Store store = store(server);
    store.head("k");
    server.drain();
    server.faults().next("HEAD", 1, new Fault.Stall());
    CompletableFuture<Kind> kind = new CompletableFuture<>();
    Thread.ofVirtual().start(() -> kind.complete(failure(() -> store.head("k")).kind()));
    awaitRequest(server);
    store.close();
    assertThat(kind.get(60, TimeUnit.SECONDS)).isEqualTo(Kind.CLOSED);
  }

  @Test
  void a_source_that_fails_is_a_local_error_and_not_tried_again() throws Exception {
    StrictS3Server server = server();
    S3Store store = store(server);
    ByteSource broken =
        new ByteSource() {
          @Override
          public long sizeBytes() {
            return 10;
          }

          @Override
          public int read(long offsetBytes, ByteBuffer target) throws IOException {
            throw new IOException("the disk is gone");
          }
        };
    assertFails(
        Kind.LOCAL_IO, () -> store.put("k", broken, ObjectAttributes.NONE, WriteCondition.ALWAYS));
    assertThat(server.drain()).isEmpty();
  }

  @Test
  void a_store_full_of_faults_is_read_and_written_right() throws Exception {
    long seed = System.nanoTime();
    System.out.println("seed of a_store_full_of_faults: " + seed);
    StrictS3Server server = server();
    S3Tuning quick = new S3Tuning(5L << 30, 5 << 20, _ -> {}, () -> 0);
    S3Options options = S3TestStores.options(server, PATIENT);
    S3Store store = store(S3TestStores.withRetries(options, 40), quick);
    server
        .faults()
        .seeded(
            seed,
            0.3,
            List.of(
                new Fault.Status(500, "InternalError"),
                new Fault.Status(503, "SlowDown"),
                new Fault.Reset(),
                new Fault.LoseAnswer(),
                new Fault.Truncate(1000)));
    for (int i = 0; i < 40; i++) {
      byte[] bytes = random(seed + i, 5000);
      String key = "k" + i;
      var info =
          store.put(key, ByteSource.of(bytes), ObjectAttributes.NONE, WriteCondition.IF_ABSENT);
      assertThat(Arrays.equals(read(store, key, info.version(), 5000), bytes)).isTrue();
    }
  }
}
