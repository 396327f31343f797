package io.tiermount.backends.local;

import static io.tiermount.backends.StoreFixture.assertFails;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.tiermount.backends.ByteSource;
import io.tiermount.backends.ListPage;
import io.tiermount.backends.ListRequest;
import io.tiermount.backends.ObjectAttributes;
import io.tiermount.backends.ObjectInfo;
import io.tiermount.backends.ReadTarget;
import io.tiermount.backends.StoreException;
import io.tiermount.backends.StoreException.Kind;
import io.tiermount.backends.Upload;
import io.tiermount.backends.WriteCondition;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What is special about a directory as a bucket: people's files in it, and people's hands. */
final class LocalObjectStoreTest {
  private LocalDirectory directory;
  private LocalObjectStore store;

  // Set by open() before each test.
  @SuppressWarnings("NullAway.Init")
  LocalObjectStoreTest() {}

  @BeforeEach
  void open() throws Exception {
    directory = LocalDirectory.create();
    store = directory.open();
  }

  @AfterEach
  void close() throws Exception {
    store.close();
    directory.close();
  }

  private String shell(String script) throws Exception {
    return LocalDirectory.shell(directory.path(), script);
  }

  private ObjectInfo put(String key, String text) throws StoreException {
    return put(key, text, Map.of(), WriteCondition.ALWAYS);
  }

  private ObjectInfo put(
      String key, String text, Map<String, String> metadata, WriteCondition condition)
      throws StoreException {
    ByteSource body = ByteSource.of(text.getBytes(UTF_8));
    return store.put(key, body, new ObjectAttributes(null, metadata), condition);
  }

  private String text(String key) throws StoreException {
    ByteBuffer buffer = ByteBuffer.allocate(1 << 16);
    store.read(key, null, 0, buffer.capacity(), ReadTarget.into(buffer));
    return UTF_8.decode(buffer.flip()).toString();
  }

  private List<String> keys() throws StoreException {
    ListPage page = store.list(new ListRequest("", null, null, null, 1000));
    return page.objects().stream().map(ObjectInfo::key).toList();
  }

  private Map<String, String> metadata(String key) throws StoreException {
    return Objects.requireNonNull(store.head(key).orElseThrow().metadata());
  }

  @Test
  void a_tree_that_was_copied_in_is_objects_with_its_own_modes_and_times() throws Exception {
    shell(
        """
        mkdir -p data/sub; printf hello > data/a.txt; printf x > data/sub/b
        chmod 640 data/a.txt; chown 12:34 data/a.txt; touch -d @1600000000.25 data/a.txt
        """);
    assertThat(keys()).containsExactly("data/a.txt", "data/sub/b");
    assertThat(text("data/a.txt")).isEqualTo("hello");
    Map<String, String> expected =
        Map.of(
            "mode", Integer.toString(0100640),
            "uid", "12",
            "gid", "34",
            "mtime", "1600000000.250000000");
    assertThat(metadata("data/a.txt")).isEqualTo(expected);
    ListPage page = store.list(ListRequest.directory("data/"));
    assertThat(page.objects().getFirst().metadata()).isEqualTo(expected);
    assertThat(page.commonPrefixes()).containsExactly("data/sub/");
  }

  @Test
  void what_is_put_is_a_plain_file_with_its_mode_and_owner() throws Exception {
    Map<String, String> metadata = Map.of("mode", "33261", "uid", "12", "gid", "34", "mtime", "5");
    put("run/me.sh", "#!/bin/sh\necho ran", metadata, WriteCondition.ALWAYS);
    assertThat(shell("./run/me.sh; stat -c '%a %u %g' run/me.sh")).isEqualTo("ran\n755 12 34\n");
    assertThat(metadata("run/me.sh")).isEqualTo(metadata);
  }

  @Test
  void set_id_bits_of_the_metadata_never_reach_the_disk() throws Exception {
    put("su", "x", Map.of("mode", Integer.toString(0106755)), WriteCondition.ALWAYS);
    assertThat(shell("stat -c %a su")).isEqualTo("755\n");
    assertThat(metadata("su")).isEqualTo(Map.of("mode", Integer.toString(0106755)));
  }

  @Test
  void what_a_person_changes_on_disk_shows_in_the_metadata() throws Exception {
    Map<String, String> metadata =
        Map.of("mode", "33188", "uid", "0", "gid", "0", "mtime", "5", "other", "kept");
    put("f", "text", metadata, WriteCondition.ALWAYS);
    shell("chmod 600 f; touch -d @77 f");
    assertThat(metadata("f"))
        .containsEntry("mode", Integer.toString(0100600))
        .containsEntry("mtime", "77.000000000")
        .containsEntry("uid", "0")
        .containsEntry("other", "kept");
  }

