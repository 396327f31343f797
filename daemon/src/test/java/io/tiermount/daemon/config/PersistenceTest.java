package io.tiermount.daemon.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import io.tiermount.backends.Credentials;
import io.tiermount.fs.scope.ScopeKind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** CONFIG.md, section 3: Polyaxon's persistence, written as HOCON. */
final class PersistenceTest {
  private static final String REFERENCE =
      """
      persistence {
        data {
          data1 { mountPath = "/data/1", hostPath = "/path/to/data", readOnly = true }
          data-foo { mountPath = "/data/foo", existingClaim = "data-foo-pvc" }
          data-s3 { store = s3, bucket = "s3://data-bucket" }
          data-gcs { store = gcs, bucket = "gs://data-bucket" }
          data-azure { store = azure, bucket = "wasbs://container@account.blob.core.windows.net/" }
        }
        outputs {
          outputs1 { mountPath = "/outputs/1", hostPath = "/path/to/outputs" }
        }
      }
      """;

  @TempDir private Path directory;

  @Test
  void c20_the_reference_of_polyaxons_form_is_read_as_it_stands() throws InvalidConfigException {
    TiermountConfig config = ConfigText.parse(REFERENCE);

    assertThat(config.mounts())
        .extracting(
            MountConfig::name,
            mount -> mount.path().toString(),
            mount -> mount.source().url(),
            mount -> mount.volume().readOnly())
        .containsExactly(
            tuple("data1", "/data/1", "file:///path/to/data", true),
            tuple("data-foo", "/data/foo", "file:///var/lib/tiermount/claims/data-foo-pvc", false),
            tuple(
                "data-azure",
                "/mnt/data-azure",
                "wasbs://container@account.blob.core.windows.net/",
                false),
            tuple("data-gcs", "/mnt/data-gcs", "gs://data-bucket", false),
            tuple("data-s3", "/mnt/data-s3", "s3://data-bucket", false),
            tuple("outputs1", "/outputs/1", "file:///path/to/outputs", false));
    assertThat(config.mounts()).extracting(MountConfig::scope).containsOnly(ScopeKind.SHARED);
    assertThat(config.mounts()).extracting(mount -> mount.volume().prefix()).containsOnly("");
  }

  @Test
  void store_and_bucket_are_a_mount_at_mountpath_or_below_mnt() throws InvalidConfigException {
    TiermountConfig config =
        data(
            "a { store = s3, bucket = \"s3://bucket/p\", mountPath = /d }, c = { store = s3, bucket = \"s3://other\" }");

    assertThat(config.mounts())
        .extracting(mount -> mount.path() + " " + mount.source().url())
        .containsExactly("/d s3://bucket/p", "/mnt/c s3://other");
    assertThat(config.mounts().getFirst().volume().prefix()).isEqualTo("p/");
  }

  @Test
  void c21_store_and_the_buckets_scheme_agree() {
    assertThat(refused("a { store = gcs, bucket = \"s3://bucket\" }"))
        .containsExactly("persistence.data.a.bucket: s3://bucket");
    assertThat(refused("a { store = s3, bucket = \"wasbs://c@d12.blob.core.windows.net/\" }"))
        .hasSize(1);
    assertThat(refused("a { store = azure, bucket = \"gs://b\" }")).hasSize(1);
    assertThat(refused("a { store = s3, bucket = plain }"))
        .containsExactly("persistence.data.a.bucket: plain");
    assertThat(refused("a { store = s3 }")).containsExactly("persistence.data.a.bucket: nothing");
    assertThat(refused("a { store = hdfs, bucket = \"s3://bucket\" }"))
        .containsExactly("persistence.data.a.store: hdfs");
  }

  @Test
  void c21_at_most_one_thing_is_behind_a_volume() {
    assertThat(refused("a { hostPath = /x, existingClaim = y }"))
        .containsExactly("persistence.data.a.existingClaim: 2 things behind one volume");
    assertThat(
            refused("a { hostPath = /x, existingClaim = y, store = s3, bucket = \"s3://bucket\" }"))
        .containsExactly("persistence.data.a.store: 3 things behind one volume");
    assertThat(refused("a { mountPath = /x }"))
        .containsExactly("persistence.data.a.store: nothing behind the volume");
    assertThat(refused("a { hostPath = /x, secret = s, secretKey = k }"))
        .containsExactly(
            "persistence.data.a.secret: a key of a bucket, on a directory",
            "persistence.data.a.secretKey: a key of a bucket, on a directory");
  }

