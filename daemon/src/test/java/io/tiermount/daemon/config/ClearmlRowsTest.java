package io.tiermount.daemon.config;

import static org.assertj.core.api.Assertions.assertThat;

import io.tiermount.backends.Credentials;
import io.tiermount.backends.s3.S3Options;
import io.tiermount.fs.write.WriteOptions;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * CONFIG.md, section 2, one class a row, named after it: what a clearml.conf says about S3
 * (SEMANTICS C8, C9, C12).
 */
final class ClearmlRowsTest {
  /** Two mounts: a bucket of AWS's and one of a host's. */
  private static final String MOUNTS =
      """
      mounts {
        aws { path = /mnt/aws, scope = local, source = "s3://my-bucket/train/cats" }
      }
      """;

  private static S3Options s3(String conf) throws InvalidConfigException {
    return s3(conf, "s3://my-bucket/train/cats");
  }

  private static S3Options s3(String conf, String source) throws InvalidConfigException {
    return s3(conf, source, Map.of());
  }

  private static S3Options s3(String conf, String source, Map<String, String> environment)
      throws InvalidConfigException {
    String mount = "\nmounts.a { path = /mnt/a, scope = local, source = \"" + source + "\" }";
    MountConfig parsed = ConfigText.parse(conf + mount, environment).mounts().getFirst();
    return ((SourceConfig.S3) parsed.source()).options();
  }

  private static List<ConfigError> errors(String conf, String source) {
    return ConfigText.errors(
        conf + "\nmounts.a { path = /mnt/a, scope = local, source = \"" + source + "\" }");
  }

  private static Credentials keys(String key) {
    return new Credentials.S3Static(key, "s-" + key, null);
  }

  @Nested
  class AwsS3KeySecretRegion {
    @Test
    void are_the_default_for_every_bucket_not_named() throws InvalidConfigException {
      S3Options options = s3("aws.s3 { key = K1, secret = s-K1, region = eu-west-1 }");

      assertThat(options.credentials()).isEqualTo(keys("K1"));
      assertThat(options.region()).isEqualTo("eu-west-1");
    }

    @Test
    void an_empty_text_is_not_set() throws InvalidConfigException {
      String conf =
          "aws.s3 { key = \"\", secret = \"\", region = \"\", use_credentials_chain = true }";

      assertThat(s3(conf).credentials()).isEqualTo(new Credentials.Chain());
      assertThat(s3(conf).region()).isNull();
    }

    @Test
    void the_order_is_entry_default_chain() throws InvalidConfigException {
      String chain = "aws.s3.use_credentials_chain = true\n";
      String byDefault = chain + "aws.s3 { key = K1, secret = s-K1 }\n";
      String entry =
          byDefault + "aws.s3.credentials = [ { bucket = my-bucket, key = K2, secret = s-K2 } ]\n";

      assertThat(s3(chain).credentials()).isEqualTo(new Credentials.Chain());
      assertThat(s3(byDefault).credentials()).isEqualTo(keys("K1"));
      assertThat(s3(entry).credentials()).isEqualTo(keys("K2"));
    }

    @Test
    void without_any_it_is_a_clear_error_and_never_anonymous() {
      assertThat(errors("aws.s3 { key = \"\", secret = \"\" }", "s3://my-bucket/a"))
          .singleElement()
          .satisfies(error -> {
            assertThat(error.key()).isEqualTo("mounts.a.source");
            assertThat(error.found()).contains("aws.s3 has no credentials");
            assertThat(error.hint()).contains("use_credentials_chain");
          });
    }

    @Test
    void defaults_are_insecure_multipart_verified_without_chain() throws InvalidConfigException {
      S3Options options =
          s3(
              "aws.s3.credentials = [ { host = \"h:9000\", key = K, secret = s-K } ]",
              "s3://h:9000/bk/x");

      assertThat(options.endpoint()).isEqualTo(URI.create("http://h:9000"));
      assertThat(options.multipart()).isTrue();
      assertThat(options.verifyTls()).isTrue();
      assertThat(options.credentials()).isEqualTo(keys("K"));
    }

    @Test
    void numeric_keys_are_texts() throws InvalidConfigException {
      assertThat(s3("aws.s3 { key = 12345678, secret = 0012 }").credentials())
          .isEqualTo(new Credentials.S3Static("12345678", "0012", null));
    }

    @Test
    void a_session_token_goes_with_them_and_a_profile_stands_for_them()
        throws InvalidConfigException {
      assertThat(s3("aws.s3 { key = K, secret = S, token = T }").credentials())
          .isEqualTo(new Credentials.S3Static("K", "S", "T"));
      assertThat(s3("aws.s3.profile = research").credentials())
          .isEqualTo(new Credentials.S3Profile("research"));
    }

