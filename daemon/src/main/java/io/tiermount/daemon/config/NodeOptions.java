package io.tiermount.daemon.config;

/**
 * What holds for the node as a whole, beside the cache.
 *
 * @param paths where URLs lie on this node
 * @param reload changes of the files are followed without being told
 */
public record NodeOptions(PathSubstitution paths, boolean reload) {
  /** Without a configuration. */
  public static final NodeOptions DEFAULTS = new NodeOptions(PathSubstitution.NONE, false);
}
