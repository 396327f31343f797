package io.tiermount.daemon.config;

import static org.assertj.core.api.Assertions.assertThat;

import io.tiermount.backends.Credentials;
import io.tiermount.backends.os.Accounts;
import io.tiermount.fs.cache.CacheOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** CONFIG.md, section 1: identity, cache, credentials and the kinds of values. */
final class NodeRulesTest {
  @Test
  void an_empty_configuration_has_the_documented_defaults() throws InvalidConfigException {
    TiermountConfig config = ConfigText.parse("");

    assertThat(config.identity()).isEqualTo(new Identity(null, null, null, null, "node-7"));
    assertThat(config.cache())
        .isEqualTo(
            new CacheOptions(
                List.of(
                    new CacheOptions.Directory(Path.of("/var/cache/tiermount"), Long.MAX_VALUE)),
                2L << 30,
                5,
                Long.MAX_VALUE,
                4 << 20,
                CacheOptions.Verify.ON_OPEN));
    assertThat(config.memoryMaxBytes()).isEqualTo(512L << 20);
    assertThat(config.mounts()).isEmpty();
  }

  @Test
  void the_cache_lies_on_nvme_where_there_is_some() throws InvalidConfigException {
    NodeFacts node = new FixedNode(false, Optional.of(Path.of("/mnt/nvme/tiermount")));

    assertThat(ConfigText.parse("", Map.of(), node).cache().directories())
        .containsExactly(
            new CacheOptions.Directory(Path.of("/mnt/nvme/tiermount"), Long.MAX_VALUE));
  }

  @Test
  void several_cache_directories_have_their_own_ceilings() throws InvalidConfigException {
    CacheOptions cache =
        ConfigText.parse(
                """
                storage.cache {
                  dirs = [ { path = /nvme0/c, max_used_bytes = 500G }, { path = "~/c" } ]
                  block_size = 64K
                  verify = scrub
                  size { min_free_bytes = -1, cleanup_margin_percent = 0.05, max_file_bytes = 1.5T }
                }
                """,
                Map.of("HOME", "/root"))
            .cache();

    assertThat(cache)
        .isEqualTo(
            new CacheOptions(
                List.of(
                    new CacheOptions.Directory(Path.of("/nvme0/c"), 500L << 30),
                    new CacheOptions.Directory(Path.of("/root/c"), Long.MAX_VALUE)),
                0,
                5,
                (3L << 40) / 2,
                64 << 10,
                CacheOptions.Verify.SCRUB));
  }

  @ParameterizedTest
  @CsvSource({
    "30G, 32212254720",
    "30GiB, 32212254720",
    "30Gi, 32212254720",
    "30GB, 30000000000",
    "512m, 536870912",
    "'1.5 T', 1649267441664",
    "100000K, 102400000",
    "67108864B, 67108864",
  })
  void a_size_is_binary_where_its_unit_says_so_or_has_no_b(String text, long bytes)
      throws InvalidConfigException {
    assertThat(ConfigText.parse("memory.max = \"" + text + "\"").memoryMaxBytes()).isEqualTo(bytes);
  }

  @ParameterizedTest
  @CsvSource({"5, 5", "'\"5%\"', 5", "0.05, 5", "'\"1%\"', 1", "99, 99", "0, 0", "0.49, 49"})
  void a_percentage_is_written_in_three_ways(String text, int percent)
      throws InvalidConfigException {
    assertThat(
            ConfigText.parse("storage.cache.size.cleanup_margin_percent = " + text)
                .cache()
                .cleanupMarginPercent())
        .isEqualTo(percent);
  }

  @ParameterizedTest
  @CsvSource({"0.5", "0.75", "1", "1.0", "100", "-1", "'\"101%\"'", "2.5"})
  void an_ambiguous_or_impossible_percentage_is_refused(String text) {
    assertThat(ConfigText.errors("storage.cache.size.cleanup_margin_percent = " + text)).hasSize(1);
  }

