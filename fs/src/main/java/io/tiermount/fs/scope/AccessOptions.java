package io.tiermount.fs.scope;

import java.util.List;
import java.util.Map;

/**
 * Who may enter a mount beyond what mode bits say; {@code mounts.*.permissions}.
 *
 * @param allow empty: everyone whom the mode bits let in; else these alone
 * @param deny never these, also where {@code allow} names them
 * @param uidMap uid in the store → uid on this node
 * @param gidMap gid in the store → gid on this node
 * @param umask permission bits taken off every mode shown by default and of everything created
 * @param rootSquash uid 0 is treated as nobody
 * @param rootMode mode of the mount's own directory where it has to be created: 0700 for user
 *     scopes, 1777 for cluster and shared, unless configured
 */
public record AccessOptions(
    List<Principal> allow,
    List<Principal> deny,
    Map<Integer, Integer> uidMap,
    Map<Integer, Integer> gidMap,
    int umask,
    boolean rootSquash,
    int rootMode) {
  /** Mode bits decide. */
  public static final AccessOptions DEFAULTS =
      new AccessOptions(List.of(), List.of(), Map.of(), Map.of(), 0, false, 0755);

  public AccessOptions {
    allow = List.copyOf(allow);
    deny = List.copyOf(deny);
    uidMap = Map.copyOf(uidMap);
    gidMap = Map.copyOf(gidMap);
  }

  /** True where callers are told apart by more than mode bits. */
  public boolean hasLists() {
    return !allow.isEmpty() || !deny.isEmpty();
  }

  /** True where the mount needs the daemon between the kernel and the files. */
  public boolean asksForMoreThanModeBits() {
    return hasLists() || !uidMap.isEmpty() || !gidMap.isEmpty() || umask != 0 || rootSquash;
  }
}
