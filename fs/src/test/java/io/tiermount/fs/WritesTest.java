package io.tiermount.fs;

import static org.assertj.core.api.Assertions.assertThat;

import io.tiermount.backends.FaultyStore;
import io.tiermount.fs.MountFixture.Options;
import io.tiermount.fs.write.WriteOptions.Durability;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Plain files, written by plain programs: SEMANTICS W1, W2, W3, W5, W6, W7, W8, W9, W10, W11. */
class WritesTest {
  @TempDir Path dir;
  private final Bucket bucket = new Bucket();

  private MountFixture mount(Durability durability) throws IOException {
    return new MountFixture(dir, bucket.faulty(), Options.writable(durability));
  }

  private void awaitText(String key, String text) throws Exception {
    MountFixture.await(() -> bucket.has(key) && text.equals(bucket.text(key)));
  }

  @ParameterizedTest
  @EnumSource
  void a_new_file_is_read_here_at_once_and_gets_to_the_store(Durability durability)
      throws Exception {
    try (MountFixture mount = mount(durability)) {
      assertThat(mount.sh("printf hello > f && cat f").text()).isEqualTo("hello");
      if (durability == Durability.REMOTE) {
        assertThat(bucket.text("f")).isEqualTo("hello");
      }
      awaitText("f", "hello");
      assertThat(mount.sh("cat f && ls").text()).isEqualTo("hellof\n");
    }
  }

  @ParameterizedTest
  @EnumSource
  void an_object_is_changed_in_place(Durability durability) throws Exception {
    bucket.put("d/f", "0123456789");
    try (MountFixture mount = mount(durability)) {
      assertThat(mount.cat("d/f")).asString().isEqualTo("0123456789");
      assertThat(mount.sh("printf AB | dd of=d/f bs=1 seek=3 conv=notrunc 2>&1").exit()).isZero();
      assertThat(mount.cat("d/f")).asString().isEqualTo("012AB56789");
      awaitText("d/f", "012AB56789");
      assertThat(mount.sh("echo more >> d/f; cat d/f").text()).isEqualTo("012AB56789more\n");
      awaitText("d/f", "012AB56789more\n");
    }
  }

  /** W1: also while it is on its way to the store, and when it has just arrived there. */
  @ParameterizedTest
  @EnumSource
  void a_symlink_has_its_target_at_once(Durability durability) throws Exception {
    try (MountFixture mount = mount(durability)) {
      assertThat(
              mount
                  .sh(
                      "for i in $(seq 150); do ln -s some/target-$i l$i;"
                          + " test -e l$i; [ $(readlink l$i) = some/target-$i ] || echo l$i; done")
                  .text())
          .isEmpty();
    }
  }

  @ParameterizedTest
  @EnumSource
  void names_change(Durability durability) throws Exception {
    bucket.put("d/old", "old");
    try (MountFixture mount = mount(durability)) {
      assertThat(
              mount
                  .sh(
                      "set -e; mkdir n; echo a > n/a; mv d/old n/new; rm n/a; ln -s new n/link;"
                          + " ls n; cat n/link; ls d; rmdir d; ls")
                  .text())
          .isEqualTo("link\nnew\noldn\n");
      MountFixture.await(() ->
          bucket.has("n/new")
              && !bucket.has("d/old")
              && bucket.has("n/link")
              && !bucket.has("n/a"));
    }
  }

  @Test
  void attributes_are_written_as_s3fs_writes_them() throws Exception {
    try (MountFixture mount = mount(Durability.LOCAL)) {
      assertThat(
              mount
                  .sh(
                      "set -e; echo a > f; chmod 640 f; chown 12:34 f;"
                          + " touch -d @1700000000.5 f; stat -c '%a %u %g %.Y' f")
                  .text())
          .isEqualTo("640 12 34 1700000000.500000000\n");
      MountFixture.await(() -> "33184".equals(bucket.metadata("f").get("mode")));
      assertThat(bucket.metadata("f"))
          .containsEntry("uid", "12")
          .containsEntry("gid", "34")
          .containsEntry("mtime", "1700000000.500000000");
    }
  }

  @Test
  void a_directory_is_renamed() throws Exception {
    for (int i = 0; i < 50; i++) {
      bucket.put("a/s/" + i, "content " + i);
    }
    try (MountFixture mount = mount(Durability.LOCAL)) {
      MountFixture.Result moved = mount.sh("mv a b && cat b/s/7 && ls b/s | wc -l && ls");
      assertThat(moved.text() + moved.err()).isEqualTo("content 750\nb\n");
      MountFixture.await(
          () -> bucket.has("b/s/49") && !bucket.has("a/s/0") && !bucket.has("a/s/49"));
      assertThat(mount.sh("cat b/s/8 && ls b/s | wc -l && ls").text())
          .isEqualTo("content 850\nb\n");
    }
  }