  @Test
  void identity_comes_from_the_file_before_the_environment() throws InvalidConfigException {
    Map<String, String> environment =
        Map.of("TIERMOUNT_ORG", "env", "TIERMOUNT_CLOUD", "cloud", "HOSTNAME", "h");
    Identity identity =
        ConfigText.parse("identity { org = file, node = ${?HOSTNAME} }", environment).identity();

    assertThat(identity).isEqualTo(new Identity("file", "cloud", null, null, "h"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "access_key = 123, secret_key = \"s\" | S3Static[…123]",
        "access_key = AKIA1234, secret_key = s, session_token = t | S3Static[…1234]",
        "profile = dev | S3Profile[name=dev]",
        "web_identity = true | S3WebIdentity[]",
        "web_identity = false, chain = true | Chain[]",
        "process = [\"/bin/keys\", \"a\"] | S3Process[/bin/keys]",
        "anonymous = true | Anonymous[]",
      })
  void s3_credentials_have_these_ways_in(String body, String credentials)
      throws InvalidConfigException {
    TiermountConfig config =
        ConfigText.parse(
            "credentials.c { type = s3, "
                + body
                + " }\nmounts.a { path = /mnt/a, scope = shared, source = \"s3://bucket/a\","
                + " credentials = c }");

    MountConfig mount = config.mounts().getFirst();
    assertThat(((SourceConfig.S3) mount.source()).options().credentials()).hasToString(credentials);
    assertThat(mount.credentials()).isEqualTo("c");
  }

  @Test
  void keys_are_taken_as_they_stand() throws InvalidConfigException {
    TiermountConfig config =
        ConfigText.parse(
            """
            credentials.c { type = s3, access_key = 0123, secret_key = "a/b+c=", session_token = 7 }
            mounts.a { path = /mnt/a, scope = shared, source = "s3://bucket/a", credentials = c }
            """);

    SourceConfig.S3 source = (SourceConfig.S3) config.mounts().getFirst().source();
    assertThat(source.options().credentials())
        .isEqualTo(new Credentials.S3Static("0123", "a/b+c=", "7"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "gcs | key_file = /etc/gcp.json | gs://bucket/a",
        "gcs | chain = true | gs://bucket/a",
        "azure | account_key = k | azure://account/container/a",
        "azure | connection_string = \"a=b\" | azure://account/container/a",
        "azure | sas_token = \"sv=1\" | azure://account/container/a",
        "azure | managed_identity = true | azure://account/container/a",
      })
  void credentials_of_the_other_stores_are_checked_already(String type, String body, String source)
      throws InvalidConfigException {
    String text =
        "credentials.c { type = %s, %s }\nmounts.a { path = /mnt/a, scope = shared, source = \"%s\", credentials = c }";

    assertThat(ConfigText.parse(text.formatted(type, body, source)).mounts()).hasSize(1);
    assertThat(ConfigText.errors(text.formatted(type, body, "s3://bucket/a"))).hasSize(1);
  }

  @Test
  void substitution_never_looks_at_the_process_s_own_environment() throws InvalidConfigException {
    assertThat(System.getenv("PATH")).isNotNull();

    assertThat(ConfigText.parse("identity.org = ${?PATH}").identity().org()).isNull();
    assertThat(ConfigText.errors("identity.org = ${PATH}"))
        .extracting(ConfigError::found)
        .containsExactly("${PATH} is not defined");
  }

  @Test
  void this_node_counts_those_who_can_log_in_and_finds_nvme(@TempDir Path root) throws IOException {
    ThisNode node = new ThisNode(root, Accounts::new);
    Files.createDirectories(root.resolve("etc"));
    Files.createDirectories(root.resolve("proc/self"));
    String one =
        """
        root:x:0:0::/root:/bin/bash
        ann:x:1000:1000::/home/ann:/bin/bash
        svc:x:1001:1001::/:/usr/sbin/nologin
        """;
    Files.writeString(root.resolve("etc/passwd"), one);
    assertThat(node.severalUsers()).isFalse();
    Files.writeString(root.resolve("etc/passwd"), one + "bob:x:1002:1002::/home/bob:/bin/sh\n");
    assertThat(node.severalUsers()).isTrue();

    assertThat(node.nvmeDirectory()).isEmpty();
    Files.writeString(
        root.resolve("proc/self/mounts"),
        """
        /dev/nvme0n1p1 / ext4 rw 0 0
        /dev/nvme1n1 /mnt/nvme xfs rw 0 0
        """);
    assertThat(node.nvmeDirectory()).contains(Path.of("/mnt/nvme/tiermount"));
  }
}
