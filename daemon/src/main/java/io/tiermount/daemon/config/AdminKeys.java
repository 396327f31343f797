package io.tiermount.daemon.config;

import java.util.List;

/** The keys of the admin page and the watchdog. */
final class AdminKeys {
  static final Key<Boolean> HTTP_ENABLED =
      Key.of("admin.http.enabled", ValueTypes.BOOLEAN, "false", "the status page, by HTTP");
  static final Key<String> HTTP_HOST =
      Key.of(
          "admin.http.host",
          new ValueType.Single<>("a name or address of this node", AdminKeys::host),
          "127.0.0.1",
          "where it listens");
  static final Key<Long> HTTP_PORT =
      Key.of("admin.http.port", ValueTypes.number(0, 65_535), "8770", "where it listens");

  static final Key<Boolean> USERS_ENABLED =
      Key.of(
          "admin.auth.fixed_users.enabled", ValueTypes.BOOLEAN, "false", "the page asks who it is");
  static final Key<Boolean> PASS_HASHED =
      Key.of(
          "admin.auth.fixed_users.pass_hashed",
          ValueTypes.BOOLEAN,
          "false",
          "passwords are base64 of bcrypt hashes");
  static final Key<List<Node.Section>> USERS =
      Key.open(
          "admin.auth.fixed_users.users",
          new ValueType.Sections(
              "a list of sections: [ { username = jane, password = \"…\", name = \"Jane\" } ]"),
          "none",
          "who may see the page");
  static final Key<String> USERNAME =
      Key.open(
          "admin.auth.fixed_users.users.[].username", ValueTypes.TEXT, "required", "who it is");
  static final Key<String> PASSWORD =
      Key.open(
              "admin.auth.fixed_users.users.[].password",
              ValueTypes.TEXT,
              "required",
              "what proves it")
          .hidden();
  static final Key<String> NAME =
      Key.open("admin.auth.fixed_users.users.[].name", ValueTypes.TEXT, "username", "shown");

  static final Key<Boolean> COOKIE_HTTPONLY =
      Key.of(
          "admin.auth.cookies.httponly",
          ValueTypes.BOOLEAN,
          "true",
          "scripts of the page can't read the session's cookie");
  static final Key<Boolean> COOKIE_SECURE =
      Key.of(
          "admin.auth.cookies.secure",
          ValueTypes.BOOLEAN,
          "false",
          "browsers send the cookie over HTTPS alone");
  static final Key<String> COOKIE_DOMAIN =
      Key.open(
          "admin.auth.cookies.domain", ValueTypes.TEXT, "the host alone", "who gets the cookie");
  static final Key<Long> COOKIE_MAX_AGE =
      Key.of(
          "admin.auth.cookies.max_age",
          ValueTypes.number(1, Long.MAX_VALUE),
          "86400",
          "seconds that a login lasts");

  static final Key<List<String>> ORIGINS =
      Key.open(
          "admin.cors.origins",
          new ValueType.OneOrMore<>(
              "\"*\", or a list of origins: [\"https://host:port\"]",
              new ValueType.Single<>("an origin such as https://host:port", AdminKeys::origin)),
          "none",
          "pages of other servers that may read this one");
  static final Key<Boolean> SUPPORTS_CREDENTIALS =
      Key.of(
          "admin.cors.supports_credentials",
          ValueTypes.BOOLEAN,
          "false",
          "with the login of who looks at them");

  static final Key<Boolean> WATCHDOG =
      Key.of("watchdog.enabled", ValueTypes.BOOLEAN, "true", "stuck requests are ended");
  static final Key<Long> THRESHOLD =
      Key.of(
          "watchdog.threshold_sec",
          ValueTypes.number(1, 1_000_000_000),
          "120",
          "how long a mount's requests may make no progress");
  static final Key<Long> WATCH_INTERVAL =
      Key.of(
          "watchdog.watch_interval_sec",
          ValueTypes.number(1, 1_000_000_000),
          "15",
          "how often it looks");

  static final Key<ServerOptions.SpotNotices> SPOT_NOTICE =
      Key.of(
          "shutdown.spot_notice",
          ValueTypes.choice(ServerOptions.SpotNotices.class),
          "off",
          "who is asked whether this machine will be taken away");

  static final List<Key<?>> ALL =
      List.of(
          HTTP_ENABLED,
          HTTP_HOST,
          HTTP_PORT,
          USERS_ENABLED,
          PASS_HASHED,
          USERS,
          USERNAME,
          PASSWORD,
          NAME,
          COOKIE_HTTPONLY,
          COOKIE_SECURE,
          COOKIE_DOMAIN,
          COOKIE_MAX_AGE,
          ORIGINS,
          SUPPORTS_CREDENTIALS,
          WATCHDOG,
          THRESHOLD,
          WATCH_INTERVAL,
          SPOT_NOTICE);

  private AdminKeys() {}

  private static String host(String text) throws BadValueException {
    if (!text.matches("[A-Za-z0-9.:_-]+")) {
      throw new BadValueException("");
    }
    return text;
  }

  private static String origin(String text) throws BadValueException {
    if (!text.equals("*") && !text.matches("https?://[A-Za-z0-9.\\[\\]_-]+(:\\d{1,5})?")) {
      throw new BadValueException(
          text.contains("://") ? "without a path, as browsers send it" : "with its scheme");
    }
    return text;
  }
}
