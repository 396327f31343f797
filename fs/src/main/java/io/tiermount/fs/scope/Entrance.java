package io.tiermount.fs.scope;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What the kernel is told of a mount's own directory, so that every path walk stops there for whom
 * the lists keep out: names and attributes that others have warmed are out of reach without a
 * question to us. One user or one group is said by owner and mode bits; more by a POSIX ACL
 * (acl(5)), which costs the kernel a question more for each inode it looks at.
 *
 * <p>An ACL knows no order of deny before allow between groups: who is denied by one group and
 * allowed by name or by another may walk in, sees names and attributes, and is refused at every
 * open ({@link AccessPolicy}).
 *
 * @param uid the directory's owner as it is shown
 * @param gid its group
 * @param mode its permission bits
 * @param acl the value of {@code system.posix_acl_access}; null where mode bits say it all
 */
public record Entrance(int uid, int gid, int mode, byte @Nullable [] acl) {
  /** The kernel asks for the value with one page: a version and 8 bytes an entry. */
  public static final int MAX_PRINCIPALS = 500;

  // include/uapi/linux/posix_acl.h and posix_acl_xattr.h
  private static final int VERSION = 2;
  private static final int USER_OBJ = 0x01;
  private static final int USER = 0x02;
  private static final int GROUP_OBJ = 0x04;
  private static final int GROUP = 0x08;
  private static final int MASK = 0x10;
  private static final int OTHER = 0x20;
  private static final int NO_ID = -1;

  private static final int SPECIAL = 07000;

  /**
   * The entrance of a mount.
   *
   * @param owner of the mount's own directory as configured
   * @param group the same
   */
  public static Entrance of(AccessOptions options, int owner, int group) {
    int mode = options.root().shownMode();
    if (!options.hasLists()) {
      return new Entrance(owner, group, mode, null);
    }
    boolean allowsAll =
        options.allow().isEmpty() || options.allow().contains(new Principal.Everyone());
    if (options.deny().isEmpty() && !allowsAll && options.allow().size() == 1) {
      int special = mode & SPECIAL;
      Principal only = options.allow().getFirst();
      if (only instanceof Principal.User(int uid)) {
        int rights = uid == owner ? mode >> 6 & 7 : guest(mode);
        return new Entrance(uid, group, special | rights << 6, null);
      }
      if (only instanceof Principal.Group(int gid)) {
        int rights = gid == group && (mode & 070) != 0 ? mode >> 3 & 7 : guest(mode);
        return new Entrance(0, gid, special | rights << 3, null);
      }
    }
    return withAcl(options, allowsAll, mode, owner, group);
  }

  /**
   * What mode bits give those whom a list lets in: others' rights, and the owner's where the
   * directory is its owner's alone.
   */
  private static int guest(int mode) {
    return (mode & 077) == 0 ? mode >> 6 & 7 : mode & 7;
  }

  private static Entrance withAcl(
      AccessOptions options, boolean allowsAll, int mode, int owner, int group) {
    boolean nobody = options.deny().contains(new Principal.Everyone());
    boolean ownerMay = !nobody && may(options, allowsAll, new Principal.User(owner));
    boolean groupMay = !nobody && may(options, allowsAll, new Principal.Group(group));
    int ownerRights = ownerMay ? mode >> 6 & 7 : 0;
    int groupRights = groupMay ? ((mode & 077) == 0 ? guest(mode) : mode >> 3 & 7) : 0;
    int otherRights = allowsAll && !nobody ? mode & 7 : 0;
    Map<Integer, Integer> users = new TreeMap<>(Integer::compareUnsigned);
    Map<Integer, Integer> groups = new TreeMap<>(Integer::compareUnsigned);
    add(options.allow(), nobody ? 0 : guest(mode), users, groups);
    add(options.deny(), 0, users, groups);
    List<int[]> entries = new ArrayList<>();
    entries.add(new int[] {USER_OBJ, ownerRights, NO_ID});
    users.forEach((uid, rights) -> entries.add(new int[] {USER, rights, uid}));
    entries.add(new int[] {GROUP_OBJ, groupRights, NO_ID});
    groups.forEach((gid, rights) -> entries.add(new int[] {GROUP, rights, gid}));
    entries.add(new int[] {MASK, 7, NO_ID});
    entries.add(new int[] {OTHER, otherRights, NO_ID});
    // The owner's bits come before any entry: they go to nobody who is kept out. The group's are
    // the mask, and must not be 0: the kernel then looks at no ACL.
    return new Entrance(
        ownerMay ? owner : 0,
        group,
        (mode & SPECIAL) | ownerRights << 6 | 070 | otherRights,
        encoded(entries));
  }

  private static boolean may(AccessOptions options, boolean allowsAll, Principal who) {
    return !options.deny().contains(who) && (allowsAll || options.allow().contains(who));
  }

  private static void add(
      List<Principal> principals,
      int rights,
      Map<Integer, Integer> users,
      Map<Integer, Integer> groups) {
    for (Principal principal : principals) {
      switch (principal) {
        case Principal.User(int uid) -> users.put(uid, rights);
        case Principal.Group(int gid) -> groups.put(gid, rights);
        case Principal.Everyone _ -> {}
      }
    }
  }

  private static byte[] encoded(List<int[]> entries) {
    ByteBuffer value =
        ByteBuffer.allocate(4 + 8 * entries.size()).order(ByteOrder.LITTLE_ENDIAN).putInt(VERSION);
    for (int[] entry : entries) {
      value.putShort((short) entry[0]).putShort((short) entry[1]).putInt(entry[2]);
    }
    return value.array();
  }
}
