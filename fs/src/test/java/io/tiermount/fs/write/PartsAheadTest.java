package io.tiermount.fs.write;

import static io.tiermount.fs.write.TestContent.MIB;
import static io.tiermount.fs.write.TestContent.random;
import static io.tiermount.fs.write.TestContent.readAll;
import static org.assertj.core.api.Assertions.assertThat;

import io.tiermount.backends.MemoryStore;
import io.tiermount.backends.ObjectAttributes;
import io.tiermount.backends.ObjectInfo;
import io.tiermount.backends.WriteCondition;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

final class PartsAheadTest {
  private static final ObjectAttributes EARLY = new ObjectAttributes(null, Map.of("mode", "1"));
  private static final ObjectAttributes LATE = new ObjectAttributes(null, Map.of("mode", "2"));

  private final MemoryStore store =
      new MemoryStore(PublisherTest.LIMITS, false, InstantSource.system());
  private final Publisher publisher = new Publisher(store, PublisherTest.OPTIONS);

  @AfterEach
  void nothing_is_left_behind() throws Exception {
    publisher.close();
    assertThat(store.pendingUploads("")).isEmpty();
  }

  private static PublishOrder order(String key) {
    return new PublishOrder(key, LATE, WriteCondition.IF_ABSENT, null);
  }

  private PartsAhead sentAhead(TestContent content, int parts) {
    PartsAhead ahead = publisher.ahead("k", EARLY, content::read, content);
    ahead.grown(parts * 2L * MIB + 5);
    while (store.calls().count("PART ") < parts) {
      LockSupport.parkNanos(100_000);
    }
    assertThat(store.calls().drain()).hasSize(parts + 1).contains("UPLOAD k");
    return ahead;
  }

  @Test
  void only_the_rest_is_sent_at_the_end() throws Exception {
    TestContent content = new TestContent(random(1, 7 * MIB));
    PartsAhead ahead = sentAhead(content, 3);
    ObjectInfo info = publisher.publish(order("k"), content, content, ahead).orElseThrow();
    assertThat(store.calls().drain()).containsExactly("PART k 4 1048576", "COMPLETE k if-absent");
    assertThat(info.metadata()).as("those of the upload").isEqualTo(Map.of("mode", "1"));
    assertThat(readAll(store, "k")).isEqualTo(content.bytes);
    assertThat(content.open()).isEmpty();
  }

  @Test
  void a_part_that_changed_since_is_sent_again() throws Exception {
    TestContent content = new TestContent(random(1, 7 * MIB));
    PartsAhead ahead = sentAhead(content, 3);
    content.bytes[3 * MIB] ^= 1;
    var _ = publisher.publish(order("k"), content, content, ahead).orElseThrow();
    assertThat(store.calls().drain())
        .containsExactlyInAnyOrder("PART k 2 2097152", "PART k 4 1048576", "COMPLETE k if-absent");
    assertThat(readAll(store, "k")).isEqualTo(content.bytes);
  }

  @Test
  void parts_are_kept_where_the_file_changed_during_the_publish() throws Exception {
    TestContent content = new TestContent(random(1, 7 * MIB));
    PartsAhead ahead = sentAhead(content, 2);
    content.same = false;
    assertThat(publisher.publish(order("k"), content, content, ahead)).isEmpty();
    assertThat(store.calls().drain())
        .containsExactlyInAnyOrder("PART k 3 2097152", "PART k 4 1048576");
    content.bytes[0] ^= 1;
    content.same = true;
    var _ = publisher.publish(order("k"), content, content, ahead).orElseThrow();
    assertThat(store.calls().drain()).containsExactly("PART k 1 2097152", "COMPLETE k if-absent");
    assertThat(readAll(store, "k")).isEqualTo(content.bytes);
  }

  @Test
  void a_file_that_became_shorter_begins_anew() throws Exception {
    TestContent content = new TestContent(random(1, 9 * MIB));
    PartsAhead ahead = sentAhead(content, 4);
    TestContent shorter = new TestContent(Arrays.copyOf(content.bytes, 3 * MIB));
    var _ = publisher.publish(order("k"), shorter, content, ahead).orElseThrow();
    assertThat(store.calls().drain())
        .containsExactlyInAnyOrder(
            "ABORT k", "UPLOAD k", "PART k 1 2097152", "PART k 2 1048576", "COMPLETE k if-absent");
    assertThat(readAll(store, "k")).isEqualTo(shorter.bytes);
    assertThat(content.open()).isEmpty();
  }

  @Test
  void under_another_key_or_as_one_put_it_is_given_up() throws Exception {
    TestContent content = new TestContent(random(1, 5 * MIB));
    PartsAhead renamed = sentAhead(content, 2);
    var _ = publisher.publish(order("other"), content, content, renamed).orElseThrow();
    PartsAhead truncated = sentAheadAgain(content);
    TestContent small = new TestContent(random(2, 100));
    var _ = publisher.publish(order("k"), small, content, truncated).orElseThrow();
    publisher.close();
    assertThat(content.open()).isEmpty();
    assertThat(readAll(store, "other")).isEqualTo(content.bytes);
    assertThat(readAll(store, "k")).isEqualTo(small.bytes);
  }

  private PartsAhead sentAheadAgain(TestContent content) {
    while (store.calls().count("ABORT ") < 1) {
      LockSupport.parkNanos(100_000);
    }
    store.calls().drain();
    return sentAhead(content, 2);
  }

  @Test
  void a_file_below_two_parts_is_not_sent_ahead() {
    TestContent content = new TestContent(random(1, 5 * MIB));
    PartsAhead ahead = publisher.ahead("k", EARLY, content::read, content);
    ahead.grown(4 * MIB - 1);
    ahead.abort();
    publisher.close();
    assertThat(store.calls().drain()).isEmpty();
  }

  @Test
  void giving_it_up_leaves_nothing() throws Exception {
    TestContent content = new TestContent(random(1, 40 * MIB));
    PartsAhead ahead = publisher.ahead("k", EARLY, content::read, content);
    ahead.grown(40 * MIB);
    ahead.abort();
    ahead.abort();
    ahead.grown(40 * MIB);
    publisher.close();
    assertThat(content.open()).isEmpty();
    assertThat(store.pendingUploads("")).isEmpty();
  }
}