  @Test
  void an_edit_by_others_is_another_version() throws Exception {
    for (String edit :
        List.of(
            "printf 5678 > f",
            "printf 9 >> f",
            "printf new > g; mv g f",
            "chmod 600 f",
            "printf 0 | dd of=f conv=notrunc status=none")) {
      ObjectInfo before = put("f", "1234");
      assertThat(store.head("f").orElseThrow().version()).isEqualTo(before.version());
      shell(edit);
      assertThat(store.head("f").orElseThrow().version()).as(edit).isNotEqualTo(before.version());
      ByteBuffer none = ByteBuffer.allocate(10);
      assertFails(
          Kind.PRECONDITION_FAILED,
          () -> store.read("f", before.version(), 0, 10, ReadTarget.into(none)));
      assertFails(
          Kind.PRECONDITION_FAILED,
          () -> put("f", "x", Map.of(), new WriteCondition.IfVersion(before.version())));
    }
  }

  @Test
  void an_edit_during_a_read_fails_it() throws Exception {
    ObjectInfo before = put("f", "x".repeat(1 << 20));
    assertFails(
        Kind.PRECONDITION_FAILED,
        () ->
            store.read(
                "f",
                before.version(),
                0,
                1 << 20,
                bytes -> {
                  bytes.position(bytes.limit());
                  Files.writeString(directory.path().resolve("f"), "changed");
                }));
  }

  @Test
  void a_read_goes_on_over_a_replacement_and_a_delete() throws Exception {
    String old = "o".repeat(1 << 20);
    ObjectInfo before = put("f", old);
    ByteBuffer seen = ByteBuffer.allocate(1 << 20);
    store.read(
        "f",
        before.version(),
        0,
        1 << 20,
        bytes -> {
          if (seen.position() == 0) {
            put("f", "n".repeat(1 << 20));
            store.delete("f");
          }
          seen.put(bytes);
        });
    assertThat(UTF_8.decode(seen.flip()).toString()).isEqualTo(old);
  }

  @Test
  void versions_differ_also_where_an_inode_is_used_again_at_once() throws Exception {
    List<String> versions =
        IntStream.range(0, 200)
            .mapToObj(_ -> {
              try {
                return put("f", "same").version().token();
              } catch (StoreException e) {
                throw new IllegalStateException(e);
              }
            })
            .toList();
    assertThat(versions).doesNotHaveDuplicates();
  }

  @Test
  void symlinks_are_shown_and_never_followed() throws Exception {
    Path outside = Files.createTempDirectory("tiermount-outside-");
    try {
      Files.writeString(outside.resolve("secret"), "secret");
      shell(
          "mkdir d; printf in > d/f; ln -s "
              + outside
              + "/secret link; ln -s "
              + outside
              + " dirlink; ln -s ../.. d/up; ln -s d inner");
      for (String key :
          List.of("dirlink/secret", "d/up/etc/passwd", "inner/f", "../secret", "d/../../secret")) {
        assertThat(store.head(key)).as(key).isEmpty();
        assertFails(
            Kind.NOT_FOUND,
            () -> store.read(key, null, 0, 10, ReadTarget.into(ByteBuffer.allocate(10))));
      }
      assertThat(text("link")).isEqualTo(outside + "/secret");
      assertThat(text("d/up")).isEqualTo("../..");
      assertThat(metadata("link")).containsEntry("mode", Integer.toString(0120777));
      assertThat(keys()).containsExactly("d/f", "d/up", "dirlink", "inner", "link");
      // Writing below or over a symlink touches nothing outside.
      put("dirlink/secret", "mine");
      put("link", "mine too");
      assertThat(text("dirlink/secret")).isEqualTo("mine");
      assertThat(text("link")).isEqualTo("mine too");
      store.delete("dirlink");
      store.delete("dirlink/secret");
      try (var left = Files.list(outside)) {
        assertThat(left.map(Path::getFileName).map(Path::toString)).containsExactly("secret");
      }
      assertThat(Files.readString(outside.resolve("secret"))).isEqualTo("secret");
    } finally {
      Files.deleteIfExists(outside.resolve("secret"));
      Files.delete(outside);
    }
  }