    @ParameterizedTest
    @ValueSource(
        strings = {"aws.s3.key = K", "aws.s3 { key = K, secret = \"\" }", "aws.s3.secret = S"})
    void a_key_without_a_secret_is_an_error(String conf) {
      assertThat(errors(conf, "s3://my-bucket/a"))
          .anySatisfy(error -> assertThat(error.accepted()).contains("key and secret together"));
    }

    @Test
    void a_mount_that_names_credentials_takes_nothing_from_here() throws InvalidConfigException {
      TiermountConfig config =
          ConfigText.parse(
              """
              aws.s3 { key = K1, secret = s-K1, region = eu-west-1 }
              credentials.own { type = s3, access_key = K2, secret_key = s-K2 }
              mounts.a { path = /mnt/a, scope = local, source = "s3://bk/x", credentials = own }
              """);
      S3Options options = ((SourceConfig.S3) config.mounts().getFirst().source()).options();

      assertThat(options.credentials()).isEqualTo(keys("K2"));
      assertThat(options.region()).isNull();
    }
  }

  @Nested
  class AwsS3CredentialsBucket {
    @Test
    void an_entry_is_for_its_bucket_alone_and_whole() throws InvalidConfigException {
      String conf =
          """
          aws.s3 { key = K0, secret = s-K0
            credentials = [ { bucket = my-bucket, key = K1, secret = s-K1, region = us-west-2 } ] }
          """;

      assertThat(s3(conf, "s3://my-bucket/x").credentials()).isEqualTo(keys("K1"));
      assertThat(s3(conf, "s3://my-bucket/x").region()).isEqualTo("us-west-2");
      assertThat(s3(conf, "s3://my-bucket2/x").credentials()).isEqualTo(keys("K0"));
    }

    @Test
    void fields_are_never_filled_up_from_elsewhere() throws InvalidConfigException {
      String conf =
          """
          aws.s3 { key = K0, secret = s-K0, token = T0, region = eu-west-1
            credentials = [ { bucket = my-bucket, key = K1, secret = s-K1 } ] }
          """;

      assertThat(s3(conf).credentials()).isEqualTo(keys("K1"));
      assertThat(s3(conf).region()).isNull();
      assertThat(
              errors(
                  "aws.s3 { key = K0, secret = s-K0, credentials = [ { bucket = bk, key = K1 } ] }",
                  "s3://bk/x"))
          .anySatisfy(error -> {
            assertThat(error.key()).isEqualTo("aws.s3.credentials[0].secret");
            assertThat(error.accepted()).isEqualTo("key and secret together");
          });
    }

    @ParameterizedTest
    @CsvSource({
      "false, false,",
      "\"false\", false,",
      "true, true,",
      "/etc/ca.pem, true, /etc/ca.pem"
    })
    void verify_is_false_or_true_or_a_bundle(String verify, boolean verifies, Path bundle)
        throws InvalidConfigException {
      S3Options options =
          s3(
              "aws.s3.credentials = [ { bucket = my-bucket, key = K, secret = S, verify = "
                  + verify
                  + " } ]");

      assertThat(options.verifyTls()).isEqualTo(verifies);
      assertThat(options.caBundle()).isEqualTo(bundle);
    }

    @Test
    void verify_under_aws_s3_applies_where_the_entry_says_nothing() throws InvalidConfigException {
      String conf =
          "aws.s3 { verify = false, credentials = [ { bucket = my-bucket, key = K, secret = S %s } ] }";

      assertThat(s3(conf.formatted("")).verifyTls()).isFalse();
      assertThat(s3(conf.formatted(", verify = true")).verifyTls()).isTrue();
    }

    @Test
    void use_credentials_chain_of_an_entry_is_the_chain() throws InvalidConfigException {
      String conf =
          """
          aws.s3 { key = K0, secret = s-K0
            credentials = [ { bucket = my-bucket, use_credentials_chain = true } ] }
          """;

      assertThat(s3(conf).credentials()).isEqualTo(new Credentials.Chain());
    }

    @Test
    void the_longest_sub_directory_wins_by_components_and_upper_case_counts()
        throws InvalidConfigException {
      String conf =
          """
          aws.s3.credentials = [
            { bucket = my-bucket, key = K0, secret = s-K0 }
            { bucket = my-bucket, subdir = "train/cats", key = K2, secret = s-K2 }
            { bucket = my-bucket, subdir = train, key = K1, secret = s-K1 }
            { bucket = my-bucket, subdir = Upper, key = K3, secret = s-K3 }
          ]
          """;

      assertThat(s3(conf, "s3://my-bucket/train/cats").credentials()).isEqualTo(keys("K2"));
      assertThat(s3(conf, "s3://my-bucket/train/catsanddogs").credentials()).isEqualTo(keys("K1"));
      assertThat(s3(conf, "s3://my-bucket/training").credentials()).isEqualTo(keys("K0"));
      assertThat(s3(conf, "s3://my-bucket/Upper/x").credentials()).isEqualTo(keys("K3"));
      assertThat(s3(conf, "s3://my-bucket/upper/x").credentials()).isEqualTo(keys("K0"));
    }

