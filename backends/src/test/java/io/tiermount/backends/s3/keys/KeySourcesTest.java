package io.tiermount.backends.s3.keys;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.tiermount.backends.Credentials;
import io.tiermount.backends.strict.TestSecrets;
import io.tiermount.backends.strict.WebStandIn;
import io.tiermount.backends.strict.WebStandIn.Asked;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Every way to come by keys (SEMANTICS K1, K2), and that none of them tells a secret (K6). */
final class KeySourcesTest {
  private static final String SECRET = TestSecrets.of("source");
  private static final String TOKEN = TestSecrets.of("token");
  private static final String END = "2099-01-02T03:04:05Z";
  private static final String ROLE = "arn:aws:iam::123456789012:role/reader";
  private static final String METADATA =
      "{\"Code\":\"Success\",\"AccessKeyId\":\"META\",\"SecretAccessKey\":\"%s\",\"Token\":\"%s\",\"Expiration\":\"%s\"}"
          .formatted(SECRET, TOKEN, END);

  @TempDir private Path directory = Path.of("");
  private WebStandIn web;
  private final Map<String, String> variables = new TreeMap<>();

  @BeforeEach
  void prepare() throws IOException {
    web = WebStandIn.start();
    variables.put("AWS_EC2_METADATA_SERVICE_ENDPOINT", web.url());
    variables.put("AWS_ENDPOINT_URL_STS", web.url());
    variables.put("PATH", String.valueOf(System.getenv("PATH")));
    Files.createDirectory(directory.resolve(".aws"));
  }

  @AfterEach
  void stop() {
    web.close();
  }

  private Keys fetch(Credentials credentials) throws Exception {
    return KeySources.of(credentials, new AwsEnvironment(variables, directory)).fetch();
  }

  private String failure(Credentials credentials) {
    NoKeysException failure = catchThrowableOfType(NoKeysException.class, () -> fetch(credentials));
    assertThat(failure).isNotNull();
    assertThat(failure.toString()).doesNotContain(TestSecrets.MARK);
    assertThat(failure.getCause()).isNull();
    return failure.text();
  }

  private void profiles(String text) throws IOException {
    Files.writeString(directory.resolve(".aws/credentials"), text);
  }

  private void instance() {
    web.on(
        "PUT /latest/api/token",
        asked ->
            asked.headers().containsKey("x-aws-ec2-metadata-token-ttl-seconds")
                ? Asked.answer("session")
                : Asked.NONE);
    web.on("GET /latest/meta-data/iam/security-credentials/", "role-a\n");
    web.on(
        "GET /latest/meta-data/iam/security-credentials/role-a",
        asked ->
            "session".equals(asked.headers().get("x-aws-ec2-metadata-token"))
                ? Asked.answer(METADATA)
                : Asked.NONE);
  }

  private void sts(String access, String expected) {
    web.on(
        "POST /",
        asked ->
            asked.body().contains(expected)
                ? Asked.answer(
                    """
                    <R><AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>%1$s</AccessKeyId>
                    <SecretAccessKey>%2$s</SecretAccessKey><SessionToken>%3$s</SessionToken>
                    <Expiration>%4$s</Expiration></Credentials></AssumeRoleWithWebIdentityResult></R>
                    """
                        .formatted(access, SECRET, TOKEN, END)
                        .replace(
                            "AssumeRoleWithWebIdentityResult",
                            asked.body().contains("Action=AssumeRoleWithWebIdentity")
                                ? "AssumeRoleWithWebIdentityResult"
                                : "AssumeRoleResult"))
                : Asked.NONE);
  }

  @Test
  void k2_keys_as_they_stand_with_and_without_a_session_token() throws Exception {
    assertThat(fetch(new Credentials.S3Static("A", SECRET, null)))
        .isEqualTo(new Keys("A", SECRET, null, null));
    assertThat(fetch(new Credentials.S3Static("A", SECRET, TOKEN)).sessionToken()).isEqualTo(TOKEN);
  }

