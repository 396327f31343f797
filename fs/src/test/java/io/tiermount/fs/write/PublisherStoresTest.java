package io.tiermount.fs.write;

import static io.tiermount.fs.write.TestContent.MIB;
import static io.tiermount.fs.write.TestContent.random;
import static io.tiermount.fs.write.TestContent.readAll;
import static org.assertj.core.api.Assertions.assertThat;

import io.tiermount.backends.Credentials;
import io.tiermount.backends.ObjectAttributes;
import io.tiermount.backends.ObjectInfo;
import io.tiermount.backends.ObjectStore;
import io.tiermount.backends.WriteCondition;
import io.tiermount.backends.local.LocalObjectStore;
import io.tiermount.backends.s3.S3Options;
import io.tiermount.backends.s3.S3Store;
import io.tiermount.backends.strict.StrictS3Server;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The same over the directory store and over S3's protocol, with the daemon's own options. */
final class PublisherStoresTest {
  private static final ObjectAttributes ATTRIBUTES =
      new ObjectAttributes(
          "text/plain", Map.of("mode", "33188"), Map.of("cache-control", "no-cache"));

  @Test
  void a_directory_as_a_bucket(@TempDir Path directory) throws Exception {
    try (LocalObjectStore store = LocalObjectStore.open(directory, false, InstantSource.system())) {
      life(store);
    }
  }

  @Test
  void a_bucket_of_s3() throws Exception {
    try (StrictS3Server server = StrictS3Server.start()) {
      server.createBucket("bucket");
      Credentials keys =
          new Credentials.S3Static(
              server.options().accessKey(), server.options().secretKey(), null);
      S3Options options =
          new S3Options(
              "bucket",
              server.endpoint(),
              "us-east-1",
              true,
              keys,
              true,
              null,
              true,
              32,
              Duration.ofSeconds(30),
              3,
              Duration.ofMillis(5));
      try (S3Store store = new S3Store(options)) {
        life(store);
      }
      assertThat(
              server.requests().stream()
                  .filter(line -> line.startsWith("PUT ") && line.contains("copy=")))
          .as("copied parts")
          .hasSizeGreaterThanOrEqualTo(3);
    }
  }

  /** CONFIG.md, section 2: {@code multipart: false} of an entry. */
  @Test
  void c9_multipart_false_makes_no_multipart_upload() throws Exception {
    try (StrictS3Server server = StrictS3Server.start()) {
      server.createBucket("bucket");
      Credentials keys =
          new Credentials.S3Static(
              server.options().accessKey(), server.options().secretKey(), null);
      S3Options options =
          new S3Options(
              "bucket",
              server.endpoint(),
              "us-east-1",
              true,
              keys,
              true,
              null,
              false,
              32,
              Duration.ofSeconds(30),
              3,
              Duration.ofMillis(5));
      try (S3Store store = new S3Store(options)) {
        life(store);
      }
      // An upload begins and ends with a POST.
      assertThat(server.requests()).noneMatch(line -> line.startsWith("POST "));
      assertThat(server.requests()).anyMatch(line -> line.startsWith("PUT "));
    }
  }

  /** Written with parts ahead, changed in the middle, appended to, made small. */
  private static void life(ObjectStore store) throws IOException {
    try (Publisher publisher = new Publisher(store, 3)) {
      byte[] first = random(1, 33 * MIB);
      TestContent content = new TestContent(first);
      PartsAhead ahead = publisher.ahead("dir/k", ATTRIBUTES, content::read, content);
      ahead.grown(20 * MIB);
      ObjectInfo info = publish(publisher, store, content, WriteCondition.IF_ABSENT, null, ahead);

      byte[] second = first.clone();
      second[16 * MIB + 7] ^= 1;
      info = over(publisher, store, info, new TestContent(second, first));

      byte[] third = Arrays.copyOf(second, 33 * MIB + 4096);
      info = over(publisher, store, info, new TestContent(third, second));

      over(publisher, store, info, new TestContent(random(2, 4096), third));
    }
    assertThat(store.pendingUploads("")).isEmpty();
  }

  private static ObjectInfo over(
      Publisher publisher, ObjectStore store, ObjectInfo before, TestContent content)
      throws IOException {
    Base base = new Base(before.key(), before.version(), before.sizeBytes());
    WriteCondition condition = new WriteCondition.IfVersion(before.version());
    return publish(publisher, store, content, condition, base, null);
  }

  private static ObjectInfo publish(
      Publisher publisher,
      ObjectStore store,
      TestContent content,
      WriteCondition condition,
      @Nullable Base base,
      @Nullable PartsAhead ahead)
      throws IOException {
    PublishOrder order = new PublishOrder("dir/k", ATTRIBUTES, condition, base);
    ObjectInfo made = publisher.publish(order, content, content, ahead).orElseThrow();
    assertThat(content.open()).isEmpty();
    assertThat(Arrays.equals(readAll(store, "dir/k"), content.bytes)).isTrue();
    ObjectInfo head = store.head("dir/k").orElseThrow();
    assertThat(head.version()).isEqualTo(made.version());
    assertThat(head.metadata()).isEqualTo(Map.of("mode", "33188"));
    assertThat(head.headers()).isEqualTo(Map.of("cache-control", "no-cache"));
    return made;
  }
}
