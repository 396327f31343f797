package io.tiermount.backends;

import static io.tiermount.backends.StoreFixture.assertFails;
import static io.tiermount.backends.StoreFixture.attributes;
import static io.tiermount.backends.StoreFixture.random;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.tiermount.backends.ObjectStore.PendingUpload;
import io.tiermount.backends.StoreException.Kind;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

/** Objects in parts. */
interface UploadContract extends StoreFixture {
  /** A whole part for this store, small where the store allows it. */
  private int partBytes() {
    assumeTrue(store().limits().multipart());
    return (int) Math.max(store().limits().minPartBytes(), 100_000);
  }

  private void assertContent(String key, byte[]... parts) throws StoreException {
    int size = Arrays.stream(parts).mapToInt(part -> part.length).sum();
    byte[] content = read(key, null, 0, size + 1);
    assertThat(content).hasSize(size);
    int at = 0;
    for (byte[] part : parts) {
      assertThat(Arrays.mismatch(part, Arrays.copyOfRange(content, at, at + part.length)))
          .as("difference in the part at %d", at)
          .isEqualTo(-1);
      at += part.length;
    }
  }

  @Test
  default void parts_become_one_object_in_order_of_their_numbers() throws Exception {
    byte[] one = random(1, partBytes());
    byte[] two = random(2, partBytes());
    byte[] three = random(3, 1234);
    Upload upload = store().startUpload("up/k", attributes("text/x-test", Map.of("mode", "33188")));
    upload.part(3, ByteSource.of(three));
    upload.part(1, ByteSource.of(one));
    upload.part(2, ByteSource.of(two));
    assertThat(store().head("up/k")).as("before complete").isEmpty();
    ObjectInfo info = upload.complete(WriteCondition.ALWAYS);
    assertContent("up/k", one, two, three);
    ObjectInfo head = store().head("up/k").orElseThrow();
    assertThat(head.version()).isEqualTo(info.version());
    assertThat(info.sizeBytes()).isEqualTo(head.sizeBytes()).isEqualTo(2L * partBytes() + 1234);
    assertThat(head.metadata()).isEqualTo(Map.of("mode", "33188"));
    assertThat(head.contentType()).isEqualTo("text/x-test");
  }

