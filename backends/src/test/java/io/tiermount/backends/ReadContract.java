package io.tiermount.backends;

import static io.tiermount.backends.StoreFixture.assertFails;
import static io.tiermount.backends.StoreFixture.attributes;
import static io.tiermount.backends.StoreFixture.random;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tiermount.backends.StoreException.Kind;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Heads and reads. */
interface ReadContract extends StoreFixture {
  @Test
  default void head_tells_size_version_time_type_and_metadata() throws Exception {
    Instant before = Instant.now().minusSeconds(60);
    ObjectInfo written =
        store()
            .put(
                "a/b.txt",
                ByteSource.of(new byte[] {1, 2, 3}),
                attributes("text/x-test", Map.of("mode", "33188", "mtime", "1.5")),
                WriteCondition.ALWAYS);
    ObjectInfo info = store().head("a/b.txt").orElseThrow();
    assertThat(info.key()).isEqualTo("a/b.txt");
    assertThat(info.sizeBytes()).isEqualTo(3);
    assertThat(info.version()).isEqualTo(written.version());
    assertThat(info.lastModified()).isBetween(before, Instant.now().plusSeconds(60));
    assertThat(info.contentType()).isEqualTo("text/x-test");
    assertThat(info.metadata()).isEqualTo(Map.of("mode", "33188", "mtime", "1.5"));
    assertThat(written.key()).isEqualTo("a/b.txt");
    assertThat(written.sizeBytes()).isEqualTo(3);
  }

  @Test
  default void head_of_no_object_is_empty_and_of_a_bare_prefix_too() throws Exception {
    put("dir/file", "x");
    assertThat(store().head("nothing")).isEqualTo(Optional.empty());
    assertThat(store().head("dir")).isEqualTo(Optional.empty());
    assertThat(store().head("dir/")).isEqualTo(Optional.empty());
    assertThat(store().head("dir/file/x")).isEqualTo(Optional.empty());
  }

  @Test
  default void a_head_without_metadata_knows_that_there_is_none() throws Exception {
    put("k", "x");
    assertThat(store().head("k").orElseThrow().metadata()).isEqualTo(Map.of());
  }

  @Test
  default void reads_give_exactly_the_range_asked() throws Exception {
    byte[] bytes = random(1, 300_000);
    put("k", bytes);
    int[][] ranges = {
      {0, 300_000}, {0, 1}, {299_999, 1}, {65_535, 2}, {65_536, 65_536}, {1, 299_998}
    };
    for (int[] range : ranges) {
      assertThat(read("k", null, range[0], range[1]))
          .as("range %d+%d", range[0], range[1])
          .isEqualTo(Arrays.copyOfRange(bytes, range[0], range[0] + range[1]));
    }
  }

  @Test
  default void a_read_over_the_end_gives_what_is_there() throws Exception {
    put("k", "0123456789");
    assertThat(read("k", null, 8, 100)).isEqualTo(new byte[] {'8', '9'});
  }

  @Test
  default void a_read_at_or_behind_the_end_gives_nothing_but_the_object() throws Exception {
    ObjectInfo written = put("k", "0123456789");
    for (long offset : new long[] {10, 11, 1L << 40}) {
      ByteBuffer none = ByteBuffer.allocate(0);
      ObjectInfo info = store().read("k", null, offset, 4096, ReadTarget.into(none));
      assertThat(info.sizeBytes()).isEqualTo(10);
      assertThat(info.version()).isEqualTo(written.version());
    }
  }

  @Test
  default void a_read_of_no_bytes_gives_the_object() throws Exception {
    ObjectInfo written = put("k", "0123456789");
    ObjectInfo info = store().read("k", null, 3, 0, ReadTarget.into(ByteBuffer.allocate(0)));
    assertThat(info.version()).isEqualTo(written.version());
    assertThat(info.sizeBytes()).isEqualTo(10);
  }

  @Test
  default void an_empty_object_reads_as_nothing() throws Exception {
    ObjectInfo written = put("empty", "");
    assertThat(written.sizeBytes()).isZero();
    assertThat(store().head("empty").orElseThrow().sizeBytes()).isZero();
    ObjectInfo info =
        store().read("empty", written.version(), 0, 4096, ReadTarget.into(ByteBuffer.allocate(0)));
    assertThat(info.sizeBytes()).isZero();
    assertThat(info.version()).isEqualTo(written.version());
  }