  @Test
  void a_symlink_can_be_copied() throws Exception {
    shell("ln -s some/where link");
    store.copy("link", null, "copy", null, WriteCondition.ALWAYS);
    assertThat(text("copy")).isEqualTo("some/where");
    assertThat(metadata("copy")).containsEntry("mode", Integer.toString(0120777));
  }

  @Test
  void our_own_directory_is_never_listed_nor_reached() throws Exception {
    put("a", "x");
    Upload upload = store.startUpload("b", ObjectAttributes.NONE);
    shell("mkdir -p sub/.tiermount/x; touch sub/.tiermount/x/y sub/.tiermount-z");
    put("sub/c", "x");
    assertThat(keys()).containsExactly("a", "sub/c");
    assertThat(store.head(".tiermount/uploads/" + upload.uploadId() + "/key")).isEmpty();
    put(".tiermount/tmp", "a key like any other");
    put(".tiermount%f%a", "no escape of ours");
    assertThat(keys()).containsExactly(".tiermount%f%a", ".tiermount/tmp", "a", "sub/c");
    assertThat(text("a")).isEqualTo("x");
    upload.abort();
  }

  @Test
  void an_empty_directory_of_a_person_is_a_marker_until_it_is_deleted() throws Exception {
    shell("mkdir -p made/deep; chmod 750 made/deep; mkdir full; touch full/f");
    assertThat(keys()).containsExactly("full/f", "made/deep/");
    ObjectInfo marker = store.head("made/deep/").orElseThrow();
    assertThat(marker.sizeBytes()).isZero();
    assertThat(marker.metadata()).containsEntry("mode", Integer.toString(0040750));
    assertThat(store.head("made/")).isEmpty();
    assertThat(store.list(ListRequest.directory("")).commonPrefixes())
        .containsExactly("full/", "made/");
    assertFails(
        Kind.PRECONDITION_FAILED, () -> put("made/deep/", "", Map.of(), WriteCondition.IF_ABSENT));
    put("made/deep/", "", Map.of("mode", "1"), new WriteCondition.IfVersion(marker.version()));
    assertThat(metadata("made/deep/")).isEqualTo(Map.of("mode", "1"));
    store.delete("made/deep/");
    // The person made it, and what is above: "made" is empty now, and therefore shows.
    assertThat(keys()).containsExactly("full/f", "made/");
    store.delete("full/f");
    assertThat(keys()).containsExactly("full/", "made/");
    store.delete("full/");
    store.delete("made/");
    assertThat(shell("ls -A")).isEqualTo(".tiermount\n");
  }

  @Test
  void directories_made_for_a_key_go_with_the_last_key() throws Exception {
    put("a/b/c/d", "x");
    put("a/b/e", "x");
    store.delete("a/b/c/d");
    assertThat(keys()).containsExactly("a/b/e");
    assertThat(Files.exists(directory.path().resolve("a/b/c"))).isFalse();
    store.delete("a/b/e");
    assertThat(shell("ls -A")).isEqualTo(".tiermount\n");
  }

  @Test
  void a_file_and_keys_below_its_name_live_side_by_side_whoever_comes_first() throws Exception {
    shell("printf plain > f; mkdir d; printf below > d/x");
    put("f/below", "1");
    put("d", "2");
    assertThat(keys()).containsExactly("d", "d/x", "f", "f/below");
    assertThat(text("f")).isEqualTo("plain");
    assertThat(text("f/below")).isEqualTo("1");
    store.delete("f");
    put("f/more", "3");
    shell("mkdir f; printf 4 > f/by-hand");
    assertThat(keys()).containsExactly("d", "d/x", "f/below", "f/by-hand", "f/more");
    assertThat(store.list(ListRequest.directory("")).commonPrefixes()).containsExactly("d/", "f/");
  }

  @Test
  void of_eight_threads_that_write_if_version_at_once_one_wins() throws Exception {
    try (ExecutorService threads = Executors.newFixedThreadPool(8)) {
      for (int round = 0; round < 20; round++) {
        ObjectInfo before = put("k", "round " + round);
        Callable<Boolean> writer =
            () -> {
              try {
                put("k", "won", Map.of(), new WriteCondition.IfVersion(before.version()));
                return true;
              } catch (StoreException e) {
                assertThat(e.kind()).isEqualTo(Kind.PRECONDITION_FAILED);
                return false;
              }
            };
        int won = 0;
        for (Future<Boolean> outcome :
            threads.invokeAll(IntStream.range(0, 8).mapToObj(_ -> writer).toList())) {
          won += outcome.get() ? 1 : 0;
        }
        assertThat(won).as("winners of round %d", round).isEqualTo(1);
      }
    }
  }