  /** W1, W7: the old keys go; who asked for one of them asks again under the new prefix. */
  @Test
  void a_name_looked_up_while_the_rename_of_its_directory_ends_is_there() throws Exception {
    bucket.put("a/s/7", "seven");
    try (MountFixture mount = mount(Durability.LOCAL);
        ExecutorService reader = Executors.newSingleThreadExecutor()) {
      FaultyStore.Gate copy = bucket.faulty().gate("COPY a/s/7");
      FaultyStore.Gate head = bucket.faulty().gate("HEAD a/s/7");
      try {
        assertThat(mount.sh("mv a b").exit()).isZero();
        Future<MountFixture.Result> read = reader.submit(() -> mount.sh("cat b/s/7"));
        head.awaitCall();
        copy.open();
        MountFixture.await(() -> bucket.has("b/s/7") && !bucket.has("a/s/7"));
        head.open();
        assertThat(read.get().text() + read.get().err()).isEqualTo("seven");
      } finally {
        copy.open();
        head.open();
      }
    }
  }

  @Test
  void what_was_closed_is_there_after_a_restart() throws Exception {
    try (MountFixture mount = mount(Durability.LOCAL)) {
      assertThat(mount.sh("mkdir d").exit()).isZero();
      bucket.faulty().setDown(true);
      assertThat(mount.sh("echo kept > d/f; cat d/f").text()).isEqualTo("kept\n");
    } finally {
      bucket.faulty().setDown(false);
    }
    try (MountFixture mount = mount(Durability.LOCAL)) {
      assertThat(mount.sh("cat d/f").text()).isEqualTo("kept\n");
      awaitText("d/f", "kept\n");
    }
  }

  /** W8. */
  @ParameterizedTest
  @EnumSource
  void what_somebody_else_wrote_meanwhile_is_not_overwritten(Durability durability)
      throws Exception {
    bucket.put("f", "first");
    try (MountFixture mount = mount(durability)) {
      assertThat(mount.cat("f")).asString().isEqualTo("first");
      // The other node writes between our open and our close.
      String write =
          "import os,time; f=os.open('f',os.O_WRONLY|os.O_APPEND); os.write(f,b'ours');"
              + " open('../written','w').close()\n"
              + "while not os.path.exists('../go'): time.sleep(0.01)\n"
              + "os.close(f)";
      Process writer =
          new ProcessBuilder("timeout", "30", "python3", "-c", write)
              .directory(mount.mount().toFile())
              .start();
      MountFixture.await(() -> Files.exists(dir.resolve("written")));
      bucket.put("f", "theirs");
      Files.createFile(dir.resolve("go"));
      // Under remote durability the close tells: ESTALE.
      assertThat(writer.waitFor() == 0).isEqualTo(durability == Durability.LOCAL);
      MountFixture.await(() -> mount.volume().pendingChanges() == 0);
      assertThat(bucket.text("f")).isEqualTo("theirs");
      if (durability == Durability.LOCAL) {
        MountFixture.await(() -> mount.sh("cat f").err().contains("Device or resource busy"));
      }
      MountFixture.await(() -> mount.sh("cat f").text().equals("theirs"));
      try (Stream<Path> staged = Files.walk(dir.resolve("cache/staging"))) {
        assertThat(staged.filter(Files::isRegularFile))
            .anySatisfy(file -> assertThat(file).hasContent("firstours"));
      }
    }
  }

  /** W9. */
  @Test
  void of_two_who_make_a_lock_file_one_is_first() throws Exception {
    try (MountFixture mount = mount(Durability.REMOTE)) {
      assertThat(mount.sh("ls").exit()).isZero();
      bucket.put("lock", "theirs");
      MountFixture.Result made = mount.sh("set -C; : > lock");
      assertThat(made.exit()).isNotZero();
      assertThat(bucket.text("lock")).isEqualTo("theirs");
      assertThat(mount.sh("set -C; : > mine").exit()).isZero();
      assertThat(bucket.has("mine")).isTrue();
    }
  }

  /** W10. */
  @Test
  void a_directory_of_keys_stays_when_its_last_file_goes() throws Exception {
    bucket.put("d/only", "x");
    try (MountFixture mount = mount(Durability.REMOTE)) {
      assertThat(mount.sh("rm d/only && ls -d d").text()).isEqualTo("d\n");
      MountFixture.await(() -> bucket.has("d/") && !bucket.has("d/only"));
    }
  }

  /** W5. */
  @Test
  void other_metadata_and_the_content_type_of_a_changed_object_stay() throws Exception {
    bucket.put("f", "text".getBytes(StandardCharsets.UTF_8), "text/x-own", Map.of("team", "blue"));
    try (MountFixture mount = mount(Durability.REMOTE)) {
      assertThat(mount.sh("chmod 600 f; echo more >> f").exit()).isZero();
      MountFixture.await(() -> mount.volume().pendingChanges() == 0);
      assertThat(bucket.metadata("f")).containsEntry("team", "blue").containsEntry("mode", "33152");
      assertThat(bucket.store().head("f").orElseThrow().contentType()).isEqualTo("text/x-own");
      assertThat(bucket.text("f")).isEqualTo("textmore\n");
    }
  }

