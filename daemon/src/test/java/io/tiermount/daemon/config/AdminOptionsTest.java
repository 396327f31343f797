package io.tiermount.daemon.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/** CONFIG.md, section 2, server side: users, cookies, origins, watchdog; ours and ClearML's own. */
final class AdminOptionsTest {
  private static final String HASH = "$2a$04$N9qo8uLOickgx2ZMRZoMye42nSBQNKYannakJR/U2WqiXRVsyXUga";

  private static String base64(String text) {
    return java.util.Base64.getEncoder()
        .encodeToString(text.getBytes(java.nio.charset.StandardCharsets.US_ASCII));
  }

  @Test
  void c26_without_a_word_there_is_no_page_and_the_watchdog_has_its_defaults()
      throws InvalidConfigException {
    ServerOptions server = ConfigText.parse("").server();

    assertThat(server.admin().http()).isNull();
    assertThat(server.watchdog())
        .isEqualTo(new WatchdogOptions(true, Duration.ofSeconds(120), Duration.ofSeconds(15)));
  }

  @Test
  void c26_fixed_users_with_plain_passwords() throws InvalidConfigException {
    AdminOptions admin =
        ConfigText.parse(
                """
                admin {
                  http.enabled = true
                  auth.fixed_users { enabled = true, users = [
                    { username = jane, password = 12345678, name = "Jane Doe" }
                    { username = john, password = "secret" }
                  ] }
                }
                """)
            .server()
            .admin();

    assertThat(admin.http()).isEqualTo(new AdminOptions.Http("127.0.0.1", 8770));
    assertThat(admin.users())
        .containsExactly(
            new AdminOptions.User("jane", "12345678", false, "Jane Doe"),
            new AdminOptions.User("john", "secret", false, "john"));
    assertThat(admin.toString()).doesNotContain("12345678");
  }

  @Test
  void c26_fixed_users_with_base64_of_bcrypt_where_pass_hashed() throws InvalidConfigException {
    String users =
        "auth.fixed_users { enabled = true, pass_hashed = true, users = [ { username = jane, password = \"%s\" } ] }";
    assertThat(ConfigText.parse("admin." + users.formatted(base64(HASH))).server().admin().users())
        .containsExactly(new AdminOptions.User("jane", HASH, true, "jane"));
    for (String wrong : List.of(HASH, base64("plain"), "12345678", base64(HASH.substring(1)))) {
      assertThat(ConfigText.errors("admin." + users.formatted(wrong)))
          .as(wrong)
          .singleElement()
          .satisfies(error -> {
            assertThat(error.key()).isEqualTo("admin.auth.fixed_users.users[0].password");
            assertThat(error.text()).doesNotContain(wrong);
          });
    }
  }

  @Test
  void c26_users_are_complete_and_each_is_one() {
    assertThat(errors("admin.auth.fixed_users { enabled = true }"))
        .containsExactly("admin.auth.fixed_users.users: nothing");
    assertThat(
            errors(
                "admin.auth.fixed_users { enabled = true, users = [ { username = a }, { password = b } ] }"))
        .containsExactlyInAnyOrder(
            "admin.auth.fixed_users.users[0].password: nothing",
            "admin.auth.fixed_users.users[1].username: nothing");
    assertThat(
            errors(
                "admin.auth.fixed_users { users = [ { username = a, password = b }, { username = a, password = c } ] }"))
        .containsExactly("admin.auth.fixed_users.users[1].username: a");
  }

  @Test
  void c26_users_that_are_not_enabled_are_not_asked_for() throws InvalidConfigException {
    assertThat(
            ConfigText.parse("admin.auth.fixed_users.users = [ { username = a, password = b } ]")
                .server()
                .admin()
                .users())
        .isEmpty();
  }

  @Test
  void c26_cookies_have_their_flags() throws InvalidConfigException {
    assertThat(ConfigText.parse("").server().admin().cookies())
        .isEqualTo(new AdminOptions.Cookies(true, false, null, 86_400));
    assertThat(
            ConfigText.parse(
                    "admin.auth.cookies { httponly = false, secure = true, domain = \"example.com\","
                        + " max_age = 99999999999 }")
                .server()
                .admin()
                .cookies())
        .isEqualTo(new AdminOptions.Cookies(false, true, "example.com", 99_999_999_999L));
  }

