package io.tiermount.daemon.config;

import io.tiermount.fs.scope.AccessOptions;
import io.tiermount.fs.scope.Entrance;
import io.tiermount.fs.scope.Principal;
import io.tiermount.fs.scope.ScopeKind;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Reads {@code permissions} of a mount; names become this node's numbers. */
final class PermissionsReader {
  private final KeyReader mount;
  private final NodeFacts node;

  PermissionsReader(KeyReader mount, NodeFacts node) {
    this.mount = mount;
    this.node = node;
  }

  /** Turns a name into what it stands for on the node. */
  @FunctionalInterface
  private interface Resolve<T> {
    T resolve(AccountName name) throws BadValueException;
  }

  int owner() {
    AccountName owner = mount.readOrNull(MountKeys.OWNER);
    return owner == null
        ? node.uid()
        : resolve(MountKeys.OWNER, owner, name -> name.uid(node), node.uid());
  }

  int group() {
    AccountName group = mount.readOrNull(MountKeys.GROUP);
    return group == null
        ? node.gid()
        : resolve(MountKeys.GROUP, group, name -> name.gid(node), node.gid());
  }

  /**
   * @param scoped false for a mount that names no scope: it has no directory of a scope
   */
  AccessOptions access(ScopeKind scope, boolean scoped) {
    Map<Integer, Integer> uidMap = ids(MountKeys.UID_MAP, name -> name.uid(node));
    List<Principal> allow = principals(MountKeys.ALLOW);
    if (scope == ScopeKind.USER && node.severalUsers() && !mount.has(MountKeys.ALLOW)) {
      // A map says who of this node the user is, as a list does.
      allow =
          uidMap.values().stream().distinct().sorted().<Principal>map(Principal.User::new).toList();
    }
    int umask = mount.read(MountKeys.UMASK);
    return new AccessOptions(
        allow,
        principals(MountKeys.DENY),
        uidMap,
        ids(MountKeys.GID_MAP, name -> name.gid(node)),
        umask,
        mount.read(MountKeys.ROOT_SQUASH),
        root(scoped ? scope : ScopeKind.LOCAL, !allow.isEmpty(), umask));
  }

  /** Who may enter a user's directory is the list's business; without one, everyone may. */
  private AccessOptions.Root root(ScopeKind scope, boolean listed, int umask) {
    int configured = mount.read(MountKeys.DIR_MODE) & ~umask;
    boolean written = mount.has(MountKeys.DIR_MODE);
    int stored =
        written
            ? configured
            : switch (scope) {
              case USER -> 0700;
              case CLUSTER, SHARED -> 01777;
              case LOCAL -> configured;
            };
    int shown = !written && scope == ScopeKind.USER && !listed ? 01777 : stored;
    return new AccessOptions.Root(shown, stored, false);
  }

  private List<Principal> principals(Key<List<AccountName>> key) {
    List<AccountName> names = mount.readOrNull(key);
    List<Principal> principals = new ArrayList<>();
    for (AccountName name : names == null ? List.<AccountName>of() : names) {
      principals.add(resolve(key, name, known -> known.resolve(node), new Principal.Everyone()));
    }
    if (principals.size() > Entrance.MAX_PRINCIPALS / 2) {
      mount.wrong(
          key,
          principals.size() + " entries",
          "at most " + Entrance.MAX_PRINCIPALS / 2,
          "name a group instead of its members");
    }
    if (names != null && names.isEmpty()) {
      mount.wrong(key, "an empty list", key.type().accepted(), "leave the key out for the default");
    }
    return principals;
  }

  private Map<Integer, Integer> ids(Key<Map<String, AccountName>> key, Resolve<Integer> resolve) {
    Map<String, AccountName> names = mount.readOrNull(key);
    Map<Integer, Integer> ids = new HashMap<>();
    if (names != null) {
      names.forEach((id, name) -> {
        int here = resolve(key, name, resolve, -1);
        try {
          ids.put(Integer.parseUnsignedInt(id), here);
        } catch (NumberFormatException e) {
          mount.wrong(
              key, Found.text(id), "the number in the store before the =", "{ 1000 = alice }");
        }
      });
    }
    return ids;
  }

  private <T> T resolve(Key<?> key, AccountName name, Resolve<T> resolve, T fallback) {
    try {
      return resolve.resolve(name);
    } catch (BadValueException e) {
      mount.wrong(key, Found.text(name.text()), key.type().accepted(), e.hint());
      return fallback;
    }
  }
}
