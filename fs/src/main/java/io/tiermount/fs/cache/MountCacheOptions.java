package io.tiermount.fs.cache;

import java.util.List;

/**
 * One mount's part in the node's cache; {@code mounts.*.cache}.
 *
 * @param quotaBytes the most this mount may hold; {@link Long#MAX_VALUE} for the whole cache
 * @param priority 0 to 100; what belongs to a mount of higher priority is evicted later
 * @param pinGlobs paths below the mount that are evicted last of all
 */
public record MountCacheOptions(long quotaBytes, int priority, List<String> pinGlobs) {
  public static final MountCacheOptions DEFAULTS =
      new MountCacheOptions(Long.MAX_VALUE, 50, List.of());

  public MountCacheOptions {
    pinGlobs = List.copyOf(pinGlobs);
    if (quotaBytes <= 0) {
      throw new IllegalArgumentException("a quota is positive");
    }
    if (priority < 0 || priority > 100) {
      throw new IllegalArgumentException("priority is from 0 to 100");
    }
  }
}
