package io.tiermount.fs;

import static org.assertj.core.api.Assertions.assertThat;

import io.tiermount.fs.MountFixture.Options;
import io.tiermount.fs.MountFixture.Result;
import io.tiermount.fs.fuse.FuseTransport;
import io.tiermount.fs.volume.VolumeOptions.AttributeMode;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * SEMANTICS R1, R2, R3, R4, R5, R6, R7, R8, R9, R10, R12, R29, seen by programs, over each
 * transport.
 */
abstract class NamesOnMountContract {
  @TempDir Path dir;
  final Bucket bucket = new Bucket();

  abstract FuseTransport transport();

  final MountFixture mount() throws Exception {
    return new MountFixture(dir, bucket.store(), Options.USUAL, transport());
  }

  @Test
  void r1_r2_objects_are_files_and_prefixes_are_directories() throws Exception {
    bucket.put("a/b/c", "deep").put("top", "t").put("empty/", "").put("old_$folder$", "");
    bucket.put("typed", new byte[0], "application/x-directory", Map.of("mode", "16832"));
    try (MountFixture mount = mount()) {
      assertThat(mount.sh("cat a/b/c top").text()).isEqualTo("deept");
      assertThat(mount.sh("find . -type d | sort").lines())
          .containsExactly(".", "./a", "./a/b", "./empty", "./old", "./typed");
      assertThat(mount.sh("stat -c %a typed").text()).isEqualTo("700\n");
      assertThat(mount.sh("ls -A empty old typed").exit()).isZero();
      assertThat(mount.sh("cat missing").err()).contains("No such file");
      assertThat(mount.sh("cat top/x").err()).contains("Not a directory");
    }
  }

  @Test
  void r3_a_name_that_is_no_utf8_does_not_exist() throws Exception {
    bucket.put("a", "x");
    try (MountFixture mount = mount()) {
      assertThat(mount.sh("cat \"$(printf 'a\\377')\"").err()).contains("No such file");
    }
  }

  @Test
  void r4_r5_r7_every_key_is_readable_under_its_one_name() throws Exception {
    bucket.put("a", "object").put("a/b", "below").put("a.txt", "between");
    bucket.put("x//y", "doubled").put("./k", "dot").put("../k", "dotdot");
    bucket.put("m/", "marker").put("m/f", "f").put("%tm.empty", "literal").put("sp ace+%2B", "s");
    try (MountFixture mount =
        MountFixture.wholeBucket(dir, bucket.store(), Options.USUAL, transport())) {
      assertThat(mount.sh("cat a%tm.object a/b a.txt").text()).isEqualTo("objectbelowbetween");
      assertThat(mount.sh("cat x/%tm.empty/y").text()).isEqualTo("doubled");
      assertThat(mount.sh("cat %tm.dot/k %tm.dotdot/k").text()).isEqualTo("dotdotdot");
      assertThat(mount.sh("cat m/%tm.self m/f").text()).isEqualTo("markerf");
      assertThat(mount.sh("cat %tm.esc.empty 'sp ace+%2B'").text()).isEqualTo("literals");
      assertThat(mount.sh("cat m%tm.object").exit()).isNotZero();
      assertThat(mount.sh("cat a.txt%tm.object").exit()).isNotZero();
      assertThat(mount.sh("find . -type f | sort").lines())
          .containsExactly(
              "./%tm.dot/k",
              "./%tm.dotdot/k",
              "./%tm.esc.empty",
              "./a%tm.object",
              "./a.txt",
              "./a/b",
              "./m/%tm.self",
              "./m/f",
              "./sp ace+%2B",
              "./x/%tm.empty/y");
    }
  }

  @Test
  void r6_a_long_segment_has_a_cut_name_that_opens_it_cold() throws Exception {
    String longKey = "d/" + "ä".repeat(300);
    bucket.put(longKey, "long").put("d/" + "ä".repeat(301), "longer");
    String name;
    try (MountFixture mount = mount()) {
      Result listed = mount.sh("ls d");
      assertThat(listed.lines()).hasSize(2);
      name = listed.lines().get(0);
      assertThat(mount.sh("cat d/*").text()).contains("long").contains("longer");
      assertThat(mount.sh("cat d/" + "b".repeat(256)).err()).contains("File name too long");
    }
    // Another cache, nothing listed: the name alone leads to the key.
    try (MountFixture mount =
        new MountFixture(dir.resolve("cold"), bucket.store(), Options.USUAL, transport())) {
      assertThat(mount.sh("cat 'd/" + name + "'").text()).startsWith("long");
    }
  }