    @Test
    void one_bad_entry_is_one_error() {
      assertThat(
              errors(
                  """
                  aws.s3.credentials = [
                    { bucket = a, key = K, secret = S }
                    { key = K, secret = S }
                    { bucket = ck, key = K, secret = S }
                  ]
                  """,
                  "s3://ck/x"))
          .singleElement()
          .satisfies(error -> {
            assertThat(error.key()).isEqualTo("aws.s3.credentials[1]");
            assertThat(error.found()).isEqualTo("neither bucket nor host");
          });
    }
  }

  @Nested
  class AwsS3CredentialsHost {
    private static final String HOST =
        "aws.s3 { key = K0, secret = s-K0, credentials = [ { host = \"my-minio:9000\", key = K1,"
            + " secret = s-K1 %s } ] }";

    @Test
    void covers_all_buckets_of_the_host_and_no_other_port() throws InvalidConfigException {
      String conf = HOST.formatted("");

      assertThat(s3(conf, "s3://my-minio:9000/one/x").credentials()).isEqualTo(keys("K1"));
      assertThat(s3(conf, "s3://MY-MINIO:9000/two/x").credentials()).isEqualTo(keys("K1"));
      assertThat(errors(conf, "s3://my-minio:90001/one/x"))
          .anySatisfy(error -> assertThat(error.hint()).contains("at most 65535"));
      assertThat(errors(conf, "s3://my-minio:9001/one/x"))
          .singleElement()
          .satisfies(error -> assertThat(error.hint()).contains("never sent to another host"));
    }

    @Test
    void the_endpoint_of_the_mount_counts_as_the_host() throws InvalidConfigException {
      TiermountConfig config =
          ConfigText.parse(
              HOST.formatted(", secure = true")
                  + """

                  mounts.a { path = /mnt/a, scope = local, source = "s3://bk/x"
                    endpoint = "http://my-minio:9000" }
                  """);
      S3Options options = ((SourceConfig.S3) config.mounts().getFirst().source()).options();

      assertThat(options.credentials()).isEqualTo(keys("K1"));
      assertThat(options.endpoint()).isEqualTo(URI.create("http://my-minio:9000"));
    }

    @Test
    void a_bucket_of_the_host_beats_the_host_whatever_the_order() throws InvalidConfigException {
      String conf =
          """
          aws.s3.credentials = [
            { host = "my-minio:9000", key = K1, secret = s-K1 }
            { host = "my-minio:9000", bucket = one, key = K2, secret = s-K2 }
            { bucket = two, key = K3, secret = s-K3 }
          ]
          """;

      assertThat(s3(conf, "s3://my-minio:9000/one/x").credentials()).isEqualTo(keys("K2"));
      assertThat(s3(conf, "s3://my-minio:9000/one2/x").credentials()).isEqualTo(keys("K1"));
      assertThat(s3(conf, "s3://my-minio:9000/two/x").credentials()).isEqualTo(keys("K1"));
    }

    @ParameterizedTest
    @CsvSource({
      "true, https://my-minio:9000",
      "false, http://my-minio:9000",
      "\"false\", http://my-minio:9000"
    })
    void secure_turns_tls_on(String secure, URI endpoint) throws InvalidConfigException {
      assertThat(s3(HOST.formatted(", secure = " + secure), "s3://my-minio:9000/bk/x").endpoint())
          .isEqualTo(endpoint);
    }

    @Test
    void secure_under_aws_s3_is_for_entries_that_do_not_say() throws InvalidConfigException {
      String conf = "aws.s3.secure = true\n";

      assertThat(s3(conf + HOST.formatted(""), "s3://my-minio:9000/bk/x").endpoint())
          .isEqualTo(URI.create("https://my-minio:9000"));
      assertThat(
              s3(conf + HOST.formatted(", secure = false"), "s3://my-minio:9000/bk/x").endpoint())
          .isEqualTo(URI.create("http://my-minio:9000"));
    }

    @Test
    void multipart_false_never_uses_multipart() throws InvalidConfigException {
      assertThat(s3(HOST.formatted(", multipart = false"), "s3://my-minio:9000/bk/x").multipart())
          .isFalse();
      assertThat(
              s3("aws.s3.multipart = false\n" + HOST.formatted(""), "s3://my-minio:9000/bk/x")
                  .multipart())
          .isFalse();
    }