  @Test
  void writers_and_deleters_of_one_directory_do_not_lose_keys() throws Exception {
    try (ExecutorService threads = Executors.newFixedThreadPool(4)) {
      List<Callable<Boolean>> workers =
          IntStream.range(0, 4)
              .<Callable<Boolean>>mapToObj(worker ->
                  () -> {
                    for (int i = 0; i < 50; i++) {
                      put("shared/dir/" + worker, "x");
                      store.delete("shared/dir/" + worker);
                    }
                    put("shared/dir/" + worker, "last");
                    return true;
                  })
              .toList();
      for (Future<Boolean> outcome : threads.invokeAll(workers)) {
        outcome.get();
      }
    }
    assertThat(keys())
        .containsExactly("shared/dir/0", "shared/dir/1", "shared/dir/2", "shared/dir/3");
  }

  @Test
  void an_upload_survives_a_restart_and_knows_its_own_success() throws Exception {
    Upload upload = store.startUpload("up/k", ObjectAttributes.NONE);
    upload.part(1, ByteSource.of("one".getBytes(UTF_8)));
    store.close();
    store = directory.open();
    assertThat(store.pendingUploads("up/")).hasSize(1);
    Upload resumed = store.resumeUpload("up/k", upload.uploadId());
    resumed.part(2, ByteSource.of("two".getBytes(UTF_8)));
    ObjectInfo made = resumed.complete(WriteCondition.IF_ABSENT);
    assertThat(text("up/k")).isEqualTo("onetwo");
    Upload again = store.resumeUpload("up/k", upload.uploadId());
    assertThat(again.complete(WriteCondition.IF_ABSENT).version()).isEqualTo(made.version());
    put("up/k", "other");
    assertFails(Kind.NOT_FOUND, () -> again.complete(WriteCondition.IF_ABSENT));
  }

  @Test
  void metadata_too_large_for_an_attribute_is_kept_beside_and_goes_with_the_file()
      throws Exception {
    Map<String, String> large = Map.of("xattr", "v".repeat(8000));
    put("a/f", "x", large, WriteCondition.ALWAYS);
    assertThat(metadata("a/f")).isEqualTo(large);
    store.copy("a/f", null, "g", null, WriteCondition.ALWAYS);
    assertThat(metadata("g")).isEqualTo(large);
    put("a/f", "y", large, WriteCondition.ALWAYS);
    assertThat(metadata("a/f")).isEqualTo(large);
    store.delete("a/f");
    store.delete("g");
    assertThat(shell("find .tiermount/meta -type f | wc -l").strip()).isEqualTo("0");
  }

  @Test
  void nothing_is_left_in_the_temporary_directory() throws Exception {
    put("a/b", "x");
    assertFails(
        Kind.PRECONDITION_FAILED, () -> put("a/b", "y", Map.of(), WriteCondition.IF_ABSENT));
    store.copy("a/b", null, "c/d", null, WriteCondition.ALWAYS);
    store.startUpload("e", ObjectAttributes.NONE).abort();
    assertThat(shell("find .tiermount/tmp .tiermount/uploads -mindepth 1 | wc -l").strip())
        .isEqualTo("0");
  }

  @Test
  void special_files_and_names_that_are_no_keys_are_not_shown() throws Exception {
    shell("mkfifo pipe; printf x > \"$(printf 'latin\\351')\"; printf x > seen");
    assertThat(keys()).containsExactly("seen");
    assertThat(store.head("pipe")).isEmpty();
    put("pipe/below", "x");
    put("pipe", "object beside the fifo");
    assertThat(text("pipe")).isEqualTo("object beside the fifo");
  }

  @Test
  void a_missing_directory_is_not_found_with_its_name() throws Exception {
    Path missing = directory.path().resolve("missing");
    assertFails(
        Kind.NOT_FOUND,
        () -> LocalObjectStore.open(missing, false, java.time.InstantSource.system()).close());
  }

  @Test
  void a_closed_store_and_an_interrupted_caller_are_told_so() throws Exception {
    Thread.currentThread().interrupt();
    try {
      assertFails(Kind.INTERRUPTED, () -> store.head("a"));
    } finally {
      assertThat(Thread.interrupted()).isTrue();
    }
    store.close();
    assertFails(Kind.CLOSED, () -> store.head("a"));
  }
}
