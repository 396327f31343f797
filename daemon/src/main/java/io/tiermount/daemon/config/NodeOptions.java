package io.tiermount.daemon.config;

import java.time.Duration;

/**
 * What holds for the node as a whole, beside the cache.
 *
 * @param paths where URLs lie on this node
 * @param reload changes of the files are followed without being told
 * @param starvationWarning queued uploads that have not moved for so long are worth a warning
 */
public record NodeOptions(PathSubstitution paths, boolean reload, Duration starvationWarning) {
  /** Without a configuration. */
  public static final NodeOptions DEFAULTS =
      new NodeOptions(PathSubstitution.NONE, false, Duration.ofMinutes(2));
}