    @ParameterizedTest
    @ValueSource(
        strings = {"my-minio", "http://my-minio:9000", "my-minio:99999", "my-minio:9000/b"})
    void a_host_without_a_port_is_an_error(String host) {
      assertThat(
              errors(
                  "aws.s3.credentials = [ { host = \"" + host + "\", key = K, secret = S } ]",
                  "file:///nvme/a"))
          .singleElement()
          .satisfies(error -> {
            assertThat(error.key()).isEqualTo("aws.s3.credentials[0].host");
            assertThat(error.accepted()).contains("the port always given");
          });
    }
  }

  @Nested
  class AwsBoto3 {
    @Test
    void pool_connections_is_the_size_of_the_pool() throws InvalidConfigException {
      assertThat(s3("aws.boto3.pool_connections = 512").maxConnections()).isEqualTo(512);
      assertThat(s3("").maxConnections()).isEqualTo(128);
    }
  }

  @Nested
  class NetworkMetrics {
    private static WriteOptions write(String conf, String more) throws InvalidConfigException {
      return ConfigText.parse(
              conf
                  + "\nmounts.a { path = /mnt/a, scope = shared, source = \"s3://bk/x\" "
                  + more
                  + "}")
          .mounts()
          .getFirst()
          .write();
    }

    @Test
    void file_upload_threads_are_those_of_mounts_that_say_nothing() throws InvalidConfigException {
      String conf = "network.metrics.file_upload_threads = 4";

      assertThat(write(conf, "").uploadThreads()).isEqualTo(4);
      assertThat(write(conf, ", write.upload_threads = 2").uploadThreads()).isEqualTo(2);
      assertThat(write("", "").uploadThreads()).isEqualTo(8);
    }

    @Test
    void file_upload_starvation_warning_sec_is_the_limit() throws InvalidConfigException {
      assertThat(
              write("network.metrics.file_upload_starvation_warning_sec = 30", "")
                  .starvationWarning())
          .isEqualTo(Duration.ofSeconds(30));
      assertThat(write("", "").starvationWarning()).isEqualTo(Duration.ofMinutes(2));
    }

    @Test
    void max_multipart_concurrency_is_parts_of_one_transfer() throws InvalidConfigException {
      assertThat(write("aws.boto3.max_multipart_concurrency = 16", "").transferParts())
          .isEqualTo(16);
      assertThat(write("", ", write.upload_threads = 2").transferParts()).isEqualTo(2);
    }
  }

  @Nested
  class NetworkIteration {
    @Test
    void sets_retries_and_the_delay_before_the_first() throws InvalidConfigException {
      S3Options options =
          s3(
              "network.iteration { max_retries_on_server_error = 7, retry_backoff_factor_sec = 1.5 }");

      assertThat(options.maxRetries()).isEqualTo(7);
      assertThat(options.retryBase()).isEqualTo(Duration.ofMillis(1500));
    }
  }

  @Nested
  class ApiVerifyCertificate {
    @Test
    void is_the_default_of_every_endpoint() throws InvalidConfigException {
      assertThat(s3("api.verify_certificate = False").verifyTls()).isFalse();
      assertThat(s3("api.verify_certificate = True").verifyTls()).isTrue();
      assertThat(s3("api.verify_certificate = /etc/ca.pem").caBundle())
          .isEqualTo(Path.of("/etc/ca.pem"));
      assertThat(
              s3("api.verify_certificate = false\naws.s3 { key = K, secret = S, verify = true }")
                  .verifyTls())
          .isTrue();
    }

    @Test
    void the_mount_s_own_wins() throws InvalidConfigException {
      TiermountConfig config =
          ConfigText.parse(
              "api.verify_certificate = false\n" + MOUNTS.replace("scope", "verify = true, scope"));

      assertThat(((SourceConfig.S3) config.mounts().getFirst().source()).options().verifyTls())
          .isTrue();
    }
  }

  @Nested
  class VariablesOfTheEnvironment {
    private static final String CONF =
        "aws.s3 {\n key = ${AWS_ACCESS_KEY_ID}\n secret = ${AWS_SECRET_ACCESS_KEY} }";

    @Test
    void are_substituted() throws InvalidConfigException {
      Map<String, String> environment =
          Map.of("AWS_ACCESS_KEY_ID", "K9", "AWS_SECRET_ACCESS_KEY", "s-K9");

      assertThat(s3(CONF, "s3://bk/x", environment).credentials()).isEqualTo(keys("K9"));
    }

    @Test
    void a_missing_one_is_an_error_with_key_and_line() {
      assertThat(errors(CONF, "s3://bk/x"))
          .anySatisfy(error -> {
            assertThat(error.key()).isEqualTo("aws.s3.key");
            assertThat(error.line()).isEqualTo(2);
            assertThat(error.found()).contains("${AWS_ACCESS_KEY_ID} is not defined");
          });
    }
  }
}
