package io.tiermount.fs.scope;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Who may enter a mount beyond what mode bits say; {@code mounts.*.permissions}.
 *
 * @param allow empty: everyone whom the mode bits let in; else these alone
 * @param deny never these, also where {@code allow} names them
 * @param uidMap uid in the store → uid on this node
 * @param gidMap gid in the store → gid on this node
 * @param umask permission bits taken off every mode shown by default and of everything created
 * @param rootSquash uid 0 is treated as nobody
 * @param root the mount's own directory
 */
public record AccessOptions(
    List<Principal> allow,
    List<Principal> deny,
    Map<Integer, Integer> uidMap,
    Map<Integer, Integer> gidMap,
    int umask,
    boolean rootSquash,
    Root root) {
  /** Mode bits decide. */
  public static final AccessOptions DEFAULTS =
      new AccessOptions(
          List.of(), List.of(), Map.of(), Map.of(), 0, false, new Root(0755, 0755, false));

  /**
   * The mount's own directory.
   *
   * @param shownMode its permission bits on this node, before the lists take their part off
   * @param storedMode its permission bits in the store where it has to be made: 0700 for user
   *     scopes, 1777 for cluster and shared, unless configured
   * @param made whether it is made where it is missing: a scope's directory is, what a source names
   *     by itself is not
   * @param layout where it lies among its source's scopes; null where it is not at a scope's usual
   *     place
   */
  public record Root(int shownMode, int storedMode, boolean made, @Nullable ScopeLayout layout) {
    /** One that is at no scope's usual place. */
    public Root(int shownMode, int storedMode, boolean made) {
      this(shownMode, storedMode, made, null);
    }
  }

  public AccessOptions {
    allow = List.copyOf(allow);
    deny = List.copyOf(deny);
    uidMap = Map.copyOf(uidMap);
    gidMap = Map.copyOf(gidMap);
  }

  /** The same, of a mount whose own directory is made where it is missing, or is not. */
  public AccessOptions making(boolean made, @Nullable ScopeLayout layout) {
    return new AccessOptions(
        allow,
        deny,
        uidMap,
        gidMap,
        umask,
        rootSquash,
        new Root(root.shownMode, root.storedMode, made, layout));
  }

  /** True where callers are told apart by more than mode bits. */
  public boolean hasLists() {
    return !allow.isEmpty() || !deny.isEmpty();
  }

  /** True where the mount needs the daemon between the kernel and the files. */
  public boolean asksForMoreThanModeBits() {
    return hasLists() || !uidMap.isEmpty() || !gidMap.isEmpty() || umask != 0 || rootSquash;
  }

  /** The uid of this node that one of the store stands for. */
  public int shownUid(int stored) {
    return shown(stored, uidMap);
  }

  /** The gid of this node that one of the store stands for. */
  public int shownGid(int stored) {
    return shown(stored, gidMap);
  }

  /** The uid that the store keeps for one of this node. */
  public int storedUid(int here) {
    return stored(here, uidMap);
  }

  /** The gid that the store keeps for one of this node. */
  public int storedGid(int here) {
    return stored(here, gidMap);
  }

  /**
   * What the map does not name stays, unless the map gives its number to somebody else: that is two
   * people, and neither may get the other's files.
   */
  private static int shown(int stored, Map<Integer, Integer> toThisNode) {
    Integer here = toThisNode.get(stored);
    if (here != null) {
      return here;
    }
    return toThisNode.containsValue(stored) ? Identity.NOBODY : stored;
  }

  /** Where two numbers of the store are one here, the smaller is kept: always the same one. */
  private static int stored(int here, Map<Integer, Integer> toThisNode) {
    return toThisNode.entrySet().stream()
        .filter(entry -> entry.getValue() == here)
        .map(Map.Entry::getKey)
        .min(Integer::compareUnsigned)
        .orElse(toThisNode.containsKey(here) ? Identity.NOBODY : here);
  }
}