  @Test
  void r8_inode_numbers_are_the_same_after_a_restart_and_on_every_node() throws Exception {
    bucket.put("d/a", "1").put("d/b", "2");
    String first;
    try (MountFixture mount = mount()) {
      first = mount.sh("stat -c '%n %i' . d d/a d/b").text();
      assertThat(mount.sh("ls -i d").text().split("\\s+"))
          .contains(mount.sh("stat -c %i d/a").text().strip());
    }
    try (MountFixture mount = mount()) {
      assertThat(mount.sh("stat -c '%n %i' . d d/a d/b").text()).isEqualTo(first);
    }
    try (MountFixture other =
        new MountFixture(dir.resolve("other"), bucket.store(), Options.USUAL, transport())) {
      assertThat(other.sh("stat -c '%n %i' . d d/a d/b").text()).isEqualTo(first);
    }
  }

  @Test
  void r9_attributes_are_those_s3fs_wrote() throws Exception {
    bucket.put(
        "f",
        "x".getBytes(StandardCharsets.UTF_8),
        null,
        Map.of("mode", "33152", "uid", "1234", "gid", "77", "mtime", "1500000000.25"));
    bucket.put("link", "f".getBytes(StandardCharsets.UTF_8), null, Map.of("mode", "41471"));
    bucket.put("dir/", new byte[0], "application/x-directory", Map.of("mode", "16877", "uid", "5"));
    bucket.put("dir/x", "x");
    try (MountFixture mount = mount()) {
      assertThat(mount.sh("stat -c '%a %u %g %.2Y %F' f").text())
          .isEqualTo("600 1234 77 1500000000.25 regular file\n");
      assertThat(mount.sh("readlink link; cat link").text()).isEqualTo("f\nx");
      assertThat(mount.sh("stat -c '%a %u %F' dir").text()).isEqualTo("755 5 directory\n");
    }
  }

  @Test
  void r10_attributes_list_takes_modes_from_the_configuration() throws Exception {
    bucket.put("f", new byte[1], null, Map.of("mode", "33152", "uid", "1234"));
    try (MountFixture mount =
        new MountFixture(
            dir, bucket.store(), Options.USUAL.attributes(AttributeMode.LIST), transport())) {
      assertThat(mount.sh("stat -c '%a %u' f").text()).isEqualTo("644 0\n");
      assertThat(mount.sh("ls -l f").text()).startsWith("-rw-r--r-- 1 root");
    }
  }

  @Test
  void r29_everything_that_would_change_something_is_refused() throws Exception {
    bucket.put("f", "x").put("d/g", "x");
    try (MountFixture mount = mount()) {
      String[] changes = {
        "echo x > f",
        "echo x > new",
        "rm f",
        "mkdir n",
        "rmdir d",
        "mv f g",
        "ln f h",
        "ln -s f s",
        "chmod 600 f",
        "touch f",
        "truncate -s 0 f",
        "mkfifo p"
      };
      for (String change : changes) {
        Result result = mount.sh(change);
        assertThat(result.exit()).as(change).isNotZero();
        assertThat(result.err()).as(change).contains("Read-only file system");
      }
      assertThat(bucket.calls().lines()).noneMatch(call -> call.startsWith("PUT"));
    }
  }

  @Test
  void r12_many_pages_are_listed_whole_and_once() throws Exception {
    for (int i = 0; i < 3_500; i++) {
      bucket.put("many/f%05d".formatted(i), "x");
    }
    try (MountFixture mount = mount()) {
      assertThat(mount.sh("ls -f many | sort | uniq | wc -l").text().strip()).isEqualTo("3502");
      assertThat(bucket.calls().drain().stream().filter(c -> c.startsWith("LIST many/ delim")))
          .hasSize(4);
      // From the index, also for a reader that starts again in the middle of it.
      assertThat(mount.sh("ls -f many | wc -l").text().strip()).isEqualTo("3502");
      assertThat(bucket.calls().drain()).isEmpty();
    }
  }
}
