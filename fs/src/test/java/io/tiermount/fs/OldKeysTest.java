package io.tiermount.fs;

import static org.assertj.core.api.Assertions.assertThat;

import io.tiermount.backends.FaultyStore.Fault;
import io.tiermount.backends.FaultyStore.Gate;
import io.tiermount.fs.MountFixture.Options;
import io.tiermount.fs.write.WriteOptions.Durability;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * W12: what a name was before takes nothing along that has the name now. Each is a bug that {@link
 * NamesModelTest} found, made small.
 */
class OldKeysTest {
  @TempDir Path dir;
  private final Bucket bucket = new Bucket();

  private MountFixture mount(Durability durability) throws IOException {
    return new MountFixture(dir, bucket.faulty(), Options.writable(durability));
  }

  private static void settle(MountFixture mount) throws Exception {
    MountFixture.await(() -> mount.volume().pendingChanges() == 0);
  }

  private static void run(MountFixture mount, String line) throws Exception {
    assertThat(mount.sh(line).err()).isEmpty();
  }

  @Test
  void a_file_renamed_twice_before_its_copy_leaves_its_first_name_alone() throws Exception {
    bucket.put("a", "old");
    Gate gate = bucket.faulty().gate("COPY a");
    try (MountFixture mount = mount(Durability.LOCAL)) {
      run(mount, "mv a b && echo new > a && mv b c");
      gate.open();
      settle(mount);
      assertThat(mount.sh("cat a c; ls").text()).isEqualTo("new\nolda\nc\n");
      assertThat(bucket.text("a")).isEqualTo("new\n");
      assertThat(bucket.text("c")).isEqualTo("old");
      assertThat(bucket.has("b")).isFalse();
    }
  }

  @Test
  void a_file_renamed_and_removed_before_its_copy_leaves_its_first_name_alone() throws Exception {
    bucket.put("a", "old");
    Gate gate = bucket.faulty().gate("COPY a");
    try (MountFixture mount = mount(Durability.LOCAL)) {
      run(mount, "mv a b && echo new > a && rm b");
      gate.open();
      settle(mount);
      assertThat(bucket.text("a")).isEqualTo("new\n");
      assertThat(mount.sh("ls").text()).isEqualTo("a\n");
    }
  }

  /** What comes to lie under the name in the middle is copied from there before it goes. */
  @Test
  void a_file_renamed_again_during_its_copy_keeps_its_content() throws Exception {
    bucket.put("a", "content");
    Gate gate = bucket.faulty().gate("COPY a -> b");
    try (MountFixture mount = mount(Durability.LOCAL)) {
      run(mount, "mv a b");
      gate.awaitCall();
      run(mount, "mv b c");
      gate.open();
      settle(mount);
      assertThat(mount.sh("cat c; ls").text()).isEqualTo("contentc\n");
      assertThat(bucket.text("c")).isEqualTo("content");
      assertThat(bucket.has("a") || bucket.has("b")).isFalse();
    }
  }

  @Test
  void a_removal_in_a_directory_that_is_gone_comes_before_what_is_made_in_the_next_one()
      throws Exception {
    bucket.put("d/x", "old");
    Gate gate = bucket.faulty().gate("DELETE d/x");
    try (MountFixture mount = mount(Durability.LOCAL)) {
      run(mount, "rm d/x && rmdir d && mkdir d && echo new > d/x");
      gate.awaitCall();
      gate.open();
      settle(mount);
      assertThat(bucket.text("d/x")).isEqualTo("new\n");
      assertThat(mount.sh("cat d/x").text()).isEqualTo("new\n");
    }
  }

  /** By the key of a file that is still to be copied from there. */
  @Test
  void a_directory_that_was_removed_does_not_come_back() throws Exception {
    bucket.put("d/e/", "").put("d/e/x", "content").put("d/y", "y");
    Gate gate = bucket.faulty().gate("COPY d/e/x -> x");
    try (MountFixture mount = mount(Durability.LOCAL)) {
      run(mount, "ls d/e && mv d/e/x x && rmdir d/e && echo > z");
      gate.awaitCall();
      MountFixture.await(() -> bucket.has("z"));
      assertThat(mount.sh("ls d; ls d/e 2> /dev/null").text()).isEqualTo("y\n");
      gate.open();
      settle(mount);
      assertThat(mount.sh("ls d; cat x").text()).isEqualTo("y\ncontent");
      assertThat(bucket.has("d/e/") || bucket.has("d/e/x")).isFalse();
    }
  }

  @Test
  void a_removal_in_a_directory_that_is_gone_is_carried_out_after_a_restart() throws Exception {
    bucket.put("d/x", "old").put("d/y", "old");
    try (MountFixture mount = mount(Durability.LOCAL)) {
      run(mount, "ls -l d");
      bucket.faulty().setDown(true);
      run(mount, "rm d/x d/y && rmdir d && mkdir d && echo new > d/x");
    } finally {
      bucket.faulty().setDown(false);
    }
    try (MountFixture mount = mount(Durability.LOCAL)) {
      settle(mount);
      assertThat(bucket.text("d/x")).isEqualTo("new\n");
      assertThat(bucket.has("d/y")).isFalse();
    }
  }