  /** W1. */
  @Test
  void a_large_object_changed_in_the_middle_is_read_right_and_sent_in_part() throws Exception {
    byte[] content = Bucket.bytes(40 << 20, 7);
    bucket.put("big", content);
    try (MountFixture mount = mount(Durability.REMOTE)) {
      assertThat(mount.sh("printf CHANGED | dd of=big bs=1 seek=20000001 conv=notrunc 2>&1").exit())
          .isZero();
      System.arraycopy("CHANGED".getBytes(StandardCharsets.UTF_8), 0, content, 20_000_001, 7);
      assertThat(mount.cat("big")).isEqualTo(content);
      assertThat(bucket.content("big")).isEqualTo(content);
      assertThat(bucket.calls().drain()).noneMatch(call -> call.startsWith("PUT big"));
    }
  }

  /** W1: the last use of a file is not its close. */
  @Test
  void a_mapping_written_after_its_descriptor_was_closed_gets_to_the_store() throws Exception {
    try (MountFixture mount = mount(Durability.LOCAL)) {
      String python =
          "import mmap,os; f=open('m','w+b'); f.truncate(8192); m=mmap.mmap(f.fileno(),8192);"
              + " f.close(); m[5000:5004]=b'late'; m.flush(); del m";
      assertThat(mount.sh("python3 -c \"" + python + "\"").err()).isEmpty();
      MountFixture.await(() ->
          bucket.has("m")
              && new String(bucket.content("m"), StandardCharsets.ISO_8859_1).contains("late"));
    }
  }

  /** W2: what was sent while the file was written is checked at its close. */
  @Test
  void a_large_file_is_sent_while_it_is_written_and_right_in_the_end() throws Exception {
    byte[] content = Bucket.bytes(40 << 20, 11);
    Path source = Files.write(dir.resolve("source"), content);
    System.arraycopy("CHANGED".getBytes(StandardCharsets.UTF_8), 0, content, 3, 7);
    try (MountFixture mount = mount(Durability.REMOTE)) {
      String python =
          "import os,time; b=open('../source','rb').read(); f=os.open('l',os.O_CREAT|os.O_RDWR);"
              + " os.write(f,b); open('../written','w').close()\n"
              + "while not os.path.exists('../go'): time.sleep(0.01)\n"
              + "os.pwrite(f,b'CHANGED',3); os.close(f)";
      Process writer =
          new ProcessBuilder("timeout", "60", "python3", "-c", python)
              .directory(mount.mount().toFile())
              .inheritIO()
              .start();
      MountFixture.await(() -> Files.exists(dir.resolve("written")));
      MountFixture.await(() -> !bucket.store().pendingUploads("l").isEmpty());
      Files.createFile(dir.resolve("go"));
      assertThat(writer.waitFor()).isZero();
      assertThat(bucket.content("l")).isEqualTo(content);
      assertThat(bucket.store().pendingUploads("")).isEmpty();
      assertThat(mount.cat("l")).isEqualTo(content);
    }
    assertThat(Files.size(source)).isEqualTo(content.length);
  }

  /** W1, W2: several closes of one description, inherited descriptors, readers beside writers. */
  @ParameterizedTest
  @EnumSource
  void shells_and_followers_see_what_they_expect(Durability durability) throws Exception {
    try (MountFixture mount = mount(durability)) {
      assertThat(mount.sh("{ echo a; (echo b); cat /dev/null; echo c; } > f; cat f").text())
          .isEqualTo("a\nb\nc\n");
      awaitText("f", "a\nb\nc\n");
      assertThat(
              mount
                  .sh(
                      "exec 4<f; echo d >> f; cat <&4; rm f; exec 5>g; echo 1 >&5; mv g h;"
                          + " echo 2 >&5; exec 5>&-; cat h; [ ! -e f ] && [ ! -e g ] && echo gone")
                  .text())
          .isEqualTo("a\nb\nc\nd\n1\n2\ngone\n");
      awaitText("h", "1\n2\n");
      MountFixture.await(() -> !bucket.has("f") && !bucket.has("g"));
    }
  }

  /** W4, W6: a kill between the rename here and the copy there. */
  @Test
  void a_rename_that_the_store_has_not_seen_survives_a_restart() throws Exception {
    int files = 30;
    for (int i = 0; i < files; i++) {
      bucket.put("d/b" + i, "content " + i);
    }
    try (MountFixture mount = mount(Durability.LOCAL)) {
      assertThat(mount.sh("ls -l d").exit()).isZero();
      bucket.faulty().setDown(true);
      assertThat(mount.sh("cd d; for f in b*; do mv $f a${f#b} || exit 1; done").err()).isEmpty();
    } finally {
      bucket.faulty().setDown(false);
    }
    assertThat(bucket.has("d/b0")).isTrue();
    try (MountFixture mount = mount(Durability.LOCAL)) {
      MountFixture.await(() -> mount.volume().pendingChanges() == 0);
      for (int i = 0; i < files; i++) {
        assertThat(bucket.text("d/a" + i)).isEqualTo("content " + i);
        assertThat(bucket.has("d/b" + i)).isFalse();
      }
    }
  }
}