  @Test
  void c21_unknown_keys_are_refused_with_the_nearest_known() {
    List<ConfigError> errors =
        ConfigText.errors("persistence { data { a { hostpath = /x } }, logs { } }");

    assertThat(errors)
        .extracting(ConfigError::key, ConfigError::hint)
        .contains(
            tuple("persistence.data.a.hostpath", "did you mean persistence.data.a.hostPath?"),
            tuple("persistence.logs", ""));
  }

  @Test
  void names_of_data_outputs_and_mounts_are_one_set() {
    String mount = "mounts { a { path = /z, scope = shared, source = \"s3://bucket/x\" } }\n";
    assertThat(
            ConfigText.errors(mount + "persistence { data { a { hostPath = /x } } }").stream()
                .map(ConfigError::found))
        .containsExactly("a, the name of a mount too");
    assertThat(
            ConfigText.errors(
                    "persistence { data { a { hostPath = /x } }, outputs { a { hostPath = /y } } }")
                .stream()
                .map(ConfigError::found))
        .containsExactly("a, the name of a data volume too");
  }

  @Test
  void existingclaim_is_a_directory_below_claims_dir() throws InvalidConfigException {
    TiermountConfig config =
        ConfigText.parse(
            "persistence { claims_dir = /srv/claims, data { a { existingClaim = \"c d?\" } } }");

    assertThat(((SourceConfig.LocalDirectory) config.mounts().getFirst().source()).directory())
        .isEqualTo(Path.of("/srv/claims/c d?"));
    assertThat(refused("a { existingClaim = \"../x\" }")).hasSize(1);
  }

  @Test
  void readonly_volumes_are_read_only_mounts() throws InvalidConfigException {
    assertThat(data("a { hostPath = /x, readOnly = true }").mounts().getFirst().volume().readOnly())
        .isTrue();
    assertThat(data("a { hostPath = /x }").mounts().getFirst().volume().readOnly()).isFalse();
  }

  @Test
  void c22_a_secret_of_s3_has_keys_token_endpoint_and_region()
      throws InvalidConfigException, IOException {
    // A comma too many, as people's files have it.
    secret(
        "s",
        "k",
        """
        { "AWS_ACCESS_KEY_ID": "AKIA1", "AWS_SECRET_ACCESS_KEY": "hush",
          "AWS_SECURITY_TOKEN": "token", "AWS_ENDPOINT_URL": "http://10.0.0.9:9000",
          "AWS_REGION": "eu-west-3", "AWS_VERIFY_SSL": "1", }
        """);
    TiermountConfig config = withSecret("store = s3, bucket = \"s3://bucket\"");

    SourceConfig.S3 s3 = (SourceConfig.S3) config.mounts().getFirst().source();
    assertThat(s3.options().credentials())
        .isEqualTo(new Credentials.S3Static("AKIA1", "hush", "token"));
    assertThat(s3.options().endpoint()).hasToString("http://10.0.0.9:9000");
    assertThat(s3.options().region()).isEqualTo("eu-west-3");
    assertThat(config.notices()).anyMatch(notice -> notice.endsWith("left aside: AWS_VERIFY_SSL"));
  }

  @Test
  void c22_a_secret_of_azure_has_the_accounts_key_or_a_connection_string() throws IOException {
    String azure = "store = azure, bucket = \"wasbs://container@account.blob.core.windows.net/\"";
    secret("s", "k", "{ \"AZURE_ACCOUNT_NAME\": \"account\", \"AZURE_ACCOUNT_KEY\": \"hush\" }");
    assertThat(secretsErrors(azure)).isEmpty();

    secret("s", "k", "{ \"AZURE_CONNECTION_STRING\": \"hush\" }");
    assertThat(secretsErrors(azure)).isEmpty();

    secret("s", "k", "{ \"AZURE_ACCOUNT_NAME\": \"other\", \"AZURE_ACCOUNT_KEY\": \"hush\" }");
    assertThat(secretsErrors(azure)).containsExactly("AZURE_ACCOUNT_NAME: other");

    secret("s", "k", "{ \"AZURE_ACCOUNT_NAME\": \"account\" }");
    assertThat(secretsErrors(azure)).containsExactly("AZURE_ACCOUNT_KEY: nothing");
  }

  @Test
  void c22_a_secret_of_gcs_is_googles_own_key_file() throws IOException {
    String gcs = "store = gcs, bucket = \"gs://b-b\"";
    secret("s", "k", "{ \"type\": \"service_account\", \"private_key\": \"hush\" }");
    assertThat(secretsErrors(gcs)).isEmpty();

    secret("s", "k", "{ \"AWS_ACCESS_KEY_ID\": \"hush\" }");
    assertThat(secretsErrors(gcs)).containsExactly("type: nothing");
  }

