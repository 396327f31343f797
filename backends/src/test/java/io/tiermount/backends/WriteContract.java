package io.tiermount.backends;

import static io.tiermount.backends.StoreFixture.assertFails;
import static io.tiermount.backends.StoreFixture.attributes;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.tiermount.backends.StoreException.Kind;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

/** Puts, conditions, metadata and deletes. */
interface WriteContract extends StoreFixture {
  @Test
  default void a_put_replaces_the_whole_object() throws Exception {
    store()
        .put(
            "k",
            ByteSource.of("a longer text".getBytes(UTF_8)),
            attributes("text/plain", Map.of("mode", "1")),
            WriteCondition.ALWAYS);
    put("k", "short");
    ObjectInfo info = store().head("k").orElseThrow();
    assertThat(text("k")).isEqualTo("short");
    assertThat(info.sizeBytes()).isEqualTo(5);
    assertThat(info.metadata()).isEqualTo(Map.of());
  }

  @Test
  default void if_absent_writes_once() throws Exception {
    assumeTrue(store().limits().conditionalWrites());
    ObjectInfo first = put("k", "first", WriteCondition.IF_ABSENT);
    assertThat(store().head("k").orElseThrow().version()).isEqualTo(first.version());
    assertFails(Kind.PRECONDITION_FAILED, () -> put("k", "second", WriteCondition.IF_ABSENT));
    assertThat(text("k")).isEqualTo("first");
    store().delete("k");
    put("k", "third", WriteCondition.IF_ABSENT);
    assertThat(text("k")).isEqualTo("third");
  }

  @Test
  default void if_version_writes_over_that_version_only() throws Exception {
    assumeTrue(store().limits().conditionalWrites());
    ObjectInfo first = put("k", "first");
    ObjectInfo second = put("k", "second", new WriteCondition.IfVersion(first.version()));
    assertFails(
        Kind.PRECONDITION_FAILED,
        () -> put("k", "third", new WriteCondition.IfVersion(first.version())));
    assertThat(text("k")).isEqualTo("second");
    put("k", "fourth", new WriteCondition.IfVersion(second.version()));
    assertThat(text("k")).isEqualTo("fourth");
  }

  @Test
  default void if_version_of_a_deleted_object_fails_and_writes_nothing() throws Exception {
    assumeTrue(store().limits().conditionalWrites());
    ObjectInfo gone = put("k", "first");
    store().delete("k");
    StoreException failure =
        StoreFixture.failure(
            () -> put("k", "second", new WriteCondition.IfVersion(gone.version())));
    assertThat(failure.kind()).isEqualTo(Kind.PRECONDITION_FAILED);
    assertThat(store().head("k")).isEmpty();
  }

