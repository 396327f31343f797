package io.tiermount.fs;

import static org.assertj.core.api.Assertions.assertThat;

import io.tiermount.fs.MountFixture.Options;
import io.tiermount.fs.write.WriteOptions.Durability;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Plain files, written by plain programs. */
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
      assertThat(mount.sh("mv a b && cat b/s/7 && ls b/s | wc -l && ls").text())
          .isEqualTo("content 750\nb\n");
      MountFixture.await(
          () -> bucket.has("b/s/49") && !bucket.has("a/s/0") && !bucket.has("a/s/49"));
      assertThat(mount.sh("cat b/s/8 && ls b/s | wc -l && ls").text())
          .isEqualTo("content 850\nb\n");
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
}
