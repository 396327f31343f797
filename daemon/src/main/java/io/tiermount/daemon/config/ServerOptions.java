package io.tiermount.daemon.config;

/**
 * What watches the node: the admin page, the watchdog, the provider's notice.
 *
 * @param spotNotice who is asked whether this machine will be taken away
 */
public record ServerOptions(AdminOptions admin, WatchdogOptions watchdog, SpotNotices spotNotice) {
  /** {@code shutdown.spot_notice}. */
  public enum SpotNotices {
    /** Nobody. */
    OFF,
    /** The metadata server of an EC2 instance. */
    AWS
  }

  /** As where nothing is written. */
  public static final ServerOptions DEFAULTS =
      new ServerOptions(AdminOptions.NONE, WatchdogOptions.DEFAULTS, SpotNotices.OFF);
}