  @Test
  default void parts_may_be_sent_from_several_threads() throws Exception {
    byte[][] parts = {random(1, partBytes()), random(2, partBytes()), random(3, partBytes())};
    Upload upload = store().startUpload("k", ObjectAttributes.NONE);
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<Void>> sent =
          threads.invokeAll(
              List.of(
                  () -> send(upload, 1, parts[0]),
                  () -> send(upload, 2, parts[1]),
                  () -> send(upload, 3, parts[2])));
      for (Future<Void> one : sent) {
        one.get();
      }
    }
    upload.complete(WriteCondition.ALWAYS);
    assertContent("k", parts);
  }

  // A Callable's null, which java.util.concurrent has no name for.
  @SuppressWarnings("NullAway")
  private Void send(Upload upload, int number, byte[] bytes) throws StoreException {
    upload.part(number, ByteSource.of(bytes));
    return null;
  }

  @Test
  default void a_part_sent_again_replaces_the_first() throws Exception {
    byte[] second = random(2, partBytes());
    Upload upload = store().startUpload("k", ObjectAttributes.NONE);
    upload.part(1, ByteSource.of(random(1, partBytes())));
    upload.part(1, ByteSource.of(second));
    upload.complete(WriteCondition.ALWAYS);
    assertContent("k", second);
  }

  @Test
  default void parts_may_be_copied_from_a_range_of_a_version() throws Exception {
    int part = partBytes();
    byte[] before = random(1, 3 * part);
    byte[] other = random(2, 1000);
    byte[] sent = random(3, part);
    ObjectInfo base = put("base", before);
    ObjectInfo source = put("ü +%/other", other);
    Upload upload = store().startUpload("base", ObjectAttributes.NONE);
    upload.copyPart(1, "base", base.version(), 0, part + 7);
    upload.part(2, ByteSource.of(sent));
    upload.copyPart(3, "base", base.version(), 2L * part, part);
    upload.copyPart(4, "ü +%/other", source.version(), 999, 1);
    ObjectInfo info = upload.complete(WriteCondition.ALWAYS);
    assertContent(
        "base",
        Arrays.copyOf(before, part + 7),
        sent,
        Arrays.copyOfRange(before, 2 * part, 3 * part),
        Arrays.copyOfRange(other, 999, 1000));
    assertThat(info.sizeBytes()).isEqualTo(3L * part + 8);
    assertThat(store().head("base").orElseThrow().version()).isEqualTo(info.version());
  }

  @Test
  default void a_copied_part_may_replace_a_sent_one_and_be_replaced() throws Exception {
    byte[] base = random(1, partBytes());
    byte[] sent = random(2, partBytes());
    ObjectInfo source = put("base", base);
    Upload upload = store().startUpload("k", ObjectAttributes.NONE);
    upload.part(1, ByteSource.of(sent));
    upload.copyPart(1, "base", source.version(), 0, base.length);
    upload.copyPart(2, "base", source.version(), 0, base.length);
    upload.part(2, ByteSource.of(sent));
    upload.complete(WriteCondition.ALWAYS);
    assertContent("k", base, sent);
  }

  @Test
  default void a_part_is_not_copied_from_another_version() throws Exception {
    partBytes();
    ObjectInfo stale = put("base", "version one");
    put("base", "version two");
    Upload upload = store().startUpload("k", ObjectAttributes.NONE);
    assertFails(Kind.PRECONDITION_FAILED, () -> upload.copyPart(1, "base", stale.version(), 0, 11));
    store().delete("base");
    assertFails(Kind.NOT_FOUND, () -> upload.copyPart(1, "base", stale.version(), 0, 11));
    upload.abort();
    assertThat(store().pendingUploads("")).isEmpty();
  }

  @Test
  default void a_range_that_is_not_within_the_source_is_refused() throws Exception {
    partBytes();
    ObjectInfo source = put("base", "eleven byte");
    Upload upload = store().startUpload("k", ObjectAttributes.NONE);
    assertFails(Kind.INVALID, () -> upload.copyPart(1, "base", source.version(), 1, 11));
    assertFails(Kind.INVALID, () -> upload.copyPart(1, "base", source.version(), 11, 1));
    assertFails(Kind.INVALID, () -> upload.copyPart(1, "base", source.version(), 3, 0));
    assertFails(Kind.INVALID, () -> upload.copyPart(1, "base", source.version(), -1, 3));
    upload.abort();
  }

  @Test
  default void a_small_copied_part_that_is_not_the_last_is_refused() throws Exception {
    partBytes();
    assumeTrue(store().limits().minPartBytes() > 1);
    ObjectInfo source = put("base", "eleven byte");
    Upload upload = store().startUpload("k", ObjectAttributes.NONE);
    upload.copyPart(1, "base", source.version(), 0, 11);
    upload.copyPart(2, "base", source.version(), 0, 11);
    assertFails(Kind.INVALID, () -> upload.complete(WriteCondition.ALWAYS));
    upload.abort();
  }

  @Test
  default void a_single_small_part_is_an_object() throws Exception {
    partBytes();
    Upload upload = store().startUpload("k", ObjectAttributes.NONE);
    upload.part(1, ByteSource.of(new byte[] {7}));
    upload.complete(WriteCondition.ALWAYS);
    assertThat(read("k", null, 0, 10)).isEqualTo(new byte[] {7});
  }

  @Test
  default void completing_again_gives_the_same_object() throws Exception {
    partBytes();
    Upload upload = store().startUpload("k", ObjectAttributes.NONE);
    upload.part(1, ByteSource.of(new byte[] {7}));
    ObjectInfo first = upload.complete(WriteCondition.ALWAYS);
    assertThat(upload.complete(WriteCondition.ALWAYS).version()).isEqualTo(first.version());
  }

  @Test
  default void an_aborted_upload_leaves_nothing_and_aborts_again() throws Exception {
    put("k", "before");
    partBytes();
    Upload upload = store().startUpload("k", ObjectAttributes.NONE);
    upload.part(1, ByteSource.of(new byte[] {7}));
    upload.abort();
    upload.abort();
    assertThat(text("k")).isEqualTo("before");
    assertThat(store().pendingUploads("")).isEmpty();
    assertFails(Kind.NOT_FOUND, () -> upload.part(2, ByteSource.of(new byte[1])));
    assertFails(Kind.NOT_FOUND, () -> upload.complete(WriteCondition.ALWAYS));
  }

  @Test
  default void completing_checks_its_condition_and_keeps_the_upload_when_it_fails()
      throws Exception {
    partBytes();
    assumeTrue(store().limits().conditionalWrites());
    ObjectInfo there = put("k", "there");
    Upload upload = store().startUpload("k", ObjectAttributes.NONE);
    upload.part(1, ByteSource.of(new byte[] {7}));
    assertFails(Kind.PRECONDITION_FAILED, () -> upload.complete(WriteCondition.IF_ABSENT));
    assertThat(text("k")).isEqualTo("there");
    upload.complete(new WriteCondition.IfVersion(there.version()));
    assertThat(read("k", null, 0, 10)).isEqualTo(new byte[] {7});
  }

  @Test
  default void completing_over_a_stale_version_fails() throws Exception {
    partBytes();
    assumeTrue(store().limits().conditionalWrites());
    ObjectInfo stale = put("k", "one");
    put("k", "two");
    Upload upload = store().startUpload("k", ObjectAttributes.NONE);
    upload.part(1, ByteSource.of(new byte[] {7}));
    assertFails(
        Kind.PRECONDITION_FAILED,
        () -> upload.complete(new WriteCondition.IfVersion(stale.version())));
    assertThat(text("k")).isEqualTo("two");
    upload.abort();
  }

  @Test
  default void pending_uploads_are_listed_below_a_prefix() throws Exception {
    partBytes();
    Upload one = store().startUpload("p/ü +%/one", ObjectAttributes.NONE);
    Upload two = store().startUpload("p/two", ObjectAttributes.NONE);
    Upload other = store().startUpload("q/three", ObjectAttributes.NONE);
    assertThat(store().pendingUploads("p/"))
        .containsExactlyInAnyOrder(
            new PendingUpload("p/ü +%/one", one.uploadId()),
            new PendingUpload("p/two", two.uploadId()));
    one.abort();
    two.part(1, ByteSource.of(new byte[1]));
    two.complete(WriteCondition.ALWAYS);
    assertThat(store().pendingUploads(""))
        .containsExactly(new PendingUpload("q/three", other.uploadId()));
    other.abort();
    assertThat(store().pendingUploads("")).isEmpty();
  }

  @Test
  default void a_resumed_upload_goes_on_where_it_was() throws Exception {
    byte[] one = random(1, partBytes());
    byte[] two = random(2, 77);
    Upload upload = store().startUpload("k", attributes("text/x-test", Map.of("a", "b")));
    upload.part(1, ByteSource.of(one));
    Upload resumed = store().resumeUpload("k", upload.uploadId());
    assertThat(resumed.uploadId()).isEqualTo(upload.uploadId());
    resumed.part(2, ByteSource.of(two));
    resumed.complete(WriteCondition.IF_ABSENT);
    assertContent("k", one, two);
    assertThat(store().head("k").orElseThrow().metadata()).isEqualTo(Map.of("a", "b"));
  }

  @Test
  default void a_resumed_upload_that_is_gone_fails_at_first_use() throws Exception {
    partBytes();
    Upload upload = store().startUpload("k", ObjectAttributes.NONE);
    upload.abort();
    Upload gone = store().resumeUpload("k", upload.uploadId());
    assertFails(Kind.NOT_FOUND, () -> gone.part(1, ByteSource.of(new byte[1])));
    assertFails(Kind.NOT_FOUND, () -> gone.complete(WriteCondition.ALWAYS));
    gone.abort();
  }

  @Test
  default void an_upload_without_parts_or_with_a_gap_is_refused() throws Exception {
    byte[] bytes = random(1, partBytes());
    Upload none = store().startUpload("none", ObjectAttributes.NONE);
    assertFails(Kind.INVALID, () -> none.complete(WriteCondition.ALWAYS));
    none.abort();
    Upload gap = store().startUpload("gap", ObjectAttributes.NONE);
    gap.part(1, ByteSource.of(bytes));
    gap.part(3, ByteSource.of(bytes));
    assertFails(Kind.INVALID, () -> gap.complete(WriteCondition.ALWAYS));
    gap.abort();
    assertFails(Kind.INVALID, () -> gap.part(0, ByteSource.of(bytes)));
    assertThat(store().head("gap")).isEmpty();
  }
}