  @Test
  void k2_a_profile_has_keys_a_process_or_a_role() throws Exception {
    profiles(
        """
        [plain]
        aws_access_key_id = P
        aws_secret_access_key = %1$s
        [temporary]
        aws_access_key_id = T
        aws_secret_access_key = %1$s
        aws_session_token = %2$s
        [taker]
        role_arn = %3$s
        source_profile = plain
        [circle]
        role_arn = %3$s
        source_profile = round
        [round]
        role_arn = %3$s
        source_profile = circle
        """
            .formatted(SECRET, TOKEN, ROLE));
    Path printed = directory.resolve("with space.json");
    Files.writeString(
        printed, "{\"Version\":1,\"AccessKeyId\":\"PP\",\"SecretAccessKey\":\"" + SECRET + "\"}");
    Files.writeString(
        directory.resolve(".aws/config"),
        "[profile printed]\ncredential_process = cat \""
            + printed
            + "\"\n[profile sso]\nsso_session = x\n");
    assertThat(fetch(new Credentials.S3Profile("plain")))
        .isEqualTo(new Keys("P", SECRET, null, null));
    assertThat(fetch(new Credentials.S3Profile("temporary")).sessionToken()).isEqualTo(TOKEN);
    assertThat(fetch(new Credentials.S3Profile("printed")).accessKey()).isEqualTo("PP");
    sts("ROLE", "Action=AssumeRole&");
    Keys taken = fetch(new Credentials.S3Profile("taker"));
    assertThat(taken).isEqualTo(new Keys("ROLE", SECRET, TOKEN, Instant.parse(END)));
    assertThat(failure(new Credentials.S3Profile("circle"))).contains("more than 5 source_profile");
    assertThat(failure(new Credentials.S3Profile("sso"))).contains("export-credentials");
  }

  @Test
  void k2_k8_a_process_prints_keys_and_gets_none_of_the_daemons() throws Exception {
    variables.put("AWS_ACCESS_KEY_ID", "DAEMON");
    variables.put("AWS_SECRET_ACCESS_KEY", SECRET);
    variables.put("OTHER", "here");
    String script =
        "printf '{\"Version\":1,\"AccessKeyId\":\"%s\",\"SecretAccessKey\":\"x\",\"SessionToken\":\"t\",\"Expiration\":\"%s\"}' \"got:$AWS_ACCESS_KEY_ID$AWS_SECRET_ACCESS_KEY:$OTHER\" "
            + END;
    assertThat(fetch(new Credentials.S3Process(List.of("sh", "-c", script))))
        .isEqualTo(new Keys("got::here", "x", "t", Instant.parse(END)));
  }

  @Test
  void k2_a_web_identity_is_exchanged_and_its_file_is_watched() throws Exception {
    Path file = directory.resolve("web-token");
    Files.writeString(file, TOKEN + "\n");
    variables.put("AWS_WEB_IDENTITY_TOKEN_FILE", file.toString());
    variables.put("AWS_ROLE_ARN", ROLE);
    sts("WEB", "WebIdentityToken=token%2F" + TestSecrets.MARK);
    Credentials web = new Credentials.S3WebIdentity();
    assertThat(fetch(web)).isEqualTo(new Keys("WEB", SECRET, TOKEN, Instant.parse(END)));
    assertThat(KeySources.of(web, new AwsEnvironment(variables, directory)).files())
        .containsExactly(file);
    Files.writeString(file, TestSecrets.of("other"));
    assertThat(failure(web)).contains("STS refuses role", "404");
    Files.delete(file);
    assertThat(failure(web)).contains(file + " can't be read");
  }

