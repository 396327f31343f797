package io.tiermount.daemon.config;

import org.jspecify.annotations.Nullable;

/**
 * What holds for the node as a whole, beside the cache.
 *
 * @param paths where URLs lie on this node
 * @param reload changes of the files are followed without being told
 * @param logLevels null: as TIERMOUNT_LOG says
 */
public record NodeOptions(PathSubstitution paths, boolean reload, @Nullable LogLevels logLevels) {
  /** Without a configuration. */
  public static final NodeOptions DEFAULTS = new NodeOptions(PathSubstitution.NONE, false, null);
}
