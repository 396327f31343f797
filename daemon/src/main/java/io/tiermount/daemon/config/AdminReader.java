package io.tiermount.daemon.config;

import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Reads {@code admin} and {@code watchdog}. */
final class AdminReader {
  private static final Pattern BCRYPT = Pattern.compile("\\$2[aby]\\$\\d\\d\\$[./A-Za-z0-9]{53}");
  private static final String LOOPBACK = "localhost";

  private final KeyReader root;

  AdminReader(KeyReader root) {
    this.root = root;
  }

  ServerOptions read() {
    AdminOptions.Cookies cookies =
        new AdminOptions.Cookies(
            root.read(AdminKeys.COOKIE_HTTPONLY),
            root.read(AdminKeys.COOKIE_SECURE),
            root.readOrNull(AdminKeys.COOKIE_DOMAIN),
            root.read(AdminKeys.COOKIE_MAX_AGE));
    boolean asked = root.read(AdminKeys.USERS_ENABLED);
    List<AdminOptions.User> users = users();
    if (asked && users.isEmpty() && !root.has(AdminKeys.USERS)) {
      root.wrong(AdminKeys.USERS, "nothing", "at least one user, as fixed_users is enabled", "");
    }
    AdminOptions.Http http = http(asked);
    Duration threshold = Duration.ofSeconds(root.read(AdminKeys.THRESHOLD));
    Duration interval = Duration.ofSeconds(root.read(AdminKeys.WATCH_INTERVAL));
    return new ServerOptions(
        new AdminOptions(http, asked ? users : List.of(), cookies, cors()),
        new WatchdogOptions(root.read(AdminKeys.WATCHDOG), threshold, interval),
        root.read(AdminKeys.SPOT_NOTICE));
  }

  private AdminOptions.@Nullable Http http(boolean asked) {
    String host = root.read(AdminKeys.HTTP_HOST);
    int port = Math.toIntExact(root.read(AdminKeys.HTTP_PORT));
    if (!root.read(AdminKeys.HTTP_ENABLED)) {
      return null;
    }
    if (!asked && !isLoopback(host)) {
      root.wrong(
          AdminKeys.HTTP_HOST,
          host + ", where others than this node reach it, and nobody is asked who it is",
          "a loopback address, or fixed_users that are enabled",
          "");
    }
    return new AdminOptions.Http(host, port);
  }

  /** Names other than localhost are not looked up: they may mean something else tomorrow. */
  private static boolean isLoopback(String host) {
    boolean address = host.matches("[0-9.]+") || host.contains(":");
    return host.equals(LOOPBACK) || (address && InetAddress.ofLiteral(host).isLoopbackAddress());
  }

  private AdminOptions.Cors cors() {
    List<String> origins = root.readOrNull(AdminKeys.ORIGINS);
    boolean credentials = root.read(AdminKeys.SUPPORTS_CREDENTIALS);
    if (origins == null) {
      return AdminOptions.Cors.NONE;
    }
    if (origins.contains("*") && (credentials || origins.size() > 1)) {
      root.wrong(
          credentials ? AdminKeys.SUPPORTS_CREDENTIALS : AdminKeys.ORIGINS,
          credentials ? "true, with origins = \"*\"" : "\"*\" among others",
          credentials ? "false, or the origins one by one" : "\"*\" alone, or a list of origins",
          credentials ? "any page that a logged-in user looks at could read this one" : "");
    }
    return new AdminOptions.Cors(origins, credentials);
  }

  private List<AdminOptions.User> users() {
    boolean hashed = root.read(AdminKeys.PASS_HASHED);
    List<AdminOptions.User> users = new ArrayList<>();
    Set<String> names = new HashSet<>();
    List<Node> written =
        root.readOrNull(AdminKeys.USERS) != null
                && root.node(AdminKeys.USERS) instanceof Node.Items list
            ? list.items()
            : List.of();
    for (int i = 0; i < written.size(); i++) {
      if (!(written.get(i) instanceof Node.Section section)) {
        continue;
      }
      KeyReader entry =
          new KeyReader(
              section,
              AdminKeys.USERS.path() + "." + Schema.ELEMENT,
              AdminKeys.USERS.path() + "[" + i + "]",
              root.problems());
      String username = entry.required(AdminKeys.USERNAME);
      String password = entry.required(AdminKeys.PASSWORD);
      String name = entry.readOrNull(AdminKeys.NAME);
      if (username == null || password == null) {
        continue;
      }
      if (!names.add(username)) {
        entry.wrongValue(AdminKeys.USERNAME, "a name of its own", "");
      }
      String secret = hashed ? hash(entry, password) : password;
      if (secret != null) {
        users.add(new AdminOptions.User(username, secret, hashed, name == null ? username : name));
      }
    }
    return users;
  }

  private static @Nullable String hash(KeyReader entry, String password) {
    try {
      String hash = new String(Base64.getDecoder().decode(password), StandardCharsets.US_ASCII);
      if (BCRYPT.matcher(hash).matches()) {
        return hash;
      }
    } catch (IllegalArgumentException e) {
      // Said below, without what it is.
      entry.wrongValue(AdminKeys.PASSWORD, "base64 of a bcrypt hash, as pass_hashed is true", "");
      return null;
    }
    entry.wrongValue(AdminKeys.PASSWORD, "base64 of a bcrypt hash, as pass_hashed is true", "");
    return null;
  }
}
