package io.tiermount.daemon.config;

/** What ClearML's server would be configured by: the admin page and the watchdog. */
public record ServerOptions(AdminOptions admin, WatchdogOptions watchdog) {
  /** As where nothing is written. */
  public static final ServerOptions DEFAULTS =
      new ServerOptions(AdminOptions.NONE, WatchdogOptions.DEFAULTS);
}