  @Test
  void a_directory_renamed_over_one_that_was_just_emptied_keeps_its_files() throws Exception {
    bucket.put("d/x", "old").put("e/x", "new");
    Gate gate = bucket.faulty().gate("DELETE d/x");
    try (MountFixture mount = mount(Durability.LOCAL)) {
      run(mount, "rm d/x");
      Thread opener =
          Thread.startVirtualThread(() -> {
            try {
              gate.awaitCall();
              gate.open();
            } catch (InterruptedException e) {
              Thread.currentThread().interrupt();
            }
          });
      run(mount, "mv -T e d");
      opener.join();
      settle(mount);
      assertThat(bucket.text("d/x")).isEqualTo("new");
      assertThat(mount.sh("cat d/x").text()).isEqualTo("new");
    }
  }

  @Test
  void a_file_moved_out_of_a_directory_that_is_then_renamed_keeps_its_content() throws Exception {
    bucket.put("d/x", "content").put("d/y", "other");
    Gate gate = bucket.faulty().gate("COPY d/x -> e/x");
    try (MountFixture mount = mount(Durability.LOCAL)) {
      run(mount, "mkdir e && ls d && mv d/x e/x && mv d f && cat e/x");
      gate.open();
      settle(mount);
      assertThat(bucket.text("e/x")).isEqualTo("content");
      assertThat(bucket.has("f/x")).isFalse();
      assertThat(bucket.text("f/y")).isEqualTo("other");
    }
  }

  @Test
  void a_directory_made_where_a_file_was_and_the_reverse_leave_nothing_behind() throws Exception {
    bucket.put("a", "old");
    try (MountFixture mount = mount(Durability.LOCAL)) {
      run(mount, "mkdir d && ls -l . d");
      settle(mount);
      bucket.faulty().setDown(true);
      run(mount, "rm a && mkdir a && rmdir d && echo file > d");
    } finally {
      bucket.faulty().setDown(false);
    }
    try (MountFixture mount = mount(Durability.LOCAL)) {
      settle(mount);
      assertThat(bucket.objects().stream().map(object -> object.key())).containsExactly("a/", "d");
      assertThat(mount.sh("ls -F").text()).isEqualTo("a/\nd\n");
    }
  }

  @ParameterizedTest
  @EnumSource
  void names_that_change_places_do(Durability durability) throws Exception {
    bucket.put("a", "first").put("b", "second");
    try (MountFixture mount = mount(durability)) {
      run(mount, "mv a t && mv b a && mv t b");
      settle(mount);
      assertThat(mount.sh("cat a b").text()).isEqualTo("secondfirst");
      assertThat(bucket.text("a")).isEqualTo("second");
      assertThat(bucket.text("b")).isEqualTo("first");
      assertThat(bucket.has("t")).isFalse();
    }
  }

  @Test
  void names_that_change_places_while_the_store_is_down_do() throws Exception {
    bucket.put("a", "first").put("b", "second");
    try (MountFixture mount = mount(Durability.LOCAL)) {
      run(mount, "cat a b > /dev/null; ls t 2> /dev/null; ls");
      bucket.faulty().setDown(true);
      run(mount, "mv a t && mv b a && mv t b");
      bucket.faulty().setDown(false);
      settle(mount);
      assertThat(mount.sh("cat a b").text()).isEqualTo("secondfirst");
      assertThat(bucket.text("a") + bucket.text("b")).isEqualTo("secondfirst");
    }
  }

  /** The files of a directory that got a marker, or another name, are still known. */
  @Test
  void a_directory_that_changes_keeps_showing_its_files() throws Exception {
    bucket.put("d/x", "x").put("d/y", "y");
    try (MountFixture mount = mount(Durability.LOCAL)) {
      run(mount, "ls -l . d");
      bucket.faulty().setDown(true);
      run(mount, "mv d/x z");
    } finally {
      bucket.faulty().setDown(false);
    }
    try (MountFixture mount = mount(Durability.LOCAL)) {
      assertThat(mount.sh("cat d/y").text()).isEqualTo("y");
      run(mount, "mkdir n && echo made > n/f");
      settle(mount);
      run(mount, "mv n m");
      settle(mount);
      assertThat(mount.sh("cat m/f d/y z").text()).isEqualTo("made\nyx");
    }
  }

  /** The version from before gets the new name: nobody waits for the writer. */
  @ParameterizedTest
  @EnumSource
  void a_file_renamed_while_it_is_written_leaves_its_name_to_others(Durability durability)
      throws Exception {
    bucket.put("t", "old");
    try (MountFixture mount = mount(durability)) {
      String python =
          "import os; f=open('t','r+'); f.write('new'); f.flush(); os.rename('t','x');"
              + " g=open('t','w'); g.write('other'); g.flush(); os.fsync(g.fileno());"
              + " g.close(); f.write('er'); f.close()";
      run(mount, "python3 -c \"" + python + "\"");
      settle(mount);
      assertThat(bucket.text("t")).isEqualTo("other");
      assertThat(bucket.text("x")).isEqualTo("newer");
    }
  }

  /** W8: a lost answer is nobody else's object. */
  @ParameterizedTest
  @EnumSource
  void a_rename_over_a_new_file_whose_answers_are_lost_is_no_lost_race(Durability durability)
      throws Exception {
    bucket.put("a", "content");
    try (MountFixture mount = mount(durability)) {
      bucket.faulty().failNext("PUT b", 1, new Fault.LosesAnswer());
      bucket.faulty().failNext("COPY a -> b", 2, new Fault.LosesAnswer());
      // Under remote durability the caller is told; what it did stays done.
      assertThat(mount.sh("echo other > b; mv a b; cat b").text()).isEqualTo("content");
      settle(mount);
      assertThat(mount.sh("cat b; ls").text()).isEqualTo("contentb\n");
      assertThat(bucket.text("b")).isEqualTo("content");
      assertThat(bucket.has("a")).isFalse();
    }
  }
}
