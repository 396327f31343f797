package io.tiermount.daemon.config;

import io.tiermount.fs.cache.CacheOptions;
import java.util.List;
import java.util.Map;

/**
 * A whole configuration, validated.
 *
 * @param memoryMaxBytes anonymous memory of the daemon as a whole
 * @param mounts in the order of their paths
 * @param skipped mounts whose source comes from an undefined {@code ${?…}}: name → why
 * @param notices what a person should see once: sizes understood, sections left aside
 * @param volumes what jobs may name
 * @param node what else holds for the node as a whole
 * @param server the admin page and the watchdog
 */
public record TiermountConfig(
    Identity identity,
    CacheOptions cache,
    long memoryMaxBytes,
    List<MountConfig> mounts,
    Map<String, String> skipped,
    List<String> notices,
    JobVolumes volumes,
    NodeOptions node,
    ServerOptions server) {
  public TiermountConfig {
    mounts = List.copyOf(mounts);
    skipped = Map.copyOf(skipped);
    notices = List.copyOf(notices);
  }

  /** The same with other mounts. */
  public TiermountConfig withMounts(List<MountConfig> others) {
    return new TiermountConfig(
        identity, cache, memoryMaxBytes, others, skipped, notices, volumes, node, server);
  }

  /** With the defaults of what a mount does not need. */
  public TiermountConfig(
      Identity identity,
      CacheOptions cache,
      long memoryMaxBytes,
      List<MountConfig> mounts,
      Map<String, String> skipped,
      List<String> notices) {
    this(
        identity,
        cache,
        memoryMaxBytes,
        mounts,
        skipped,
        notices,
        JobVolumes.NONE,
        NodeOptions.DEFAULTS,
        ServerOptions.DEFAULTS);
  }
}