  @Test
  void k2_the_chain_asks_environment_web_identity_profile_container_instance() throws Exception {
    Credentials chain = new Credentials.Chain();
    assertThat(failure(chain))
        .contains("AWS_ACCESS_KEY_ID", "profile default", "container", "name credentials");
    instance();
    assertThat(fetch(chain)).isEqualTo(new Keys("META", SECRET, TOKEN, Instant.parse(END)));
    Path authorization = directory.resolve("authorization");
    Files.writeString(authorization, TOKEN);
    variables.put("AWS_CONTAINER_CREDENTIALS_FULL_URI", web.url() + "/container");
    variables.put("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", authorization.toString());
    web.on(
        "GET /container",
        asked ->
            TOKEN.equals(asked.headers().get("authorization"))
                ? Asked.answer(METADATA.replace("META", "CONT"))
                : Asked.NONE);
    assertThat(fetch(chain).accessKey()).isEqualTo("CONT");
    profiles("[default]\naws_access_key_id = PROF\naws_secret_access_key = " + SECRET);
    assertThat(fetch(chain).accessKey()).isEqualTo("PROF");
    variables.put("AWS_WEB_IDENTITY_TOKEN_FILE", authorization.toString());
    variables.put("AWS_ROLE_ARN", ROLE);
    sts("WEB", "WebIdentityToken");
    assertThat(fetch(chain).accessKey()).isEqualTo("WEB");
    variables.put("AWS_ACCESS_KEY_ID", "ENV");
    assertThat(failure(chain)).as("half a pair is a mistake").contains("go together");
    variables.put("AWS_SECRET_ACCESS_KEY", SECRET);
    variables.put("AWS_SESSION_TOKEN", TOKEN);
    assertThat(fetch(chain)).isEqualTo(new Keys("ENV", SECRET, TOKEN, null));
  }

  @Test
  void k1_a_named_way_falls_back_to_no_other() throws Exception {
    instance();
    variables.put("AWS_ACCESS_KEY_ID", "ENV");
    variables.put("AWS_SECRET_ACCESS_KEY", SECRET);
    assertThat(failure(new Credentials.S3Profile("none"))).contains("there is no profile none");
    assertThat(failure(new Credentials.S3WebIdentity())).contains("AWS_WEB_IDENTITY_TOKEN_FILE");
    assertThat(failure(new Credentials.S3Process(List.of("false")))).contains("exit code 1");
    assertThat(web.requests()).isEmpty();
  }

  @Test
  void k1_a_container_token_is_sent_in_clear_to_this_machine_alone() {
    variables.put("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://elsewhere.example/keys");
    variables.put("AWS_CONTAINER_AUTHORIZATION_TOKEN", TOKEN);
    assertThat(failure(new Credentials.Chain())).contains("elsewhere.example", "over http only");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "echo %1$s",
        "echo '{\"AccessKeyId\": \"%1$s\", \"SecretAccessKey\": \"%1$s\"'",
        "echo '[\"%1$s\"]'",
        "echo '{\"AccessKeyId\": \"%1$s\"}'",
        "echo '{\"AccessKeyId\": \"a\", \"SecretAccessKey\": \"%1$s\", \"Expiration\": \"%1$s\"}'",
        "echo %1$s >&2; exit 3",
        "head -c 100000 /dev/zero | tr '\\0' a; echo %1$s"
      })
  void k6_what_a_process_says_wrongly_is_not_repeated(String script) {
    // failure() looks for it.
    String told =
        failure(new Credentials.S3Process(List.of("sh", "-c", script.formatted(SECRET), SECRET)));
    assertThat(told).contains("the credentials process sh");
  }

  @Test
  void k6_broken_files_are_not_quoted() throws Exception {
    profiles("[p]\naws_access_key_id = A\n" + SECRET + "\n");
    assertThat(failure(new Credentials.S3Profile("p")))
        .contains(".aws/credentials", "can't be read");
  }

  @Test
  void k6_nothing_of_them_prints_a_secret() throws Exception {
    variables.put("AWS_SECRET_ACCESS_KEY", SECRET);
    Credentials fixed = new Credentials.S3Static("ACCESSKEY", SECRET, TOKEN);
    AwsEnvironment environment = new AwsEnvironment(variables, directory);
    try (S3Keys keys = new S3Keys(fixed, environment, Instant::now)) {
      keys.await();
      assertThat(
              List.of(
                      fixed,
                      environment,
                      fetch(fixed),
                      keys,
                      new Credentials.S3Process(List.of("get", SECRET)),
                      new Credentials.Azure(SECRET, null, null, false))
                  .toString())
          .contains("…SKEY")
          .doesNotContain(TestSecrets.MARK);
    }
  }
}
