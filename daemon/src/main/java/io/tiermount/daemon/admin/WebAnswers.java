package io.tiermount.daemon.admin;

import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.QueryStringDecoder;
import io.tiermount.daemon.config.AdminOptions;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What the page answers; blocking, on a virtual thread for each request. */
final class WebAnswers {
  private static final String HTML = "text/html; charset=utf-8";
  private static final String TEXT = "text/plain; charset=utf-8";
  private static final String PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8";

  private final AdminApi api;
  private final Json json;
  private final WebLogin login;
  private final WebOrigins origins;

  WebAnswers(AdminApi api, Json json, WebLogin login, WebOrigins origins) {
    this.api = api;
    this.json = json;
    this.login = login;
    this.origins = origins;
  }

  /** A request, copied out of its buffer. */
  record Asked(HttpMethod method, String path, HttpHeaders headers, String body) {
    @Nullable String header(CharSequence name) {
      return headers.get(name);
    }
  }

  FullHttpResponse answer(Asked asked) {
    FullHttpResponse answer;
    if (!login.asks() && !origins.isOurs(asked.header(HttpHeaderNames.HOST))) {
      answer = plain(HttpResponseStatus.FORBIDDEN, TEXT, "this page is not known by that name\n");
    } else if (asked.method().equals(HttpMethod.OPTIONS)) {
      answer = plain(HttpResponseStatus.NO_CONTENT, TEXT, "");
    } else {
      answer = route(asked);
    }
    origins.allow(asked.header(HttpHeaderNames.ORIGIN), answer.headers());
    return answer;
  }

  private FullHttpResponse route(Asked asked) {
    return switch (asked.method() + " " + asked.path()) {
      // Whoever asks whether it is alive is no person, and learns nothing else.
      case "GET /healthz" -> health();
      case "GET /login" -> plain(HttpResponseStatus.OK, HTML, WebPages.login(false));
      case "POST /login" -> login(asked);
      case "POST /logout" -> {
        FullHttpResponse answer = redirect("/login");
        answer
            .headers()
            .set(HttpHeaderNames.SET_COOKIE, login.logout(asked.header(HttpHeaderNames.COOKIE)));
        yield answer;
      }
      default -> known(asked);
    };
  }

  private FullHttpResponse health() {
    List<String> failed =
        api.status().mounts().stream()
            .filter(mount -> mount.state().equals("failed"))
            .map(MountReport::path)
            .toList();
    return failed.isEmpty()
        ? plain(HttpResponseStatus.OK, TEXT, "ok\n")
        : plain(
            HttpResponseStatus.SERVICE_UNAVAILABLE, TEXT, failed.size() + " mounts have failed\n");
  }

  private FullHttpResponse login(Asked asked) {
    Map<String, List<String>> form =
        new QueryStringDecoder(asked.body(), StandardCharsets.UTF_8, false).parameters();
    Optional<String> cookie =
        login.asks()
            ? login.login(first(form, "username"), first(form, "password"))
            : Optional.empty();
    if (cookie.isEmpty()) {
      return plain(HttpResponseStatus.UNAUTHORIZED, HTML, WebPages.login(true));
    }
    FullHttpResponse answer = redirect("/");
    answer.headers().set(HttpHeaderNames.SET_COOKIE, cookie.get());
    return answer;
  }

  private static String first(Map<String, List<String>> form, String name) {
    return form.getOrDefault(name, List.of("")).getFirst();
  }

  /** What only those see who are known. */
  private FullHttpResponse known(Asked asked) {
    Optional<AdminOptions.User> user =
        login.asks()
            ? login.user(
                asked.header(HttpHeaderNames.COOKIE), asked.header(HttpHeaderNames.AUTHORIZATION))
            : Optional.empty();
    if (login.asks() && user.isEmpty()) {
      if (asked.path().equals("/")) {
        return redirect("/login");
      }
      FullHttpResponse answer = plain(HttpResponseStatus.UNAUTHORIZED, TEXT, "who is it?\n");
      answer.headers().set(HttpHeaderNames.WWW_AUTHENTICATE, "Basic realm=\"tiermount\"");
      return answer;
    }
    return switch (asked.method() + " " + asked.path()) {
      case "GET /" ->
          plain(
              HttpResponseStatus.OK,
              HTML,
              WebPages.status(api.status(), user.map(AdminOptions.User::name).orElse(null)));
      case "GET /metrics" ->
          plain(HttpResponseStatus.OK, PROMETHEUS, Metrics.of(api.status(), json));
      case "GET /v1/status" ->
          plain(HttpResponseStatus.OK, "application/json", json.pretty(api.status()) + "\n");
      default -> plain(HttpResponseStatus.NOT_FOUND, TEXT, "there is no such page\n");
    };
  }

  private static FullHttpResponse redirect(String where) {
    FullHttpResponse answer = plain(HttpResponseStatus.SEE_OTHER, TEXT, "");
    answer.headers().set(HttpHeaderNames.LOCATION, where);
    return answer;
  }

  static FullHttpResponse plain(HttpResponseStatus status, String type, String body) {
    FullHttpResponse answer =
        new DefaultFullHttpResponse(
            HttpVersion.HTTP_1_1, status, Unpooled.copiedBuffer(body, StandardCharsets.UTF_8));
    HttpHeaders headers = answer.headers();
    headers.set(HttpHeaderNames.CONTENT_TYPE, type);
    headers.set(HttpHeaderNames.CONTENT_LENGTH, answer.content().readableBytes());
    headers.set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE);
    headers.set(HttpHeaderNames.CACHE_CONTROL, HttpHeaderValues.NO_STORE);
    headers.set("X-Content-Type-Options", "nosniff");
    headers.set("X-Frame-Options", "DENY");
    headers.set(
        "Content-Security-Policy",
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'");
    return answer;
  }
}