  @Test
  void c26_origins_are_a_list_or_all_but_never_all_with_credentials()
      throws InvalidConfigException {
    assertThat(
            ConfigText.parse(
                    "admin.cors { origins = [\"https://a.example:8080\"], supports_credentials = true }")
                .server()
                .admin()
                .cors())
        .isEqualTo(new AdminOptions.Cors(List.of("https://a.example:8080"), true));
    assertThat(ConfigText.parse("admin.cors.origins = \"*\"").server().admin().cors())
        .isEqualTo(new AdminOptions.Cors(List.of("*"), false));
    assertThat(errors("admin.cors { origins = \"*\", supports_credentials = true }"))
        .containsExactly("admin.cors.supports_credentials: true, with origins = \"*\"");
    assertThat(errors("admin.cors.origins = [\"*\", \"https://a.example\"]"))
        .containsExactly("admin.cors.origins: \"*\" among others");
    assertThat(errors("admin.cors.origins = \"https://a.example/path\""))
        .containsExactly("admin.cors.origins: https://a.example/path");
  }

  @Test
  void c26_nothing_listens_beyond_loopback_unless_users_are_asked_for()
      throws InvalidConfigException {
    assertThat(errors("admin.http { enabled = true, host = \"0.0.0.0\" }")).hasSize(1);
    assertThat(errors("admin.http { enabled = true, host = node-7 }")).hasSize(1);
    for (String loopback : List.of("127.0.0.1", "127.1.2.3", "::1", "localhost")) {
      ConfigText.parse("admin.http { enabled = true, host = \"" + loopback + "\" }");
    }
    ConfigText.parse(
        "admin.http { enabled = true, host = \"0.0.0.0\" }\n"
            + "admin.auth.fixed_users { enabled = true, users = [ { username = a, password = b } ] }");
  }

  @Test
  void c26_clearmls_own_paths_mean_the_same() throws InvalidConfigException {
    TiermountConfig config =
        ConfigText.parse(
            """
            auth {
              session_auth_cookie_name: "clearml_token_basic"
              fixed_users { enabled: true, pass_hashed: false,
                guest { enabled: false }
                users: [ { username: "jane", password: "12345678", name: "Jane Doe" } ] }
              cookies { httponly: true, secure: true, domain: null, max_age: 3600 }
            }
            cors { origins: [ "https://a.example" ], supports_credentials: true }
            tasks { non_responsive_tasks_watchdog { enabled: true, threshold_sec: 7200, watch_interval_sec: 900 }
              multi_queue_support: true }
            secure { http { session_secret { apiserver: "hush" } } }
            """);

    AdminOptions admin = config.server().admin();
    assertThat(admin.users())
        .containsExactly(new AdminOptions.User("jane", "12345678", false, "Jane Doe"));
    assertThat(admin.cookies()).isEqualTo(new AdminOptions.Cookies(true, true, null, 3600));
    assertThat(admin.cors()).isEqualTo(new AdminOptions.Cors(List.of("https://a.example"), true));
    assertThat(config.server().watchdog())
        .isEqualTo(new WatchdogOptions(true, Duration.ofHours(2), Duration.ofMinutes(15)));
    assertThat(config.notices())
        .contains(
            "left aside, for ClearML's server alone: auth.fixed_users.guest,"
                + " auth.session_auth_cookie_name, tasks.multi_queue_support");
    assertThat(ConfigText.parse("auth.cors.origins = \"*\"").server().admin().cors().origins())
        .containsExactly("*");
  }

  @Test
  void c26_a_section_at_both_paths_is_an_error_and_so_is_a_slip_in_it() {
    assertThat(
            errors("watchdog.enabled = false\ntasks.non_responsive_tasks_watchdog.enabled = true"))
        .containsExactly(
            "tasks.non_responsive_tasks_watchdog: a section that stands at watchdog too");
    assertThat(errors("auth.fixed_users.enable = true"))
        .containsExactly("admin.auth.fixed_users.enable: an unknown key");
    assertThat(errors("tasks = 7")).containsExactly("tasks: an unknown key");
  }

  @Test
  void c27_the_watchdogs_numbers_are_seconds() throws InvalidConfigException {
    assertThat(
            ConfigText.parse(
                    "watchdog { enabled = false, threshold_sec = 60, watch_interval_sec = 5 }")
                .server()
                .watchdog())
        .isEqualTo(new WatchdogOptions(false, Duration.ofMinutes(1), Duration.ofSeconds(5)));
    assertThat(errors("watchdog.threshold_sec = 0")).hasSize(1);
    assertThat(errors("watchdog.watch_interval_sec = 5m")).hasSize(1);
  }

  @Test
  void c28_the_providers_notice_is_asked_for_where_the_configuration_says_so()
      throws InvalidConfigException {
    assertThat(ConfigText.parse("").server().spotNotice()).isEqualTo(ServerOptions.SpotNotices.OFF);
    assertThat(ConfigText.parse("shutdown.spot_notice = aws").server().spotNotice())
        .isEqualTo(ServerOptions.SpotNotices.AWS);
    assertThat(errors("shutdown.spot_notice = azure")).hasSize(1);
  }

  private static List<String> errors(String text) {
    return ConfigText.errors(text).stream()
        .map(error -> error.key() + ": " + error.found())
        .toList();
  }
}
