package io.tiermount.fs.write;

import static io.tiermount.fs.write.TestContent.MIB;
import static io.tiermount.fs.write.TestContent.random;
import static io.tiermount.fs.write.TestContent.readAll;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.tiermount.backends.FaultyStore;
import io.tiermount.backends.FaultyStore.Fault;
import io.tiermount.backends.MemoryStore;
import io.tiermount.backends.ObjectAttributes;
import io.tiermount.backends.ObjectInfo;
import io.tiermount.backends.ObjectStore.PendingUpload;
import io.tiermount.backends.StoreException;
import io.tiermount.backends.StoreException.Kind;
import io.tiermount.backends.WriteCondition;
import java.io.IOException;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** A store that fails, and what is in it afterwards. */
final class PublisherFaultsTest {
  private final MemoryStore memory =
      new MemoryStore(PublisherTest.LIMITS, false, InstantSource.system());
  private final FaultyStore store = new FaultyStore(memory);

  private static PublishOrder order(WriteCondition condition, @Nullable Base base) {
    return new PublishOrder("k", ObjectAttributes.NONE, condition, base);
  }

  @Test
  void a_part_that_fails_leaves_no_upload() throws Exception {
    TestContent content = new TestContent(random(1, 9 * MIB));
    try (Publisher publisher = new Publisher(store, PublisherTest.OPTIONS)) {
      store.failNext("PART k 3", 1, new Fault.Fails(Kind.THROTTLED));
      StoreException failure =
          catchThrowableOfType(
              StoreException.class,
              () -> publisher.publish(order(WriteCondition.ALWAYS, null), content, content, null));
      assertThat(failure.kind()).isEqualTo(Kind.THROTTLED);
      assertThat(content.open()).isEmpty();
      assertThat(memory.pendingUploads("")).isEmpty();
    }
  }

  @Test
  void a_lost_answer_of_the_last_step_is_asked_for_again() throws Exception {
    TestContent content = new TestContent(random(1, 9 * MIB));
    try (Publisher publisher = new Publisher(store, PublisherTest.OPTIONS)) {
      store.failNext("COMPLETE", 1, new Fault.LosesAnswer());
      var _ =
          publisher
              .publish(order(WriteCondition.IF_ABSENT, null), content, content, null)
              .orElseThrow();
      assertThat(readAll(memory, "k")).isEqualTo(content.bytes);
      assertThat(content.open()).isEmpty();
    }
  }

  @Test
  void an_upload_that_can_not_be_aborted_stays_in_the_journal() throws Exception {
    TestContent content = new TestContent(random(1, 9 * MIB));
    content.same = false;
    try (Publisher publisher = new Publisher(store, PublisherTest.OPTIONS)) {
      store.failNext("ABORT", 2, new Fault.Fails(Kind.UNAVAILABLE));
      assertThat(publisher.publish(order(WriteCondition.ALWAYS, null), content, content, null))
          .isEmpty();
      assertThat(content.open()).hasSize(1);
      abortAll(publisher, content);
      assertThat(memory.pendingUploads("")).isEmpty();
    }
  }

  private static void abortAll(Publisher publisher, TestContent journal) throws IOException {
    for (String each : journal.open()) {
      String[] words = each.split(" ", -1);
      publisher.abort(words[0], words[1], journal);
    }
    assertThat(journal.open()).isEmpty();
  }

  @Test
  void whatever_fails_the_object_is_whole_and_nothing_stays() throws Exception {
    long seed = new Random().nextLong();
    Random random = new Random(seed);
    byte[] there = new byte[0];
    int made = 0;
    for (int round = 0; round < 60; round++) {
      String what = "seed " + seed + ", round " + round;
      byte[] bytes = next(random, there);
      TestContent content = new TestContent(bytes, there);
      Optional<ObjectInfo> before = memory.head("k");
      Base base =
          before.isEmpty() || random.nextBoolean()
              ? null
              : new Base("k", before.get().version(), there.length);
      WriteCondition condition =
          before.isEmpty()
              ? WriteCondition.IF_ABSENT
              : new WriteCondition.IfVersion(before.get().version());
      boolean published = false;
      try (Publisher publisher = new Publisher(store, PublisherTest.OPTIONS)) {
        PartsAhead ahead =
            random.nextInt(3) == 0
                ? publisher.ahead("k", ObjectAttributes.NONE, content::read, content)
                : null;
        store.failAtRandom(
            random.nextLong(),
            0.05,
            List.of(new Fault.Fails(Kind.UNAVAILABLE), new Fault.LosesAnswer()));
        if (ahead != null) {
          ahead.grown(bytes.length);
        }
        try {
          published =
              publisher.publish(order(condition, base), content, content, ahead).isPresent();
        } catch (StoreException e) {
          assertThat(e.kind()).as(what).isEqualTo(Kind.UNAVAILABLE);
        }
        if (ahead != null) {
          ahead.abort();
        }
      }
      store.failAtRandom(0, 0, List.of());
      byte[] now = memory.head("k").isEmpty() ? new byte[0] : readAll(memory, "k");
      assertThat(Arrays.equals(now, bytes) || (!published && Arrays.equals(now, there)))
          .as(what)
          .isTrue();
      there = now;
      made += published ? 1 : 0;
      recover(content, what);
    }
    assertThat(made).as("seed %d", seed).isGreaterThan(20);
  }

  private static byte[] next(Random random, byte[] there) {
    if (there.length > 0 && random.nextBoolean()) {
      byte[] changed = Arrays.copyOf(there, there.length + random.nextInt(3) * MIB);
      changed[random.nextInt(changed.length)] ^= 1;
      return changed;
    }
    return random(random.nextLong(), 1 + random.nextInt(14 * MIB));
  }

  /** What the journal has, and beginnings whose answers were lost. */
  private void recover(TestContent content, String what) throws IOException {
    try (Publisher publisher = new Publisher(store, PublisherTest.OPTIONS)) {
      abortAll(publisher, content);
    }
    for (PendingUpload pending : memory.pendingUploads("")) {
      assertThat(content.knownUploads()).as(what).doesNotContain(pending.uploadId());
      memory.resumeUpload(pending.key(), pending.uploadId()).abort();
    }
  }
}
