package io.tiermount.backends.s3;

import static io.tiermount.backends.StoreFixture.assertFails;
import static io.tiermount.backends.StoreFixture.failure;
import static io.tiermount.backends.StoreFixture.random;
import static org.assertj.core.api.Assertions.assertThat;

import io.tiermount.backends.ByteSource;
import io.tiermount.backends.Credentials;
import io.tiermount.backends.ListRequest;
import io.tiermount.backends.ObjectAttributes;
import io.tiermount.backends.PrefixedStore;
import io.tiermount.backends.StoreException;
import io.tiermount.backends.StoreException.Kind;
import io.tiermount.backends.WriteCondition;
import io.tiermount.backends.strict.StrictS3Options;
import io.tiermount.backends.strict.StrictS3Server;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.services.s3.model.ChecksumAlgorithm;

/** Which requests are made, how they are signed, and what copies keep. */
final class S3RequestsTest extends StrictStoreTest {
  @Test
  void each_call_makes_exactly_its_requests() throws Exception {
    StrictS3Server server = server();
    S3Store store = store(server);
    var info = put(store, "a/b", new byte[100]);
    assertThat(server.drain()).containsExactly("PUT /bucket/a/b");
    store.head("a/b");
    assertThat(server.drain()).containsExactly("HEAD /bucket/a/b");
    store.head("none");
    assertThat(server.drain()).containsExactly("HEAD /bucket/none");
    read(store, "a/b", info.version(), 50);
    assertThat(server.drain()).containsExactly("GET /bucket/a/b bytes=0-49 if-match");
    store.read("a/b", null, 100, 10, bytes -> {});
    assertThat(server.drain()).containsExactly("GET /bucket/a/b bytes=100-109", "HEAD /bucket/a/b");
    store.list(ListRequest.directory("a/"));
    assertThat(server.drain())
        .containsExactly("GET /bucket?delimiter=/&list-type=2&max-keys=1000&prefix=a/");
    store.list(new ListRequest("", null, null, "a", 7));
    assertThat(server.drain()).containsExactly("GET /bucket?list-type=2&max-keys=7&start-after=a");
    store.copy("a/b", null, "c", null, WriteCondition.ALWAYS);
    assertThat(server.drain())
        .containsExactly("HEAD /bucket/a/b", "PUT /bucket/c copy=/bucket/a/b");
    store.delete("c");
    assertThat(server.drain()).containsExactly("DELETE /bucket/c");
    store.resumeUpload("c", "id");
    assertThat(server.drain()).isEmpty();
  }

  @Test
  void a_prefixed_store_lives_where_all_else_is_denied() throws Exception {
    StrictS3Server server = server(StrictS3Options.DEFAULTS.withOnlyPrefix("mine/"));
    S3Store store = store(server);
    try (PrefixedStore mine = new PrefixedStore(store, "mine/")) {
      mine.put("k", ByteSource.of(new byte[5]), ObjectAttributes.NONE, WriteCondition.ALWAYS);
      assertThat(mine.head("k")).isPresent();
      assertThat(mine.list(ListRequest.directory("")).objects()).hasSize(1);
      mine.copy("k", null, "l", null, WriteCondition.IF_ABSENT);
      var upload = mine.startUpload("m", ObjectAttributes.NONE);
      upload.part(1, ByteSource.of(new byte[1]));
      assertThat(mine.pendingUploads("")).hasSize(1);
      upload.complete(WriteCondition.ALWAYS);
      mine.delete("k");
      assertFails(Kind.ACCESS_DENIED, () -> store.head("theirs/k"));
      assertFails(Kind.ACCESS_DENIED, () -> store.list(ListRequest.directory("")));
    }
  }

  @Test
  void wrong_keys_and_wrong_regions_say_what_to_do() throws Exception {
    StrictS3Server server = server(StrictS3Options.DEFAULTS.withRegion("eu-north-1"));
    StoreException region = failure(() -> read(store(server), "k", null, 1));
    assertThat(region.kind()).isEqualTo(Kind.INVALID);
    assertThat(region).hasMessageContaining("set region = eu-north-1");
    StrictS3Server other = server();
    StoreException secret = denied(other, new Credentials.S3Static("STRICTACCESSKEY", "no", null));
    assertThat(secret).hasMessageContaining("secret key is wrong");
    StoreException access = denied(other, new Credentials.S3Static("OTHER", "no", null));
    assertThat(access).hasMessageContaining("does not know this access key");
    StoreException anonymous = denied(other, new Credentials.Anonymous());
    assertThat(anonymous).hasMessageContaining("policy");
    assertThat(anonymous.kind()).isEqualTo(Kind.ACCESS_DENIED);
    assertThat(List.of(secret.kind(), access.kind())).containsOnly(Kind.KEYS_REFUSED);
    // Keys as they stand are not asked for again.
    assertThat(other.requests()).hasSize(3);
  }

