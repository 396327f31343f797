package io.tiermount.daemon.config;

import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/** A node as a test wants it. */
record FixedNode(boolean severalUsers, Optional<Path> nvmeDirectory) implements NodeFacts {
  private static final Map<String, Integer> USERS = Map.of("alice", 1001, "bob", 1002);
  private static final Map<String, Integer> GROUPS = Map.of("ml", 2001);

  FixedNode() {
    this(false, Optional.empty());
  }

  @Override
  public String hostname() {
    return "node-7";
  }

  @Override
  public int uid() {
    return 77;
  }

  @Override
  public int gid() {
    return 78;
  }

  @Override
  public OptionalInt uidOf(String user) {
    return USERS.containsKey(user) ? OptionalInt.of(USERS.get(user)) : OptionalInt.empty();
  }

  @Override
  public OptionalInt gidOf(String group) {
    return GROUPS.containsKey(group) ? OptionalInt.of(GROUPS.get(group)) : OptionalInt.empty();
  }
}