  @Test
  default void of_many_that_write_if_absent_at_once_one_wins() throws Exception {
    assumeTrue(store().limits().conditionalWrites());
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int round = 0; round < 10; round++) {
        String key = "race/" + round;
        Callable<Boolean> writer =
            () -> {
              try {
                put(key, "by " + Thread.currentThread().threadId(), WriteCondition.IF_ABSENT);
                return true;
              } catch (StoreException e) {
                assertThat(e.kind()).isEqualTo(Kind.PRECONDITION_FAILED);
                return false;
              }
            };
        long won = 0;
        for (Future<Boolean> outcome : threads.invokeAll(List.of(writer, writer, writer, writer))) {
          won += outcome.get() ? 1 : 0;
        }
        assertThat(won).as("winners of round %d", round).isEqualTo(1);
      }
    }
  }

  @Test
  default void metadata_comes_back_as_it_was_written() throws Exception {
    Map<String, String> metadata = new HashMap<>();
    metadata.put("mode", "33188");
    metadata.put("uid", "1000");
    metadata.put("mtime", "1699999999.123456789");
    metadata.put("xattr", "{\"user.a\":\"YWJj==\"}");
    metadata.put("symbols", "a,b;c=\"d\" %20+&<>\\|~");
    metadata.put("with-dash", "two  spaces within");
    store()
        .put(
            "k",
            ByteSource.of(new byte[1]),
            attributes("application/x-directory; charset=UTF-8", metadata),
            WriteCondition.ALWAYS);
    ObjectInfo info = store().head("k").orElseThrow();
    assertThat(info.metadata()).isEqualTo(metadata);
    assertThat(info.contentType()).isEqualTo("application/x-directory; charset=UTF-8");
  }

  @Test
  default void headers_come_back_as_they_were_written() throws Exception {
    Map<String, String> headers = allHeaders();
    ObjectAttributes attributes = new ObjectAttributes("text/html", Map.of("a", "b"), headers);
    ByteSource body = ByteSource.of(new byte[1]);
    ObjectInfo made = store().put("k", body, attributes, WriteCondition.IF_ABSENT);
    assertThat(made.headers()).isEqualTo(headers);
    assertThat(store().head("k").orElseThrow().headers()).isEqualTo(headers);
    assertThat(store().read("k", null, 0, 1, bytes -> bytes.position(bytes.limit())).headers())
        .isEqualTo(headers);
    put("k", "replaced");
    assertThat(store().head("k").orElseThrow().headers()).isEmpty();
  }

  private static Map<String, String> allHeaders() {
    return Map.of(
        "cache-control", "max-age=60, public",
        "content-disposition", "attachment; filename=\"a b.txt\"",
        "content-encoding", "gzip",
        "content-language", "de, en",
        "expires", "Thu, 01 Dec 2033 16:00:00 GMT");
  }

  @Test
  default void an_upload_has_its_headers() throws Exception {
    assumeTrue(store().limits().multipart());
    Upload upload =
        store().startUpload("k", new ObjectAttributes("text/html", Map.of(), allHeaders()));
    upload.part(1, ByteSource.of(new byte[1]));
    assertThat(upload.complete(WriteCondition.ALWAYS).headers()).isEqualTo(allHeaders());
    assertThat(store().head("k").orElseThrow().headers()).isEqualTo(allHeaders());
  }

  @Test
  default void copies_keep_the_headers_unless_they_bring_their_own() throws Exception {
    store()
        .put(
            "from",
            ByteSource.of(new byte[1]),
            new ObjectAttributes("text/html", Map.of(), allHeaders()),
            WriteCondition.ALWAYS);
    store().copy("from", null, "plain", null, WriteCondition.ALWAYS);
    store()
        .copy(
            "from",
            null,
            "new",
            new ObjectAttributes(null, Map.of("a", "b")),
            WriteCondition.ALWAYS);
    Map<String, String> own = Map.of("cache-control", "no-cache");
    store()
        .copy(
            "from",
            null,
            "own",
            new ObjectAttributes(null, Map.of("a", "b"), own),
            WriteCondition.ALWAYS);
    assertThat(store().head("plain").orElseThrow().headers()).isEqualTo(allHeaders());
    assertThat(store().head("new").orElseThrow().headers()).isEqualTo(allHeaders());
    assertThat(store().head("own").orElseThrow().headers()).isEqualTo(own);
  }

  @Test
  default void headers_of_other_names_are_refused() {
    for (String name : List.of("Cache-Control", "x-amz-acl", "content-type")) {
      ObjectAttributes bad = new ObjectAttributes(null, Map.of(), Map.of(name, "x"));
      ByteSource body = ByteSource.of(new byte[1]);
      assertFails(Kind.INVALID, () -> store().put("k", body, bad, WriteCondition.ALWAYS));
    }
  }

  @Test
  default void metadata_that_would_not_come_back_is_refused() throws Exception {
    List<Map<String, String>> bad =
        List.of(
            Map.of("Upper", "x"),
            Map.of("sp ace", "x"),
            Map.of("", "x"),
            Map.of("a", " x"),
            Map.of("a", "x\n"),
            Map.of("a", "é"),
            Map.of("a", "x".repeat(store().limits().maxMetadataBytes())));
    for (Map<String, String> metadata : bad) {
      assertFails(
          Kind.INVALID,
          () ->
              store()
                  .put(
                      "k",
                      ByteSource.of(new byte[1]),
                      new ObjectAttributes(null, metadata),
                      WriteCondition.ALWAYS));
    }
    assertThat(store().head("k")).isEmpty();
  }

  @Test
  default void metadata_up_to_the_limit_is_taken() throws Exception {
    int limit = store().limits().maxMetadataBytes();
    Map<String, String> metadata = Map.of("a", "v".repeat(limit - 1));
    store()
        .put(
            "k",
            ByteSource.of(new byte[1]),
            new ObjectAttributes(null, metadata),
            WriteCondition.IF_ABSENT);
    assertThat(store().head("k").orElseThrow().metadata()).isEqualTo(metadata);
  }

  @Test
  default void deleting_is_idempotent_and_exact() throws Exception {
    put("a", "1");
    put("a/b", "2");
    store().delete("a");
    store().delete("a");
    store().delete("never/there");
    assertThat(store().head("a")).isEmpty();
    assertThat(text("a/b")).isEqualTo("2");
  }

  @Test
  default void a_reader_sees_one_whole_version_while_writers_replace_it() throws Exception {
    byte[] ones = new byte[200_000];
    byte[] twos = new byte[200_000];
    Arrays.fill(ones, (byte) 1);
    Arrays.fill(twos, (byte) 2);
    put("k", ones);
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      Future<?> writer =
          threads.submit(() -> {
            for (int i = 0; i < 20; i++) {
              put("k", i % 2 == 0 ? twos : ones);
            }
            return null;
          });
      for (int i = 0; i < 20; i++) {
        byte[] seen = read("k", null, 0, 200_000);
        assertThat(seen).hasSize(200_000);
        assertThat(seen[199_999]).isEqualTo(seen[0]);
        assertThat(seen[100_000]).isEqualTo(seen[0]);
      }
      writer.get();
    }
  }
}
