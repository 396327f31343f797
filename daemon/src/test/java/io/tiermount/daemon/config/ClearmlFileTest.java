package io.tiermount.daemon.config;

import static org.assertj.core.api.Assertions.assertThat;

import io.tiermount.backends.Credentials;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * CONFIG.md, section 2, one class a row: the file as a whole, the cache, Azure, Google (SEMANTICS
 * C7, C14, C15).
 */
final class ClearmlFileTest {
  private static final String MOUNT =
      "\nmounts.a { path = /mnt/a, scope = local, source = \"s3://bucket/x\" }";

  @Nested
  class PastedWhole {
    private static final String SECTIONS =
        """
        aws { s3 { key: "K", secret: "S", region: "", extra_args: {}, credentials: [] }
              boto3 { pool_connections: 77, multipart_threshold: 8388608 } }
        storage { cache { default_base_dir: "/c", zero_file_size_check: false }
                  block_pickled_artifacts: false, http.legacy_fileservers: [] }
        metrics { file_history_size: 100 }
        network { file_upload_retries: 3 }
        log { null_log_propagate: false }
        development { worker { log_stdout: True } }
        """;
    private static final String BESIDE =
        """
        api { web_server: "https://app", credentials { access_key: "hush", secret_key: "hush" }
              verify_certificate: False }
        agent { git_user: "hush", reload_config: True, worker_id: "" }
        environment { A: 1 }
        """;

    private static void isUnderstood(String conf) throws InvalidConfigException {
      TiermountConfig config = ConfigText.parse(conf + MOUNT);
      SourceConfig.S3 s3 = (SourceConfig.S3) config.mounts().getFirst().source();
      assertThat(s3.options().credentials()).isEqualTo(new Credentials.S3Static("K", "S", null));
      assertThat(s3.options().maxConnections()).isEqualTo(77);
      assertThat(s3.options().verifyTls()).isFalse();
      assertThat(config.node().reload()).isTrue();
      assertThat(config.cache().directories().getFirst().path()).isEqualTo(Path.of("/c"));
      assertThat(config.notices())
          .filteredOn(notice -> notice.startsWith("left aside"))
          .singleElement()
          .asString()
          .contains("agent", "api", "development", "log", "metrics", "environment")
          .contains("aws.s3.extra_args", "storage.http")
          .doesNotContain("hush");
      assertThat(config.toString()).doesNotContain("hush");
    }

    @Test
    void c7_with_the_sdk_root_or_without_it_is_the_same() throws InvalidConfigException {
      isUnderstood("sdk {\n" + SECTIONS + "}\n" + BESIDE);
      isUnderstood(SECTIONS + BESIDE);
    }

    @Test
    void c7_its_own_substitutions_find_their_targets_below_sdk() throws InvalidConfigException {
      TiermountConfig config =
          ConfigText.parse(
              """
              sdk { log.dir = "/c/x", storage.cache.default_base_dir = ${sdk.log.dir} }
              """);

      assertThat(config.cache().directories().getFirst().path()).isEqualTo(Path.of("/c/x"));
    }

    @Test
    void c7_the_environment_overrides_below_sdk_too() throws InvalidConfigException {
      TiermountConfig config =
          ConfigText.parse(
              "sdk.storage.cache.default_base_dir = /c",
              Map.of("TIERMOUNT__SDK__STORAGE__CACHE__DEFAULT_BASE_DIR", "/e"));

      assertThat(config.cache().directories().getFirst().path()).isEqualTo(Path.of("/e"));
    }

    @Test
    void agent_reload_config_is_off_by_default() throws InvalidConfigException {
      assertThat(ConfigText.parse("").node().reload()).isFalse();
      assertThat(ConfigText.parse("agent.reload_config = true").node().reload()).isTrue();
    }
  }

  @Nested
  class StorageCacheDefaultBaseDir {
    private static Path base(String conf, Map<String, String> environment)
        throws InvalidConfigException {
      return ConfigText.parse(conf, environment).cache().directories().getFirst().path();
    }

