package io.tiermount.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.tiermount.backends.os.LibC;
import io.tiermount.daemon.ScopedNode.Ended;
import io.tiermount.daemon.ScopedNode.User;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/** SEMANTICS S…: what lists, maps, masks and squashing do to the users of a node. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class ScopesTest {
  private static final User ALICE = User.of(2001);
  private static final User BOB = User.of(2002);
  private static final User MEMBER = User.of(2003, 3000);
  private static final User OUTSIDER = User.of(2009, 3001);

  private static final String MOUNTS =
      """
      also { path = DIR/also, scope = shared, source = "file://DIR/buckets/b1?as=bucket" }
      still { path = DIR/still, scope = shared, source = "file://DIR/buckets/b5?as=bucket", read_only = true }
      one { path = DIR/one, scope = user, source = "file://DIR/buckets/b1?as=bucket"
            permissions { allow = [2001] } }
      team { path = DIR/team, scope = shared, source = "file://DIR/buckets/b2?as=bucket"
             permissions { allow = [2001, 2002, "@3000"], deny = [2002] } }
      mapped { path = DIR/mapped, scope = shared, source = "file://DIR/buckets/b3?as=bucket"
               permissions { uid_map { 500 = 2001 }, gid_map { 600 = 2001 }, umask = 027 } }
      raw { path = DIR/raw, scope = shared, source = "file://DIR/buckets/b3?as=bucket", read_only = true
            consistency.attr_ttl = 100ms, prefix = "acme/c1/shared" }
      all { path = DIR/all, scope = shared, source = "file://DIR/buckets/b1?as=bucket", prefix = ""
            read_only = true, consistency.attr_ttl = 100ms }
      squashed { path = DIR/squashed, scope = shared, source = "file://DIR/buckets/b4?as=bucket"
                 permissions { root_squash = true } }
      """;

  private ScopedNode node;

  @BeforeAll
  void start() throws IOException {
    assumeTrue(LibC.getuid() == 0, "mounts need root");
    assumeTrue(Files.isExecutable(Path.of("/usr/bin/setpriv")), "setpriv (util-linux) is missing");
    node = new ScopedNode(MOUNTS);
  }

  @AfterAll
  void end() throws IOException {
    if (node != null) {
      node.close();
    }
  }

  private void may(User user, String line) throws Exception {
    Ended ended = node.sh(user, line);
    assertThat(ended.code()).as("%s: %s %s", line, ended.out(), ended.err()).isZero();
  }

  private void mayNot(User user, String line) throws Exception {
    Ended ended = node.sh(user, line);
    assertThat(ended.code()).as("%s: %s", line, ended.out()).isNotZero();
    assertThat(ended.err()).containsAnyOf("Permission denied", "Operation not permitted");
  }

  @Test
  void s1_s2_the_one_who_is_allowed_alone_comes_in() throws Exception {
    may(ALICE, "echo hers > one/f && mkdir one/d && chmod 777 one/d && chmod 666 one/f");
    may(ALICE, "cat one/f && ls -l one");
    mayNot(BOB, "cat one/f");
    mayNot(BOB, "ls one");
    mayNot(BOB, "stat one/f");
    mayNot(BOB, "echo x > one/d/x");
    mayNot(User.of(2002, 2001), "cat one/f");
    may(ALICE, "stat -c %a:%u one | grep -x 700:2001");
  }

  @Test
  void s1_root_is_let_in_where_it_is_named_alone() throws Exception {
    may(ALICE, "echo hers > one/for-root && chmod 666 one/for-root");
    // The kernel lets root walk by; no open comes through.
    mayNot(ScopedNode.ROOT, "cat one/for-root");
    mayNot(ScopedNode.ROOT, "echo x > one/new");
    mayNot(ScopedNode.ROOT, "rm one/for-root");
    mayNot(ScopedNode.ROOT, "mv one/for-root one/moved");
    mayNot(ScopedNode.ROOT, "chmod 0 one/for-root");
    mayNot(ScopedNode.ROOT, "ls one");
    mayNot(ScopedNode.ROOT, "ln -s x one/link");
  }

  @Test
  void s1_s2_names_groups_and_denials_are_kept_to_at_every_walk() throws Exception {
    may(ALICE, "echo all > team/f && chmod 666 team/f && stat team/f && cat team/f");
    may(MEMBER, "stat team/f && cat team/f && echo theirs > team/g");
    mayNot(OUTSIDER, "stat team/f");
    mayNot(OUTSIDER, "cat team/f");
    mayNot(BOB, "stat team/f");
    mayNot(BOB, "ls team");
    // Groups count at the time of the call.
    mayNot(User.of(2003), "cat team/f");
    may(User.of(2009, 5, 3000, 7), "cat team/f");
    may(ALICE, "ls -l team && touch team/f && rm team/f");
    assertThat(node.sh(ScopedNode.ROOT, "getfacl -np team 2>/dev/null || true").out())
        .containsAnyOf("user:2002:---", "Permission denied", "");
  }

  @Test
  void s5_owners_are_mapped_both_ways_and_umask_takes_bits_off() throws Exception {
    may(ALICE, "umask 0; echo x > mapped/f; mkdir mapped/d");
    may(ALICE, "stat -c %a:%u:%g mapped/f | grep -x 640:2001:2001");
    may(ALICE, "stat -c %a mapped/d | grep -x 750");
    may(ALICE, "chmod 666 mapped/f; stat -c %a mapped/f | grep -x 666");
    User stranger = User.of(500);
    may(stranger, "echo x > mapped/s; stat -c %u mapped/s | grep -x 65534");
    may(ScopedNode.ROOT, "chown 2001:2001 mapped/s; stat -c %u:%g mapped/s | grep -x 2001:2001");
    // As the store has them: another mount of the bucket, without a map.
    may(ALICE, "until stat -c %a:%u:%g raw/f | grep -x 666:500:600; do sleep 0.1; done");
    may(ALICE, "until stat -c %u raw/s | grep -x 500; do sleep 0.1; done");
  }

  @Test
  void s6_the_scopes_own_directories_are_made_in_the_bucket_with_the_scopes_modes()
      throws Exception {
    may(
        ScopedNode.ROOT,
        "until stat -c %a:%u all/acme/c1/users/ann | grep -x 700:0; do sleep 0.1; done");
    may(
        ScopedNode.ROOT,
        "until stat -c %a:%u all/acme/c1/shared | grep -x 1777:0; do sleep 0.1; done");
    // The mounts in which they are shown are what their lists make of them.
    may(ALICE, "stat -c %a one | grep -x 700");
    may(ScopedNode.ROOT, "stat -c %a squashed | grep -x 1777");
    may(ScopedNode.ROOT, "test ! -e buckets/b5/acme");
  }

  @Test
  void s1_a_directory_that_can_t_be_kept_shut_is_not_opened() {
    String mount =
        "x { path = DIR/x, scope = local, source = \"file://DIR/data\", permissions.allow = [2001] }";

    assertThatThrownBy(() -> new ScopedNode(mount).close())
        .hasMessageContaining("local.mode = fuse");
  }

  @Test
  void s4_a_squashed_root_is_nobody() throws Exception {
    may(ALICE, "umask 077; echo hers > squashed/private; umask 022; echo all > squashed/public");
    may(ALICE, "mkdir -m 700 squashed/closed; echo x > squashed/closed/f; mkdir squashed/open");
    may(ScopedNode.ROOT, "cat squashed/public");
    mayNot(ScopedNode.ROOT, "cat squashed/private");
    mayNot(ScopedNode.ROOT, "echo x >> squashed/public");
    mayNot(ScopedNode.ROOT, "cat squashed/closed/f");
    mayNot(ScopedNode.ROOT, "ls squashed/closed");
    mayNot(ScopedNode.ROOT, "rm -f squashed/public");
    mayNot(ScopedNode.ROOT, "mv squashed/public squashed/mine");
    mayNot(ScopedNode.ROOT, "chmod 777 squashed/public");
    mayNot(ScopedNode.ROOT, "chown 0 squashed/public");
    mayNot(ScopedNode.ROOT, "touch -d 2020-01-01 squashed/public");
    mayNot(ScopedNode.ROOT, "truncate -s 0 squashed/public");
    mayNot(ScopedNode.ROOT, "echo x > squashed/open/x");
    may(ScopedNode.ROOT, "echo mine > squashed/r; stat -c %u:%g squashed/r | grep -x 65534:65534");
    may(ScopedNode.ROOT, "echo more >> squashed/r; chmod 600 squashed/r; rm squashed/r");
  }
}
