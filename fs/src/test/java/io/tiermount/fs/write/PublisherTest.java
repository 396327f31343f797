package io.tiermount.fs.write;

import static io.tiermount.fs.write.TestContent.MIB;
import static io.tiermount.fs.write.TestContent.random;
import static io.tiermount.fs.write.TestContent.readAll;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.tiermount.backends.ByteSource;
import io.tiermount.backends.FaultyStore;
import io.tiermount.backends.MemoryStore;
import io.tiermount.backends.ObjectAttributes;
import io.tiermount.backends.ObjectInfo;
import io.tiermount.backends.StoreException;
import io.tiermount.backends.StoreException.Kind;
import io.tiermount.backends.StoreLimits;
import io.tiermount.backends.WriteCondition;
import java.nio.ByteBuffer;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.concurrent.FutureTask;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The exact requests of each kind of publish. */
final class PublisherTest {
  static final StoreLimits LIMITS =
      new StoreLimits(1L << 30, MIB, 64 * MIB, 1000, 1L << 40, 1024, 2048, false, true, true);
  static final PublisherOptions OPTIONS =
      new PublisherOptions(4, 16 * MIB, 2 * MIB, 4 * MIB, 2 * MIB, 16 * MIB);
  private static final ObjectAttributes TEXT = new ObjectAttributes("text/plain", Map.of("a", "b"));

  private final MemoryStore store = new MemoryStore(LIMITS, false, InstantSource.system());
  private final Publisher publisher = new Publisher(store, OPTIONS);

  @AfterEach
  void nothing_is_left_behind() throws Exception {
    publisher.close();
    assertThat(store.pendingUploads("")).isEmpty();
  }

  private static PublishOrder order(String key, WriteCondition condition, @Nullable Base base) {
    return new PublishOrder(key, TEXT, condition, base);
  }

  private static PublishOrder order(String key) {
    return order(key, WriteCondition.IF_ABSENT, null);
  }

  private Base putBase(String key, byte[] bytes) throws StoreException {
    ObjectInfo info =
        store.put(key, ByteSource.of(bytes), ObjectAttributes.NONE, WriteCondition.ALWAYS);
    store.calls().drain();
    return new Base(key, info.version(), bytes.length);
  }

  private Kind failure(PublishOrder order, TestContent content) {
    StoreException failure =
        catchThrowableOfType(
            StoreException.class, () -> publisher.publish(order, content, content, null));
    assertThat(failure).isNotNull();
    assertThat(content.open()).isEmpty();
    return failure.kind();
  }

  @Test
  void a_small_content_is_one_put() throws Exception {
    for (int size : List.of(0, 100, 2 * MIB)) {
      TestContent content = new TestContent(random(size, size));
      ObjectInfo info = publisher.publish(order("k" + size), content, content, null).orElseThrow();
      assertThat(info.metadata()).isEqualTo(Map.of("a", "b"));
      assertThat(store.calls().drain()).containsExactly("PUT k" + size + " " + size + " if-absent");
      assertThat(readAll(store, "k" + size)).isEqualTo(content.bytes);
      store.calls().drain();
    }
  }

  @Test
  void a_larger_content_goes_in_parts() throws Exception {
    TestContent content = new TestContent(random(1, 5 * MIB + 1));
    ObjectInfo info = publisher.publish(order("k"), content, content, null).orElseThrow();
    List<String> calls = store.calls().drain();
    assertThat(calls)
        .containsExactlyInAnyOrder(
            "UPLOAD k",
            "PART k 1 2097152",
            "PART k 2 2097152",
            "PART k 3 1048577",
            "COMPLETE k if-absent");
    assertThat(calls.getFirst()).isEqualTo("UPLOAD k");
    assertThat(calls.getLast()).isEqualTo("COMPLETE k if-absent");
    assertThat(info.metadata()).isEqualTo(Map.of("a", "b"));
    assertThat(readAll(store, "k")).isEqualTo(content.bytes);
    assertThat(content.knownUploads()).hasSize(1);
    assertThat(content.open()).isEmpty();
  }

  @Test
  void a_content_that_changed_meanwhile_does_not_become_visible() throws Exception {
    TestContent small = new TestContent(random(1, 10));
    TestContent large = new TestContent(random(1, 3 * MIB));
    small.same = false;
    large.same = false;
    assertThat(publisher.publish(order("k"), small, small, null)).isEmpty();
    assertThat(store.calls().drain()).isEmpty();
    assertThat(publisher.publish(order("k"), large, large, null)).isEmpty();
    assertThat(store.calls().drain()).endsWith("ABORT k").doesNotContain("COMPLETE k");
    assertThat(large.open()).isEmpty();
  }

  @Test
  void what_did_not_change_is_copied_in_the_store() throws Exception {
    byte[] before = random(1, 64 * MIB);
    byte[] now = before.clone();
    System.arraycopy(random(2, 4096), 0, now, 30 * MIB + 12345, 4096);
    Base base = putBase("k", before);
    TestContent content = new TestContent(now, before);
    WriteCondition condition = new WriteCondition.IfVersion(base.version());
    var _ = publisher.publish(order("k", condition, base), content, content, null).orElseThrow();
    assertThat(store.calls().drain())
        .containsExactlyInAnyOrder(
            "UPLOAD k",
            "COPYPART k 1 k 0+15728640",
            "COPYPART k 2 k 15728640+15728640",
            "PART k 3 1048576",
            "COPYPART k 4 k 32505856+11534336",
            "COPYPART k 5 k 44040192+11534336",
            "COPYPART k 6 k 55574528+11534336",
            "COMPLETE k if-version");
    assertThat(readAll(store, "k")).isEqualTo(now);
  }