    @Test
    void c15_home_and_variables_are_expanded() throws InvalidConfigException {
      Map<String, String> environment = Map.of("HOME", "/home/ann", "DISK", "/nvme0");

      assertThat(base("storage.cache.default_base_dir = \"~/c\"", environment))
          .isEqualTo(Path.of("/home/ann/c"));
      assertThat(base("storage.cache.default_base_dir = \"$DISK/c\"", environment))
          .isEqualTo(Path.of("/nvme0/c"));
      assertThat(base("storage.cache.default_base_dir = \"/x/${DISK}/c\"", environment))
          .isEqualTo(Path.of("/x/nvme0/c"));
    }

    @Test
    void c15_clearml_cache_dir_wins_and_is_expanded_too() throws InvalidConfigException {
      Map<String, String> environment =
          Map.of("HOME", "/home/ann", "CLEARML_CACHE_DIR", "~/$SUB", "SUB", "s");

      assertThat(base("storage.cache.default_base_dir = /c", environment))
          .isEqualTo(Path.of("/home/ann/s"));
      assertThat(ConfigText.parse("", environment).notices())
          .anySatisfy(notice -> assertThat(notice).contains("CLEARML_CACHE_DIR"));
    }

    @Test
    void c15_our_own_variable_wins_over_it() throws InvalidConfigException {
      assertThat(
              base(
                  "storage.cache.default_base_dir = /c",
                  Map.of(
                      "CLEARML_CACHE_DIR", "/theirs",
                      "TIERMOUNT__STORAGE__CACHE__DEFAULT_BASE_DIR", "/ours")))
          .isEqualTo(Path.of("/ours"));
    }

    @Test
    void c15_without_one_it_is_the_nvme_else_var_cache() throws InvalidConfigException {
      assertThat(base("", Map.of())).isEqualTo(Path.of("/var/cache/tiermount"));
      assertThat(
              ConfigText.parse(
                      "", Map.of(), new FixedNode(false, java.util.Optional.of(Path.of("/nvme/t"))))
                  .cache()
                  .directories()
                  .getFirst()
                  .path())
          .isEqualTo(Path.of("/nvme/t"));
    }
  }

  @Nested
  class StorageCacheSize {
    @ParameterizedTest
    @CsvSource({
      "30, 32212254720",
      "0.5, 536870912",
      "9999, 10736344498176",
      "1000000, 1000000",
      "\"2\", 2147483648",
      "30G, 32212254720",
      "30GiB, 32212254720",
      "30GB, 30000000000",
      "512m, 536870912",
      "0, 9223372036854775807",
      "-1, 9223372036854775807",
    })
    void c15_a_bare_number_is_gigabytes_or_bytes_in_a_pasted_file(String written, long bytes)
        throws InvalidConfigException {
      assertThat(
              ConfigText.parse("sdk.storage.cache.size.max_used_bytes = " + written)
                  .cache()
                  .directories()
                  .getFirst()
                  .maxUsedBytes())
          .isEqualTo(bytes);
    }

    @Test
    void c15_a_notice_shows_what_was_understood() throws InvalidConfigException {
      assertThat(ConfigText.parse("sdk.storage.cache.size.min_free_bytes = 30").notices())
          .singleElement()
          .asString()
          .contains(":1: storage.cache.size.min_free_bytes = 30 is read as 30 GiB");
    }

    @Test
    void c15_sections_of_clearml_beside_it_make_a_file_a_pasted_one()
        throws InvalidConfigException {
      assertThat(
              ConfigText.parse("storage.cache.size.min_free_bytes = 3\nnetwork {}")
                  .cache()
                  .minFreeBytes())
          .isEqualTo(3L << 30);
      assertThat(ConfigText.errors("storage.cache.size.min_free_bytes = 3")).hasSize(1);
    }