  private StoreException denied(StrictS3Server server, Credentials credentials) {
    S3Options options =
        S3TestStores.options(server.endpoint(), credentials, PATIENT, 3, true, null);
    S3Store store = store(options, S3Tuning.SERVICE);
    return failure(() -> read(store, "k", null, 1));
  }

  @Test
  void keys_may_come_from_a_process_and_its_failure_is_told(@TempDir Path directory)
      throws Exception {
    StrictS3Server server = server();
    Path keys = directory.resolve("keys.json");
    Files.writeString(
        keys,
        "{\"Version\":1,\"AccessKeyId\":\"%s\",\"SecretAccessKey\":\"%s\"}"
            .formatted(server.options().accessKey(), server.options().secretKey()));
    Credentials good = new Credentials.S3Process(List.of("cat", keys.toString()));
    S3Options options = S3TestStores.options(server.endpoint(), good, PATIENT, 0, true, null);
    S3Store store = store(options, S3Tuning.SERVICE);
    put(store, "k", new byte[3]);
    StoreException failure = denied(server, new Credentials.S3Process(List.of("false")));
    assertThat(failure).hasMessageContaining("process false ended with exit code 1; run it");
    assertThat(failure.kind()).isEqualTo(Kind.UNAVAILABLE);
    assertThat(server.requests()).hasSize(1);
  }

  @Test
  void a_copy_keeps_headers_tags_and_storage_class() throws Exception {
    StrictS3Server server = server();
    S3Store store = store(server);
    try (var raw = S3TestStores.raw(server)) {
      raw.putObject(
          put ->
              put.bucket("bucket")
                  .key("k")
                  .cacheControl("no-cache")
                  .contentEncoding("gzip")
                  .storageClass("STANDARD_IA")
                  .tagging("team=a&x=y")
                  .metadata(Map.of("mode", "1")),
          RequestBody.fromString("text"));
      store.copy(
          "k",
          null,
          "k",
          new ObjectAttributes("text/x-new", Map.of("mode", "2")),
          WriteCondition.ALWAYS);
      var head = raw.headObject(ask -> ask.bucket("bucket").key("k"));
      assertThat(head.cacheControl()).isEqualTo("no-cache");
      assertThat(head.contentEncoding()).isEqualTo("gzip");
      assertThat(head.storageClassAsString()).isEqualTo("STANDARD_IA");
      assertThat(head.tagCount()).isEqualTo(2);
      assertThat(head.contentType()).isEqualTo("text/x-new");
      assertThat(head.metadata()).isEqualTo(Map.of("mode", "2"));
    }
  }

  @Test
  void a_source_above_the_limit_is_copied_in_parts() throws Exception {
    StrictS3Server server = server(StrictS3Options.DEFAULTS.withLimits(2500, 1));
    S3Tuning small = new S3Tuning(2500, 1000, Thread::sleep, () -> 0);
    S3Store store = store(S3TestStores.options(server, PATIENT), small);
    byte[] bytes = random(1, 4500);
    store.put(
        "big",
        ByteSource.of(bytes),
        new ObjectAttributes("text/x-big", Map.of("mode", "33188")),
        WriteCondition.ALWAYS);
    server.drain();
    var info = store.copy("big", null, "copy", null, WriteCondition.IF_ABSENT);
    assertThat(server.requests().stream().filter(line -> line.contains("partNumber"))).hasSize(5);
    assertThat(Arrays.equals(read(store, "copy", info.version(), 4500), bytes)).isTrue();
    var head = store.head("copy").orElseThrow();
    assertThat(head.contentType()).isEqualTo("text/x-big");
    assertThat(head.metadata()).isEqualTo(Map.of("mode", "33188"));
    assertFails(
        Kind.PRECONDITION_FAILED,
        () -> store.copy("big", null, "copy", null, WriteCondition.IF_ABSENT));
    assertThat(store.pendingUploads("")).isEmpty();
  }

  @Test
  void a_bucket_that_wants_checksums_refuses_clearly() throws Exception {
    StrictS3Server server = server(StrictS3Options.DEFAULTS.withRequireChecksum());
    assertFails(Kind.INVALID, () -> put(store(server), "k", new byte[1]));
  }

  @Test
  void the_strict_server_checks_what_other_clients_stream() throws Exception {
    StrictS3Server server = server(StrictS3Options.DEFAULTS.withRequireChecksum());
    byte[] bytes = random(2, 300_000);
    for (String algorithm : List.of("CRC32", "CRC32_C", "SHA256")) {
      try (var raw = S3TestStores.raw(server)) {
        raw.putObject(
            put ->
                put.bucket("bucket")
                    .key("k")
                    .checksumAlgorithm(ChecksumAlgorithm.valueOf(algorithm)),
            RequestBody.fromBytes(bytes));
        assertThat(raw.getObjectAsBytes(get -> get.bucket("bucket").key("k")).asByteArray())
            .isEqualTo(bytes);
      }
    }
  }
}
