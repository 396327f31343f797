package io.tiermount.daemon.config;

import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * What a configuration means depends on the node it is read on; passed in, so that tests choose.
 */
public interface NodeFacts {
  String hostname();

  /** The daemon's own. */
  int uid();

  /** The daemon's own. */
  int gid();

  /** Empty for a name that the node does not know. */
  OptionalInt uidOf(String user);

  /** Empty for a name that the node does not know. */
  OptionalInt gidOf(String group);

  /** True where more than one person can log in. */
  boolean severalUsers();

  /** A directory for the cache on local NVMe. */
  Optional<Path> nvmeDirectory();
}
