package io.tiermount.fs.scope;

import io.tiermount.fs.fuse.Caller;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Who may use a mount: the lists of its configuration, asked for the one who calls. {@code deny}
 * comes before {@code allow}; who is in neither may where {@code allow} is empty. What can't be
 * known keeps out. Safe from any thread; reads {@code /proc} where the lists name groups.
 */
public final class AccessPolicy {
  private final AccessOptions options;
  private final ProcStatus processes;
  private final int ownUid;
  private final Members allow;
  private final Members deny;

  private record Members(boolean everyone, Set<Integer> users, Set<Integer> groups) {
    static Members of(List<Principal> principals) {
      return new Members(
          principals.contains(new Principal.Everyone()),
          principals.stream()
              .flatMap(p -> p instanceof Principal.User(int uid) ? List.of(uid).stream() : null)
              .collect(Collectors.toUnmodifiableSet()),
          principals.stream()
              .flatMap(p -> p instanceof Principal.Group(int gid) ? List.of(gid).stream() : null)
              .collect(Collectors.toUnmodifiableSet()));
    }
  }

  /**
   * @param proc where procfs is mounted
   * @param ownUid the daemon's: it reads its own mounts to warm them
   */
  public AccessPolicy(AccessOptions options, Path proc, int ownUid) {
    this.options = options;
    this.processes = new ProcStatus(proc);
    this.ownUid = ownUid;
    this.allow = Members.of(options.allow());
    this.deny = Members.of(options.deny());
  }

  /** True where mode bits alone decide, which the kernel checks. */
  public boolean leavesAllToTheKernel() {
    return !options.hasLists() && !options.rootSquash();
  }

  /**
   * True for a root who is nobody here: what the kernel lets root do in spite of mode bits is then
   * up to us.
   */
  public boolean isSquashed(Caller caller) {
    return options.rootSquash() && caller.uid() == 0 && !isOurselves(caller);
  }

  /** True where the lists let the caller in. */
  public boolean admits(Caller caller) {
    if (!options.hasLists()) {
      return true;
    }
    return admits(identity(caller)) || isOurselves(caller);
  }

  private Identity identity(Caller caller) {
    if (options.rootSquash() && caller.uid() == 0) {
      return Identity.SQUASHED;
    }
    boolean asked =
        !deny.groups.isEmpty()
            || (!allow.groups.isEmpty() && !allow.everyone && !allow.users.contains(caller.uid()));
    Set<Integer> groups = asked ? processes.groups(caller.pid()) : Set.of();
    return new Identity(caller.uid(), caller.gid(), groups);
  }

  private boolean admits(Identity who) {
    boolean unknown = who.groups() == null && !deny.groups.isEmpty();
    if (deny.everyone || deny.users.contains(who.uid()) || unknown || who.isIn(deny.groups)) {
      return false;
    }
    return options.allow().isEmpty()
        || allow.everyone
        || allow.users.contains(who.uid())
        || who.isIn(allow.groups);
  }

  private boolean isOurselves(Caller caller) {
    return caller.uid() == ownUid && processes.isOwnThread(caller.pid());
  }
}
