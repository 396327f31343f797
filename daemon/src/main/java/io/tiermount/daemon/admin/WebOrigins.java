package io.tiermount.daemon.admin;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.tiermount.daemon.config.AdminOptions;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Which pages may read this one (Fetch Standard, "CORS protocol"), and under which names. */
final class WebOrigins {
  private static final Set<String> LOOPBACK = Set.of("localhost", "127.0.0.1", "[::1]");

  private final AdminOptions.Cors cors;
  private final String host;

  WebOrigins(AdminOptions.Cors cors, String host) {
    this.cors = cors;
    this.host = host;
  }

  /**
   * False for a name that is not ours: a page whose name was made to point here (DNS rebinding)
   * would read what is open to this node.
   *
   * @param header Host, with or without a port; null where there is none
   */
  boolean isOurs(@Nullable String header) {
    if (header == null) {
      return true;
    }
    String name = header.toLowerCase(Locale.ROOT).replaceFirst(":\\d+$", "");
    return LOOPBACK.contains(name) || name.equals(host) || name.equals("[" + host + "]");
  }

  /** Lets an origin in, where it may. */
  void allow(@Nullable String origin, HttpHeaders answer) {
    if (cors.origins().isEmpty()) {
      return;
    }
    answer.set(HttpHeaderNames.VARY, HttpHeaderNames.ORIGIN);
    boolean all = cors.origins().contains("*");
    if (origin == null || !(all || cors.origins().contains(origin))) {
      return;
    }
    answer.set(HttpHeaderNames.ACCESS_CONTROL_ALLOW_ORIGIN, all ? "*" : origin);
    if (cors.supportsCredentials()) {
      answer.set(HttpHeaderNames.ACCESS_CONTROL_ALLOW_CREDENTIALS, "true");
    }
    answer.set(HttpHeaderNames.ACCESS_CONTROL_ALLOW_METHODS, "GET");
    answer.set(HttpHeaderNames.ACCESS_CONTROL_ALLOW_HEADERS, "authorization");
  }
}
