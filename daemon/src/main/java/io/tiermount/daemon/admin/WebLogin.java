package io.tiermount.daemon.admin;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.netty.handler.codec.http.cookie.Cookie;
import io.netty.handler.codec.http.cookie.DefaultCookie;
import io.netty.handler.codec.http.cookie.ServerCookieDecoder;
import io.netty.handler.codec.http.cookie.ServerCookieEncoder;
import io.tiermount.backends.os.Crypt;
import io.tiermount.daemon.config.AdminOptions;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Base64;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Who may look at the page: fixed users, and the sessions that their logins began. */
final class WebLogin {
  static final String COOKIE = "tiermount_session";

  /** The oldest goes: a script that logs in for ever takes no more memory than this. */
  private static final int MAX_SESSIONS = 1000;

  private static final int TOKEN_BYTES = 32;
  private static final String BASIC = "Basic ";

  private final AdminOptions options;
  private final @Nullable Crypt crypt;
  private final InstantSource clock;
  private final SecureRandom random;

  /** Token → session, in the order of their logins. */
  @GuardedBy("this")
  private final Map<String, Session> sessions = new LinkedHashMap<>();

  private record Session(AdminOptions.User user, Instant end) {}

  /**
   * @param crypt null where no password is hashed
   */
  WebLogin(AdminOptions options, @Nullable Crypt crypt, InstantSource clock, SecureRandom random) {
    this.options = options;
    this.crypt = crypt;
    this.clock = clock;
    this.random = random;
  }

  /** False: nobody is asked. */
  boolean asks() {
    return !options.users().isEmpty();
  }

  /** Who a request is from, by its session's cookie or by its name and password (RFC 7617). */
  Optional<AdminOptions.User> user(@Nullable String cookies, @Nullable String authorization) {
    if (authorization != null && authorization.startsWith(BASIC)) {
      return basic(authorization.substring(BASIC.length()).strip());
    }
    if (cookies == null) {
      return Optional.empty();
    }
    for (Cookie cookie : ServerCookieDecoder.STRICT.decode(cookies)) {
      Optional<AdminOptions.User> user =
          cookie.name().equals(COOKIE) ? session(cookie.value()) : Optional.empty();
      if (user.isPresent()) {
        return user;
      }
    }
    return Optional.empty();
  }

  private Optional<AdminOptions.User> basic(String encoded) {
    try {
      String pair = new String(Base64.getDecoder().decode(encoded), StandardCharsets.UTF_8);
      int colon = pair.indexOf(':');
      return colon < 0
          ? Optional.empty()
          : verified(pair.substring(0, colon), pair.substring(colon + 1));
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  private synchronized Optional<AdminOptions.User> session(String token) {
    Session session = sessions.get(token);
    if (session == null || !clock.instant().isBefore(session.end())) {
      sessions.remove(token);
      return Optional.empty();
    }
    return Optional.of(session.user());
  }

  /** The cookie of a new session; empty where name or password are wrong. */
  Optional<String> login(String username, String password) {
    return verified(username, password)
        .map(user -> {
          byte[] bytes = new byte[TOKEN_BYTES];
          random.nextBytes(bytes);
          String token = HexFormat.of().formatHex(bytes);
          synchronized (this) {
            if (sessions.size() >= MAX_SESSIONS) {
              sessions.remove(sessions.keySet().iterator().next());
            }
            sessions.put(token, new Session(user, end()));
          }
          return cookie(token, options.cookies().maxAgeSeconds());
        });
  }

  private Instant end() {
    // ClearML's own file has a max_age of three thousand years.
    Duration age =
        Duration.ofSeconds(
            Math.min(options.cookies().maxAgeSeconds(), Duration.ofDays(36_500).toSeconds()));
    return clock.instant().plus(age);
  }

  /** Ends a session; the cookie that makes browsers forget it. */
  String logout(@Nullable String cookies) {
    if (cookies != null) {
      for (Cookie cookie : ServerCookieDecoder.STRICT.decode(cookies)) {
        synchronized (this) {
          sessions.remove(cookie.value());
        }
      }
    }
    return cookie("", 0);
  }

  private String cookie(String value, long maxAgeSeconds) {
    DefaultCookie cookie = new DefaultCookie(COOKIE, value);
    cookie.setPath("/");
    cookie.setHttpOnly(options.cookies().httpOnly());
    cookie.setSecure(options.cookies().secure());
    cookie.setMaxAge(maxAgeSeconds);
    if (options.cookies().domain() != null) {
      cookie.setDomain(options.cookies().domain());
    }
    return ServerCookieEncoder.STRICT.encode(cookie) + "; SameSite=Lax";
  }

  private Optional<AdminOptions.User> verified(String username, String password) {
    List<AdminOptions.User> users = options.users();
    AdminOptions.User found = null;
    for (AdminOptions.User user : users) {
      if (equal(user.username(), username)) {
        found = user;
      }
    }
    // An unknown name takes as long as a wrong password.
    AdminOptions.User compared = found == null ? users.getFirst() : found;
    boolean matches =
        compared.hashed()
            ? crypt != null && crypt.matches(password, compared.password())
            : equal(compared.password(), password);
    return found != null && matches ? Optional.of(found) : Optional.empty();
  }

  private static boolean equal(String one, String other) {
    return MessageDigest.isEqual(
        one.getBytes(StandardCharsets.UTF_8), other.getBytes(StandardCharsets.UTF_8));
  }
}
