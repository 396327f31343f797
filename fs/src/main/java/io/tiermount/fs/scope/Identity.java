package io.tiermount.fs.scope;

import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Who somebody is to the lists of a mount.
 *
 * @param uid the caller's fsuid
 * @param gid the caller's fsgid
 * @param groups the supplementary ones; null where they can't be known
 */
public record Identity(int uid, int gid, @Nullable Set<Integer> groups) {
  /** The kernel's overflow id: what a squashed root is, here and in the store. */
  public static final int NOBODY = 65534;

  /** A root that is squashed has no groups of root's either. */
  static final Identity SQUASHED = new Identity(NOBODY, NOBODY, Set.of());

  /** In one of these groups, as far as is known. */
  boolean isIn(Set<Integer> some) {
    return some.contains(gid) || (groups != null && groups.stream().anyMatch(some::contains));
  }
}
