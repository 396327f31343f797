package io.tiermount.fs.scope;

import static org.assertj.core.api.Assertions.assertThat;

import io.tiermount.fs.fuse.Caller;
import io.tiermount.fs.scope.Principal.Everyone;
import io.tiermount.fs.scope.Principal.Group;
import io.tiermount.fs.scope.Principal.User;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** SEMANTICS S2: what the kernel is told of the mount's own directory. */
final class EntranceTest {
  private static final int OWNER = 10;
  private static final int GROUP = 20;

  @TempDir private Path proc = Path.of("");

  private static AccessOptions options(int mode, List<Principal> allow, List<Principal> deny) {
    return new AccessOptions(
        allow, deny, Map.of(), Map.of(), 0, false, new AccessOptions.Root(mode, mode, false));
  }

  private static Entrance entrance(int mode, List<Principal> allow, List<Principal> deny) {
    return Entrance.of(options(mode, allow, deny), OWNER, GROUP);
  }

  @Test
  void s2_one_user_or_one_group_needs_no_acl() {
    Entrance user = entrance(0700, List.of(new User(1000)), List.of());
    assertThat(user.acl()).isNull();
    assertThat(user.uid()).isEqualTo(1000);
    assertThat(user.mode()).isEqualTo(0700);

    Entrance group = entrance(01777, List.of(new Group(30)), List.of());
    assertThat(group.acl()).isNull();
    assertThat(group.gid()).isEqualTo(30);
    assertThat(group.uid()).isZero();
    assertThat(group.mode()).isEqualTo(01070);

    assertThat(entrance(0755, List.of(), List.of()).acl()).isNull();
    assertThat(entrance(0755, List.of(), List.of()).mode()).isEqualTo(0755);
    assertThat(entrance(0755, List.of(), List.of(new User(1))).acl()).isNotNull();
  }

  @Test
  void s2_an_allow_list_gives_no_more_than_the_mode_bits_do() {
    assertThat(entrance(0755, List.of(new User(1000)), List.of()).mode()).isEqualTo(0500);
    assertThat(entrance(0755, List.of(new User(OWNER)), List.of()).mode()).isEqualTo(0700);
    assertThat(entrance(0750, List.of(new User(1000)), List.of()).mode()).isZero();
  }

  /** Against {@link AccessPolicy}, with the kernel's own rules for an ACL. */
  @Test
  void s2_the_kernel_keeps_out_whom_the_lists_keep_out() throws IOException {
    long seed = new Random().nextLong();
    Random random = new Random(seed);
    int checked = 0;
    for (int round = 0; round < 2_000; round++) {
      List<Principal> allow = principals(random, 3);
      List<Principal> deny = principals(random, 2);
      AccessOptions options = options(01777, allow, deny);
      Entrance entrance = Entrance.of(options, OWNER, GROUP);
      int uid = random.nextInt(8, 14);
      int gid = random.nextInt(18, 24);
      Set<Integer> groups = random.nextBoolean() ? Set.of() : Set.of(random.nextInt(18, 24));
      if (isDeniedByGroupAlone(deny, uid, gid, groups)) {
        continue; // The one case an ACL can't say.
      }
      Files.createDirectories(proc.resolve("1"));
      StringBuilder text = new StringBuilder("Groups:\t");
      groups.forEach(group -> text.append(group).append(' '));
      Files.writeString(proc.resolve("1/status"), text + "\n");
      boolean admitted = new AccessPolicy(options, proc, -9).admits(new Caller(uid, gid, 1));
      boolean owner = options.hasLists() && uid == OWNER;
      boolean walks = (rights(entrance, uid, gid, groups) & 1) != 0;
      if (!admitted) {
        assertThat(walks)
            .as("seed %d: %s with %s %s, allow %s deny %s", seed, uid, gid, groups, allow, deny)
            .isFalse();
      } else if (!owner) {
        assertThat(walks)
            .as("seed %d: %s with %s %s, allow %s deny %s", seed, uid, gid, groups, allow, deny)
            .isTrue();
      }
      checked++;
    }
    assertThat(checked).isGreaterThan(1_000);
  }

  private static boolean isDeniedByGroupAlone(
      List<Principal> deny, int uid, int gid, Set<Integer> groups) {
    return !deny.contains(new Everyone())
        && !deny.contains(new User(uid))
        && (deny.contains(new Group(gid))
            || groups.stream().anyMatch(group -> deny.contains(new Group(group))));
  }

  private static List<Principal> principals(Random random, int max) {
    List<Principal> list = new ArrayList<>();
    for (int i = random.nextInt(max + 1); i > 0; i--) {
      list.add(
          switch (random.nextInt(8)) {
            case 0 -> new Everyone();
            case 1, 2, 3 -> new User(random.nextInt(8, 14));
            default -> new Group(random.nextInt(18, 24));
          });
    }
    return list;
  }

  /** acl_permission_check() of fs/namei.c and posix_acl_permission() of fs/posix_acl.c. */
  private static int rights(Entrance entrance, int uid, int gid, Set<Integer> groups) {
    int mode = entrance.mode();
    if (uid == entrance.uid()) {
      return mode >> 6 & 7;
    }
    byte[] acl = entrance.acl();
    if (acl == null || (mode & 070) == 0) {
      boolean in = gid == entrance.gid() || groups.contains(entrance.gid());
      return in ? mode >> 3 & 7 : mode & 7;
    }
    ByteBuffer entries = ByteBuffer.wrap(acl).order(ByteOrder.LITTLE_ENDIAN);
    assertThat(entries.getInt()).isEqualTo(2);
    boolean matched = false;
    int fromGroups = 0;
    while (entries.hasRemaining()) {
      int tag = entries.getShort();
      int rights = entries.getShort();
      int id = entries.getInt();
      if (tag == 2 && id == uid) {
        return rights;
      }
      int of = tag == 4 ? entrance.gid() : tag == 8 ? id : -7;
      if ((tag == 4 || tag == 8) && (of == gid || groups.contains(of))) {
        matched = true;
        fromGroups |= rights;
      }
      if (tag == 32) {
        return matched ? fromGroups : rights;
      }
    }
    throw new AssertionError("no entry for others");
  }
}
