package io.tiermount.daemon.config;

import java.time.Duration;

/**
 * When requests count as stuck.
 *
 * @param threshold how long a mount's requests may make no progress
 * @param interval how often they are looked at
 */
public record WatchdogOptions(boolean enabled, Duration threshold, Duration interval) {
  /** As where nothing is written. */
  public static final WatchdogOptions DEFAULTS =
      new WatchdogOptions(true, Duration.ofSeconds(120), Duration.ofSeconds(15));
}