  @Test
  default void a_read_tells_the_object_as_head_does() throws Exception {
    store()
        .put(
            "k",
            ByteSource.of(random(2, 1000)),
            attributes("text/x-test", Map.of("mode", "33188")),
            WriteCondition.ALWAYS);
    ObjectInfo head = store().head("k").orElseThrow();
    ObjectInfo read = store().read("k", null, 100, 10, ReadTarget.into(ByteBuffer.allocate(10)));
    assertThat(read.key()).isEqualTo("k");
    assertThat(read.sizeBytes()).isEqualTo(1000);
    assertThat(read.version()).isEqualTo(head.version());
    assertThat(read.lastModified()).isEqualTo(head.lastModified());
    if (read.metadata() != null) {
      assertThat(read.metadata()).isEqualTo(head.metadata());
    }
  }

  @Test
  default void a_pinned_read_gives_its_version_or_fails() throws Exception {
    ObjectInfo first = put("k", "first content");
    assertThat(read("k", first.version(), 0, 5)).isEqualTo("first".getBytes(US_ASCII));
    ObjectInfo second = put("k", "other content");
    assertThat(second.version()).isNotEqualTo(first.version());
    assertFails(Kind.PRECONDITION_FAILED, () -> read("k", first.version(), 0, 5));
    assertFails(Kind.PRECONDITION_FAILED, () -> read("k", first.version(), 1000, 5));
    assertFails(Kind.PRECONDITION_FAILED, () -> read("k", first.version(), 0, 0));
    assertThat(read("k", second.version(), 0, 5)).isEqualTo("other".getBytes(US_ASCII));
  }

  @Test
  default void a_read_of_no_object_is_not_found() throws Exception {
    ObjectInfo gone = put("gone", "x");
    store().delete("gone");
    assertFails(Kind.NOT_FOUND, () -> read("gone", null, 0, 1));
    assertFails(Kind.NOT_FOUND, () -> read("gone", gone.version(), 0, 1));
    assertFails(Kind.NOT_FOUND, () -> read("gone", null, 0, 0));
  }

  @Test
  default void a_big_object_reads_in_order_from_any_place() throws Exception {
    byte[] bytes = random(3, 9 << 20);
    ObjectInfo info = put("big", bytes);
    ByteBuffer whole = ByteBuffer.allocate(bytes.length);
    store().read("big", info.version(), 0, bytes.length, ReadTarget.into(whole));
    assertThat(Arrays.mismatch(whole.array(), bytes)).isEqualTo(-1);
    int from = (5 << 20) + 7;
    assertThat(
            Arrays.mismatch(
                read("big", info.version(), from, 3 << 20),
                Arrays.copyOfRange(bytes, from, from + (3 << 20))))
        .isEqualTo(-1);
  }

  @Test
  default void a_target_that_gives_up_ends_the_read_with_its_own_error() throws Exception {
    put("k", random(4, 4 << 20));
    IOException own = new StoreException(Kind.LOCAL_IO, "k", "the disk is full");
    assertThatThrownBy(() ->
            store()
                .read(
                    "k",
                    null,
                    0,
                    4 << 20,
                    bytes -> {
                      throw own;
                    }))
        .isSameAs(own);
    assertThat(read("k", null, 0, 10)).hasSize(10);
  }

  @Test
  default void a_call_on_an_interrupted_thread_ends_with_interrupted() throws Exception {
    put("k", "x");
    Thread.currentThread().interrupt();
    try {
      assertFails(Kind.INTERRUPTED, () -> store().head("k"));
      assertFails(Kind.INTERRUPTED, () -> read("k", null, 0, 1));
      assertThat(Thread.currentThread().isInterrupted()).as("the flag stays").isTrue();
    } finally {
      boolean _ = Thread.interrupted();
    }
    assertThat(text("k")).isEqualTo("x");
  }

  @Test
  default void a_closed_store_says_so() throws Exception {
    put("k", "x");
    store().close();
    assertFails(Kind.CLOSED, () -> store().head("k"));
    assertFails(Kind.CLOSED, () -> read("k", null, 0, 1));
    assertFails(Kind.CLOSED, () -> store().list(ListRequest.directory("")));
    assertFails(Kind.CLOSED, () -> put("k", "y"));
    store().close();
  }
}