    @ParameterizedTest
    @CsvSource({"5, 5", "\"5%\", 5", "0.05, 5", "10%, 10", "0.49, 49", "0, 0", "99, 99"})
    void c15_margins(String written, int percent) throws InvalidConfigException {
      assertThat(
              ConfigText.parse("sdk.storage.cache.size.cleanup_margin_percent = " + written)
                  .cache()
                  .cleanupMarginPercent())
          .isEqualTo(percent);
    }

    @Test
    void c15_the_sizes_of_today_s_clearml_count_where_the_old_ones_are_absent()
        throws InvalidConfigException {
      assertThat(
              ConfigText.parse(
                      "sdk.storage.cache.disk_space_file_size_strategy.size.min_free_bytes = 10GB")
                  .cache()
                  .minFreeBytes())
          .isEqualTo(10_000_000_000L);
    }
  }

  @Nested
  class AzureStorageContainers {
    private static final String CONF =
        """
        azure.storage.containers = [
          { account_name = acme, account_key = whole }
          { account_name = acme, account_key = data, container_name = data }
          { account_name = machine, use_default_credential = true }
        ]
        """;

    private static StoreRule rule(String source) throws BadValueException {
      SourceUrl url = SourceUrl.parse(source);
      return new OtherRules(root(CONF), Map.of())
          .forContainer(url.bucket(), url.prefix())
          .orElseThrow();
    }

    @Test
    void c14_a_container_s_own_entry_beats_its_account_s() throws BadValueException {
      assertThat(rule("azure://acme/data/x").path()).isEqualTo("azure.storage.containers[1]");
      assertThat(rule("wasbs://data@acme.blob.core.windows.net/x").path())
          .isEqualTo("azure.storage.containers[1]");
      assertThat(rule("azure://acme/data2/x").path()).isEqualTo("azure.storage.containers[0]");
      assertThat(rule("azure://machine/any").credentials())
          .isEqualTo(new Credentials.Azure(null, null, null, true));
    }
  }

  @Nested
  class GoogleStorage {
    private static final String CONF =
        """
        google.storage {
          project = acme, credentials_json = /etc/default.json
          credentials = [
            { bucket = models, credentials_json = /etc/models.json }
            { bucket = models, subdir = "train/A", credentials_json = /etc/train.json, project = p }
          ]
        }
        """;

    private static Path file(String source) throws BadValueException {
      SourceUrl url = SourceUrl.parse(source);
      Credentials credentials =
          new OtherRules(root(CONF), Map.of())
              .forGoogle(url.bucket(), url.prefix())
              .orElseThrow()
              .credentials();
      return ((Credentials.GcsKeyFile) java.util.Objects.requireNonNull(credentials)).path();
    }

    @Test
    void c14_default_then_bucket_then_the_longest_sub_directory() throws BadValueException {
      assertThat(file("gs://other/x")).isEqualTo(Path.of("/etc/default.json"));
      assertThat(file("gs://models2/x")).isEqualTo(Path.of("/etc/default.json"));
      assertThat(file("gs://models/training")).isEqualTo(Path.of("/etc/models.json"));
      assertThat(file("gs://models/train/A/x")).isEqualTo(Path.of("/etc/train.json"));
      assertThat(file("gs://models/train/AB")).isEqualTo(Path.of("/etc/models.json"));
    }
  }

  private static KeyReader root(String conf) {
    HoconDocument document = new HoconDocument();
    Problems problems = new Problems();
    java.util.List<HoconDocument.Setting> settings = new java.util.ArrayList<>();
    com.typesafe.config.ConfigFactory.parseString(conf)
        .root()
        .forEach((key, value) ->
            settings.add(new HoconDocument.Setting(java.util.List.of(key), value, "test")));
    Node.Section tree =
        java.util.Objects.requireNonNull(
            HoconResolver.resolve(document.with(settings), Map.of(), problems));
    assertThat(problems.isEmpty()).isTrue();
    return KeyReader.root(tree, problems);
  }
}