  @Test
  void a_base_that_is_gone_or_replaced_ends_the_publish() throws Exception {
    byte[] before = random(1, 8 * MIB);
    Base base = putBase("k", before);
    putBase("k", random(2, 10));
    TestContent content = new TestContent(before, before);
    assertThat(failure(order("k", WriteCondition.ALWAYS, base), content))
        .isEqualTo(Kind.PRECONDITION_FAILED);
    store.delete("k");
    assertThat(failure(order("k", WriteCondition.ALWAYS, base), content)).isEqualTo(Kind.NOT_FOUND);
    assertThat(store.head("k")).isEmpty();
  }

  @Test
  void a_lost_race_leaves_the_other_ones_object() throws Exception {
    putBase("k", random(2, 10));
    assertThat(failure(order("k"), new TestContent(random(1, 5 * MIB))))
        .isEqualTo(Kind.PRECONDITION_FAILED);
    assertThat(failure(order("k"), new TestContent(random(1, 5))))
        .isEqualTo(Kind.PRECONDITION_FAILED);
    assertThat(readAll(store, "k")).isEqualTo(random(2, 10));
  }

  @Test
  void parts_too_large_for_memory_are_sent_as_they_were_at_one_moment() throws Exception {
    PublisherOptions options = new PublisherOptions(2, 8 * MIB, MIB, MIB, 6 * MIB, 16 * MIB);
    try (Publisher narrow = new Publisher(store, options)) {
      TestContent content = new TestContent(random(1, 15 * MIB));
      // The second look at the first part's windows finds another byte: it is read anew.
      content.afterRead = number -> content.bytes[17] = (byte) (number < 20 ? 1 : 2);
      var _ = narrow.publish(order("k"), content, content, null).orElseThrow();
      byte[] stored = readAll(store, "k");
      content.bytes[17] = stored[17];
      assertThat(stored).isEqualTo(content.bytes);
    }
  }

  @Test
  void without_parts_any_content_is_one_put_of_one_moment() throws Exception {
    StoreLimits plain =
        new StoreLimits(1L << 30, MIB, 64 * MIB, 1000, 1L << 40, 1024, 2048, false, true, false);
    MemoryStore puts = new MemoryStore(plain, false, InstantSource.system());
    try (Publisher narrow = new Publisher(puts, OPTIONS)) {
      TestContent content = new TestContent(random(1, 20 * MIB + 5));
      var _ = narrow.publish(order("k"), content, content, null).orElseThrow();
      assertThat(puts.calls().drain()).containsExactly("PUT k 20971525 if-absent");
      assertThat(readAll(puts, "k")).isEqualTo(content.bytes);
      TestContent torn = new TestContent(random(1, 20 * MIB));
      torn.afterRead = number -> torn.bytes[15 * MIB] = (byte) (number < 25 ? 1 : 2);
      assertThat(narrow.publish(order("torn"), torn, torn, null)).isEmpty();
      assertThat(puts.head("torn")).isEmpty();
      PartsAhead none = narrow.ahead("k", TEXT, content::read, content);
      none.grown(20 * MIB);
      assertThat(puts.calls().count("UPLOAD")).isZero();
    }
  }

  @Test
  void no_more_than_the_upload_threads_read_at_once() throws Exception {
    TestContent content = new TestContent(random(1, 40 * MIB));
    var _ = publisher.publish(order("k"), content, content, null).orElseThrow();
    assertThat(content.mostReading()).isBetween(1, OPTIONS.uploadThreads());
  }

  @Test
  void an_object_above_the_stores_limit_is_refused_before_anything_is_read() {
    PublishContent huge =
        new PublishContent() {
          @Override
          public long sizeBytes() {
            return LIMITS.maxObjectBytes() + 1;
          }

          @Override
          public int read(long offsetBytes, ByteBuffer target) {
            throw new IllegalStateException("not read");
          }

          @Override
          public boolean unchanged(long offsetBytes, long lengthBytes) {
            return false;
          }

          @Override
          public boolean stillSame() {
            return true;
          }
        };
    StoreException failure =
        catchThrowableOfType(
            StoreException.class,
            () -> publisher.publish(order("k"), huge, new TestContent(new byte[0]), null));
    assertThat(failure.kind()).isEqualTo(Kind.TOO_LARGE);
    assertThat(store.calls().drain()).isEmpty();
  }

  @Test
  void an_interrupt_ends_it_and_the_upload_is_aborted() throws Exception {
    FaultyStore faulty = new FaultyStore(store);
    FaultyStore.Gate gate = faulty.gate("PART k 2");
    TestContent content = new TestContent(random(1, 9 * MIB));
    try (Publisher held = new Publisher(faulty, OPTIONS)) {
      FutureTask<Kind> publishing =
          new FutureTask<>(() -> {
            StoreException failure =
                catchThrowableOfType(
                    StoreException.class, () -> held.publish(order("k"), content, content, null));
            assertThat(Thread.currentThread().isInterrupted()).isTrue();
            return failure.kind();
          });
      Thread thread = Thread.ofVirtual().start(publishing);
      gate.awaitCall();
      thread.interrupt();
      assertThat(publishing.get()).isEqualTo(Kind.INTERRUPTED);
    }
    assertThat(content.open()).isEmpty();
    assertThat(store.pendingUploads("")).isEmpty();
    assertThat(store.head("k")).isEmpty();
  }

  @Test
  void what_a_kill_left_is_aborted_by_its_journal() throws Exception {
    String id = store.startUpload("k", TEXT).uploadId();
    TestContent journal = new TestContent(new byte[0]);
    journal.begun("k", id);
    publisher.abort("k", id, journal);
    assertThat(journal.open()).isEmpty();
    publisher.abort("k", id, journal);
  }
}
