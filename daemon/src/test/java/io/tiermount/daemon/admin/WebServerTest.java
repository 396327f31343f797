package io.tiermount.daemon.admin;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tiermount.backends.os.Crypt;
import io.tiermount.daemon.config.AdminOptions;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** CONFIG.md, section 2, server side, with effect: the page over a real socket. */
final class WebServerTest {
  private static final AdminOptions.Http ANY = new AdminOptions.Http("127.0.0.1", 0);
  private static final AdminOptions.Cookies COOKIES =
      new AdminOptions.Cookies(true, false, null, 3600);
  private static final AdminOptions.User JANE =
      new AdminOptions.User("jane", "12345678", false, "Jane <Doe>");
  // bcrypt of "12345678", made with libxcrypt.
  private static final AdminOptions.User JOHN =
      new AdminOptions.User(
          "john", "$2a$04$N9qo8uLOickgx2ZMRZoMye42nSBQNKYannakJR/U2WqiXRVsyXUga", true, "John");

  private final AtomicReference<Instant> now =
      new AtomicReference<>(Instant.parse("2026-01-02T03:04:05Z"));
  private final AdminApi daemon = daemon();
  private volatile String state = "ready";
  private final HttpClient client =
      HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(20)).build();
  private @Nullable WebServer server;

  @AfterEach
  void stop() {
    if (server != null) {
      server.close();
    }
    client.close();
  }

  private void start(AdminOptions options) throws IOException {
    server = WebServer.start(options, ANY, daemon, new Json(), now::get, new SecureRandom());
  }

  private static AdminOptions options(List<AdminOptions.User> users) {
    return new AdminOptions(ANY, users, COOKIES, AdminOptions.Cors.NONE);
  }

  @Test
  void c26_without_users_the_page_metrics_and_status_are_open_to_this_node() throws Exception {
    start(options(List.of()));

    assertThat(get("/").body()).contains("/mnt/&lt;x&gt;").contains("class=\"ready\"");
    assertThat(get("/healthz").body()).isEqualTo("ok\n");
    assertThat(get("/metrics").body())
        .contains(
            "# TYPE tiermount_cache_used_bytes untyped\ntiermount_cache_used_bytes 7\n",
            "tiermount_mount_state{mount=\"x\",path=\"/mnt/<x>\",state=\"ready\"} 1\n",
            "tiermount_mount_requests{mount=\"x\",path=\"/mnt/<x>\",kind=\"LOOKUP\"} 3\n",
            "tiermount_mount_store_bytes{mount=\"x\",path=\"/mnt/<x>\",operation=\"read\"} 40\n");
    assertThat(new Json().parse(get("/v1/status").body()).path("pid").asLong()).isEqualTo(42);
    assertThat(get("/nowhere").statusCode()).isEqualTo(404);
    assertThat(post("/v1/unmount", "{}").statusCode()).as("it changes nothing").isEqualTo(404);
  }

  @Test
  void c26_it_listens_on_loopback_and_refuses_names_that_are_not_its_own() throws Exception {
    start(options(List.of()));

    assertThat(address().getAddress().isLoopbackAddress()).isTrue();
    assertThat(raw("GET / HTTP/1.1\r\nHost: evil.example:8770\r\n\r\n")).startsWith("HTTP/1.1 403");
    assertThat(raw("GET / HTTP/1.1\r\nHost: localhost:8770\r\n\r\n")).startsWith("HTTP/1.1 200");
    assertThat(raw("nonsense\r\n\r\n")).startsWith("HTTP/1.1 400");
  }

  @Test
  void c26_with_users_only_health_is_open() throws Exception {
    start(options(List.of(JANE)));

    assertThat(get("/").statusCode()).isEqualTo(303);
    assertThat(get("/").headers().firstValue("location")).contains("/login");
    assertThat(get("/metrics").statusCode()).isEqualTo(401);
    assertThat(get("/v1/status").statusCode()).isEqualTo(401);
    assertThat(get("/healthz").statusCode()).isEqualTo(200);
    assertThat(get("/login").body()).contains("name=\"password\"");
  }

  @Test
  void c26_a_login_begins_a_session_that_its_cookie_continues_until_max_age() throws Exception {
    start(options(List.of(JANE)));
    HttpResponse<String> login = post("/login", "username=jane&password=12345678");

    assertThat(login.statusCode()).isEqualTo(303);
    String cookie = login.headers().firstValue("set-cookie").orElseThrow();
    assertThat(cookie)
        .matches("tiermount_session=[0-9a-f]{64}; Max-Age=3600; .*Path=/; HTTPOnly; SameSite=Lax");
    String session = cookie.substring(0, cookie.indexOf(';'));
    assertThat(get("/", "Cookie", "a=b; " + session).body()).contains("Jane &lt;Doe&gt;");

    now.set(now.get().plusSeconds(3600));
    assertThat(get("/metrics", "Cookie", session).statusCode()).isEqualTo(401);
  }

  @Test
  void c26_a_logout_ends_the_session() throws Exception {
    start(options(List.of(JANE)));
    String cookie =
        post("/login", "username=jane&password=12345678")
            .headers()
            .firstValue("set-cookie")
            .orElseThrow();
    String session = cookie.substring(0, cookie.indexOf(';'));
    assertThat(get("/metrics", "Cookie", session).statusCode()).isEqualTo(200);

    assertThat(post("/logout", "", "Cookie", session).statusCode()).isEqualTo(303);

    assertThat(get("/metrics", "Cookie", session).statusCode()).isEqualTo(401);
  }

  @Test
  void c26_cookies_are_set_with_the_flags_of_the_configuration() throws Exception {
    start(
        new AdminOptions(
            ANY,
            List.of(JANE),
            new AdminOptions.Cookies(false, true, "example.com", 99_999_999_999L),
            AdminOptions.Cors.NONE));

    assertThat(
            post("/login", "username=jane&password=12345678")
                .headers()
                .firstValue("set-cookie")
                .orElseThrow())
        .contains("Max-Age=99999999999;", "Domain=example.com;", "Secure;")
        .doesNotContainIgnoringCase("httponly");
  }

  @Test
  void c26_bcrypt_hashes_are_compared_and_wrong_passwords_refused() throws Exception {
    start(options(List.of(JANE, JOHN)));

    assertThat(post("/login", "username=john&password=12345678").statusCode()).isEqualTo(303);
    assertThat(post("/login", "username=john&password=12345679").statusCode()).isEqualTo(401);
    assertThat(post("/login", "username=nobody&password=12345678").statusCode()).isEqualTo(401);
    assertThat(post("/login", "username=jane").statusCode()).isEqualTo(401);
    assertThat(get("/metrics", "Authorization", basic("john:12345678")).statusCode())
        .isEqualTo(200);
    assertThat(get("/metrics", "Authorization", basic("john:x")).statusCode()).isEqualTo(401);
    assertThat(get("/metrics", "Authorization", "Basic %%%").statusCode()).isEqualTo(401);
  }

  @Test
  void c26_bcrypt_hashes_of_all_three_spellings_are_known() throws IOException {
    Crypt crypt = Crypt.load();

    String hash = JOHN.password();
    assertThat(crypt.matches("12345678", hash)).isTrue();
    assertThat(crypt.matches("12345678", hash.replace("$2a$", "$2b$"))).isTrue();
    assertThat(crypt.matches("12345678", hash.replace("$2a$", "$2y$"))).isTrue();
    assertThat(crypt.matches("", hash)).isFalse();
    assertThat(crypt.matches("12345678\0", hash)).isFalse();
    assertThat(crypt.matches("12345678", "$2a$04$short")).isFalse();
    assertThat(crypt.matches("*0", "*0")).isFalse();
  }

  @Test
  void c26_origins_are_let_in_as_the_configuration_says() throws Exception {
    start(
        new AdminOptions(
            ANY, List.of(), COOKIES, new AdminOptions.Cors(List.of("https://a.example"), true)));

    HttpResponse<String> known = get("/v1/status", "Origin", "https://a.example");
    assertThat(known.headers().firstValue("access-control-allow-origin"))
        .contains("https://a.example");
    assertThat(known.headers().firstValue("access-control-allow-credentials")).contains("true");
    assertThat(known.headers().firstValue("vary")).contains("origin");
    assertThat(
            get("/v1/status", "Origin", "https://b.example")
                .headers()
                .firstValue("access-control-allow-origin"))
        .isEmpty();
    assertThat(
            raw(
                "OPTIONS /v1/status HTTP/1.1\r\nHost: localhost\r\nOrigin: https://a.example\r\n\r\n"))
        .startsWith("HTTP/1.1 204")
        .containsIgnoringCase("access-control-allow-methods: GET");
  }

  @Test
  void c26_without_origins_no_other_page_may_read_it() throws Exception {
    start(options(List.of()));

    assertThat(
            get("/v1/status", "Origin", "https://a.example")
                .headers()
                .firstValue("access-control-allow-origin"))
        .isEmpty();
  }

  @Test
  void a_failed_mount_is_no_health() throws Exception {
    state = "failed";
    start(options(List.of()));

    assertThat(get("/healthz").statusCode()).isEqualTo(503);
  }

  @Test
  void a_port_that_is_taken_is_said() throws Exception {
    start(options(List.of()));

    assertThatThrownBy(() ->
            WebServer.start(
                options(List.of()),
                new AdminOptions.Http("127.0.0.1", address().getPort()),
                daemon,
                new Json(),
                now::get,
                new SecureRandom()))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("change admin.http.host or admin.http.port");
  }

  private java.net.InetSocketAddress address() {
    if (server == null) {
      throw new IllegalStateException("not started");
    }
    return server.address();
  }

  private static String basic(String pair) {
    return "Basic " + Base64.getEncoder().encodeToString(pair.getBytes(StandardCharsets.UTF_8));
  }

  private HttpResponse<String> get(String path, String... headers) throws Exception {
    return send(request(path, headers).GET().build());
  }

  private HttpResponse<String> post(String path, String body, String... headers) throws Exception {
    return send(request(path, headers).POST(HttpRequest.BodyPublishers.ofString(body)).build());
  }

  private HttpRequest.Builder request(String path, String... headers) {
    HttpRequest.Builder builder =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + address().getPort() + path))
            .timeout(Duration.ofSeconds(30));
    return headers.length == 0 ? builder : builder.headers(headers);
  }

  private HttpResponse<String> send(HttpRequest request) throws Exception {
    return client.send(request, BodyHandlers.ofString());
  }

  private String raw(String request) throws IOException {
    try (java.net.Socket socket =
        new java.net.Socket(address().getAddress(), address().getPort())) {
      socket.setSoTimeout(30_000);
      socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
      return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  /** A daemon with one mount, to which nothing can be ordered. */
  private AdminApi daemon() {
    return (AdminApi)
        Proxy.newProxyInstance(
            getClass().getClassLoader(),
            new Class<?>[] {AdminApi.class},
            (_, method, _) -> {
              assertThat(method.getName()).as("the page orders nothing").isEqualTo("status");
              return report();
            });
  }

  private DaemonReport report() {
    return new DaemonReport(
        42,
        "1",
        Instant.parse("2026-01-02T03:04:05Z"),
        Map.of("used_bytes", 7),
        Map.of("ended_requests", 0),
        List.of(
            new MountReport(
                "x",
                "/mnt/<x>",
                "s3://b",
                "shared",
                state,
                null,
                Instant.parse("2026-01-02T03:04:05Z"),
                "dev",
                true,
                null,
                Map.of(
                    "requests",
                    Map.of("LOOKUP", 3),
                    "store",
                    Map.of("read", Map.of("calls", 2, "failures", 0, "bytes", 40))))));
  }
}