  @Test
  void c22_no_message_about_a_secret_shows_any_of_it() throws IOException {
    for (String broken :
        List.of(
            "{ \"AWS_ACCESS_KEY_ID\": \"hush-a\", \"AWS_SECRET_ACCESS_KEY\": [ \"hush-b\" ] }",
            "{ \"AWS_ACCESS_KEY_ID\": \"hush-a\" \"AWS_SECRET_ACCESS_KEY\": hush-b",
            "hush-a hush-b",
            "{ \"AWS_ACCESS_KEY_ID\": \"hush-a\", \"AWS_SECRET_ACCESS_KEY\": \"\" }")) {
      secret("s", "k", broken);
      assertThat(secretsErrors("store = s3, bucket = \"s3://bucket\""))
          .isNotEmpty()
          .noneMatch(error -> error.contains("hush"));
    }
  }

  @Test
  void c22_a_volume_whose_secret_is_missing_waits_for_it() throws InvalidConfigException {
    TiermountConfig config = withSecret("store = s3, bucket = \"s3://bucket\"");

    Path file = directory.resolve("s/k");
    assertThat(config.mounts()).isEmpty();
    assertThat(config.skipped())
        .containsExactly(
            Map.entry(
                "a",
                "waits for its secret: there is no " + file + "; it is mounted when there is"));
    assertThat(config.volumes().awaited()).containsOnlyKeys("a");
    assertThat(config.volumes().all()).extracting(JobVolume::name).containsExactly("a");
  }

  @Test
  void secret_and_secretkey_go_together_and_are_single_names() {
    assertThat(refused("a { store = s3, bucket = \"s3://bucket\", secret = s }"))
        .containsExactly("persistence.data.a.secretKey: nothing");
    assertThat(refused("a { store = s3, bucket = \"s3://bucket\", secretKey = k }"))
        .containsExactly("persistence.data.a.secret: nothing");
    assertThat(
            refused("a { store = s3, bucket = \"s3://bucket\", secret = \"../s\", secretKey = k }"))
        .containsExactly("persistence.data.a.secret: ../s");
  }

  @Test
  void without_a_secret_the_providers_own_chain_is_asked() throws InvalidConfigException {
    SourceConfig.S3 s3 =
        (SourceConfig.S3)
            data("a { store = s3, bucket = \"s3://bucket\" }").mounts().getFirst().source();
    assertThat(s3.options().credentials()).isEqualTo(new Credentials.Chain());
  }

  @Test
  void the_first_outputs_volume_defined_that_can_be_written_is_the_default()
      throws InvalidConfigException {
    JobVolumes volumes =
        ConfigText.parse(
                """
                persistence {
                  outputs {
                    z { hostPath = /z, readOnly = true }
                    m { hostPath = /m }
                    a { hostPath = /a }
                  }
                  data { y { hostPath = /y }
                    b { hostPath = /b } }
                }
                """)
            .volumes();

    assertThat(volumes.defaultOutputs()).map(JobVolume::name).contains("m");
    assertThat(volumes.defaultData()).extracting(JobVolume::name).containsExactly("y", "b");
    assertThat(JobVolumes.NONE.defaultOutputs()).isEmpty();
  }

  private static TiermountConfig data(String entries) throws InvalidConfigException {
    return ConfigText.parse("persistence { data { " + entries + " } }");
  }

  private static List<String> refused(String entries) {
    return ConfigText.errors("persistence { data { " + entries + " } }").stream()
        .map(error -> error.key() + ": " + error.found())
        .toList();
  }

  private void secret(String secret, String key, String text) throws IOException {
    Files.createDirectories(directory.resolve(secret));
    Files.writeString(directory.resolve(secret).resolve(key), text);
  }

  private TiermountConfig withSecret(String volume) throws InvalidConfigException {
    return ConfigText.parse(
        "persistence { secrets_dir = \""
            + directory
            + "\", data { a { secret = s, secretKey = k, "
            + volume
            + " } } }");
  }

  private List<String> secretsErrors(String volume) {
    try {
      withSecret(volume);
      return List.of();
    } catch (InvalidConfigException e) {
      assertThat(String.valueOf(e.getMessage())).doesNotContain("hush");
      return e.errors().stream().map(error -> error.key() + ": " + error.found()).toList();
    }
  }
}
