package io.tiermount.fs.scope;

import static org.assertj.core.api.Assertions.assertThat;

import io.tiermount.fs.fuse.Caller;
import io.tiermount.fs.scope.Principal.Everyone;
import io.tiermount.fs.scope.Principal.Group;
import io.tiermount.fs.scope.Principal.User;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** SEMANTICS S1, S4, S5: who the lists let in, and which numbers owners have where. */
final class AccessPolicyTest {
  private static final int DAEMON = 0;

  @TempDir private Path proc = Path.of("");

  private static AccessOptions options(
      List<Principal> allow, List<Principal> deny, boolean squash) {
    return new AccessOptions(
        allow, deny, Map.of(), Map.of(), 0, squash, new AccessOptions.Root(0755, 0755, false));
  }

  private boolean admits(List<Principal> allow, List<Principal> deny, Caller caller) {
    return new AccessPolicy(options(allow, deny, false), proc, DAEMON).admits(caller);
  }

  private Caller caller(int uid, int gid, int... groups) throws IOException {
    int pid = 100 + uid;
    StringBuilder status = new StringBuilder("Name:\tcat\nGroups:\t");
    for (int group : groups) {
      status.append(group).append(' ');
    }
    Files.createDirectories(proc.resolve(String.valueOf(pid)));
    Files.writeString(proc.resolve(pid + "/status"), status + "\nNStgid:\t7\n");
    return new Caller(uid, gid, pid);
  }

  @Test
  void s1_without_lists_mode_bits_alone_decide() throws IOException {
    assertThat(new AccessPolicy(AccessOptions.DEFAULTS, proc, DAEMON).leavesAllToTheKernel())
        .isTrue();
    assertThat(admits(List.of(), List.of(), caller(7, 7))).isTrue();
    assertThat(
            new AccessPolicy(options(List.of(), List.of(), true), proc, DAEMON)
                .leavesAllToTheKernel())
        .isFalse();
  }

  @Test
  void s1_allow_lets_in_those_alone_whom_it_names() throws IOException {
    List<Principal> allow = List.of(new User(1000), new Group(50));

    assertThat(admits(allow, List.of(), caller(1000, 9))).isTrue();
    assertThat(admits(allow, List.of(), caller(1001, 50))).isTrue();
    assertThat(admits(allow, List.of(), caller(1001, 9, 4, 50))).isTrue();
    assertThat(admits(allow, List.of(), caller(1001, 1000, 1000, 5))).isFalse();
    assertThat(admits(allow, List.of(), caller(0, 0))).as("root is not named").isFalse();
    assertThat(admits(List.of(new Everyone()), List.of(), caller(1001, 9))).isTrue();
  }

  @Test
  void s1_deny_comes_before_allow() throws IOException {
    List<Principal> deny = List.of(new User(1000), new Group(50));

    assertThat(admits(List.of(), deny, caller(1001, 9))).isTrue();
    assertThat(admits(List.of(new User(1000)), deny, caller(1000, 9))).isFalse();
    assertThat(admits(List.of(new User(1001)), deny, caller(1001, 50))).isFalse();
    assertThat(admits(List.of(new Group(60)), deny, caller(1001, 60, 50))).isFalse();
    assertThat(admits(List.of(new Everyone()), List.of(new Everyone()), caller(1, 1))).isFalse();
  }

  @Test
  void s1_groups_that_can_t_be_known_keep_out() {
    Caller gone = new Caller(1001, 9, 4711);
    Caller elsewhere = new Caller(1001, 9, 0);

    assertThat(admits(List.of(), List.of(new Group(50)), gone)).isFalse();
    assertThat(admits(List.of(), List.of(new Group(50)), elsewhere)).isFalse();
    assertThat(admits(List.of(new Group(50)), List.of(), gone)).isFalse();
    assertThat(admits(List.of(new User(1001)), List.of(), gone)).isTrue();
    assertThat(admits(List.of(new Group(9)), List.of(), gone)).isTrue();
    assertThat(admits(List.of(), List.of(new User(1)), gone)).isTrue();
  }

  @Test
  void s1_large_numbers_are_numbers_too() throws IOException {
    Files.createDirectories(proc.resolve("9"));
    Files.writeString(proc.resolve("9/status"), "Groups:\t4294967294 \n");

    assertThat(admits(List.of(new Group(-2)), List.of(), new Caller(1, 1, 9))).isTrue();
  }

  @Test
  void s4_a_squashed_root_is_nobody() throws IOException {
    AccessPolicy root = new AccessPolicy(options(List.of(new User(0)), List.of(), true), proc, 5);
    AccessPolicy nobody =
        new AccessPolicy(options(List.of(new User(65534)), List.of(), true), proc, 5);

    assertThat(root.admits(caller(0, 0))).isFalse();
    assertThat(nobody.admits(caller(0, 0, 0, 1))).isTrue();
    assertThat(nobody.isSquashed(caller(0, 0))).isTrue();
    assertThat(nobody.isSquashed(caller(1000, 0))).isFalse();
  }

  @Test
  void s1_the_daemon_itself_is_let_in_to_warm_its_cache() throws IOException {
    Files.createDirectories(proc.resolve("self/task/77"));
    List<Principal> allow = List.of(new User(1000));

    assertThat(admits(allow, List.of(), new Caller(DAEMON, 0, 77))).isTrue();
    assertThat(admits(allow, List.of(), new Caller(DAEMON, 0, 78))).isFalse();
    assertThat(admits(allow, List.of(), new Caller(1001, 0, 77))).isFalse();
  }

  @Test
  void s5_owners_are_mapped_both_ways_and_nobody_gets_the_files_of_another() {
    AccessOptions options =
        new AccessOptions(
            List.of(),
            List.of(),
            Map.of(1000, 2000, 1001, 2000, 5, 0),
            Map.of(7, 70),
            0,
            false,
            new AccessOptions.Root(0755, 0755, false));

    assertThat(options.shownUid(1000)).isEqualTo(2000);
    assertThat(options.storedUid(2000)).isEqualTo(1000);
    assertThat(options.shownUid(1001)).isEqualTo(2000);
    assertThat(options.shownUid(5)).isZero();
    assertThat(options.storedUid(0)).isEqualTo(5);
    assertThat(options.shownGid(7)).isEqualTo(70);
    assertThat(options.storedGid(70)).isEqualTo(7);
    assertThat(options.shownUid(42)).as("not named: as it is").isEqualTo(42);
    assertThat(options.storedUid(42)).isEqualTo(42);
    assertThat(options.shownUid(2000)).as("the store's 2000 is not ours").isEqualTo(65534);
    assertThat(options.storedUid(1000)).as("our 1000 is not the store's").isEqualTo(65534);
  }
}
