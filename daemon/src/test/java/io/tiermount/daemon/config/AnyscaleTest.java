package io.tiermount.daemon.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/**
 * CONFIG.md, section 4: what an Anyscale node's environment means. The other rows: prefix-scoped
 * credentials in PrefixIsolationTest, credentials of a job in RunTest and JobKeysTest, metadata of
 * s3fs in S3MountTest; NFS comes with its store.
 */
final class AnyscaleTest {
  private static final String SCOPES =
      """
      identity { cluster = k9, user = ann }
      mounts {
        local_storage { path = /mnt/local_storage, scope = local }
        cluster_storage { path = /mnt/cluster_storage, scope = cluster }
        user_storage { path = /mnt/user_storage, scope = user }
        shared_storage { path = /mnt/shared_storage, scope = shared }
        artifact_storage { path = /mnt/artifact_storage, scope = shared, source = ${?ANYSCALE_ARTIFACT_STORAGE} }
      }
      """;
  private static final Map<String, String> ANYSCALE =
      Map.of(
          "ANYSCALE_CLOUD_STORAGE_BUCKET", "s3://cloud-bucket",
          "ANYSCALE_CLOUD_STORAGE_BUCKET_REGION", "eu-west-3",
          "ANYSCALE_ARTIFACT_STORAGE", "s3://cloud-bucket/org_1/cld_2/artifact_storage/");

  @Test
  void c24_the_scopes_lie_below_artifact_storage_of_the_environments_bucket()
      throws InvalidConfigException {
    assertThat(prefixes(ConfigText.parse(SCOPES, ANYSCALE)))
        .containsExactlyInAnyOrder(
            "cluster_storage s3://cloud-bucket org_1/cld_2/artifact_storage/clusters/k9/",
            "user_storage s3://cloud-bucket org_1/cld_2/artifact_storage/users/ann/",
            "shared_storage s3://cloud-bucket org_1/cld_2/artifact_storage/shared/",
            "artifact_storage s3://cloud-bucket/org_1/cld_2/artifact_storage/"
                + " org_1/cld_2/artifact_storage/",
            "local_storage file:///var/lib/tiermount/local_storage ");
  }

  @Test
  void c24_the_buckets_region_is_the_environments() throws InvalidConfigException {
    TiermountConfig config =
        ConfigText.parse(
            SCOPES
                + """
                mounts.other { path = /mnt/other, scope = shared, source = "s3://other/x" }
                mounts.user_storage.region = us-west-2
                """,
            ANYSCALE);

    assertThat(config.mounts())
        .filteredOn(mount -> mount.source() instanceof SourceConfig.S3)
        .extracting(
            mount -> mount.name() + " " + ((SourceConfig.S3) mount.source()).options().region())
        .containsExactlyInAnyOrder(
            "cluster_storage eu-west-3",
            "shared_storage eu-west-3",
            "artifact_storage eu-west-3",
            "user_storage us-west-2",
            "other null");
  }

  @Test
  void c24_a_bucket_is_also_understood_by_its_name_and_from_the_artifacts_alone()
      throws InvalidConfigException {
    assertThat(
            prefixes(
                ConfigText.parse(SCOPES, with("ANYSCALE_CLOUD_STORAGE_BUCKET", "cloud-bucket"))))
        .contains("shared_storage s3://cloud-bucket org_1/cld_2/artifact_storage/shared/");
    Map<String, String> artifacts = new HashMap<>(ANYSCALE);
    artifacts.remove("ANYSCALE_CLOUD_STORAGE_BUCKET");
    assertThat(prefixes(ConfigText.parse(SCOPES, artifacts)))
        .contains("shared_storage s3://cloud-bucket org_1/cld_2/artifact_storage/shared/");
    artifacts.put("ANYSCALE_ARTIFACT_STORAGE", "gs://g-bucket/org_1/cld_2/artifact_storage");
    assertThat(prefixes(ConfigText.parse(SCOPES, artifacts)))
        .contains("shared_storage gs://g-bucket org_1/cld_2/artifact_storage/shared/");
  }

  @Test
  void c24_what_is_written_wins_over_the_environment() throws InvalidConfigException {
    TiermountConfig config =
        ConfigText.parse(
            SCOPES
                + """
                identity { org = acme, cloud = c1 }
                mounts.shared_storage.source = "s3://mine"
                mounts.local_storage.source = "file:///scratch"
                """,
            ANYSCALE);

    assertThat(prefixes(config))
        .contains("shared_storage s3://mine acme/c1/shared/", "local_storage file:///scratch ")
        // Not below artifact_storage: the identity is no longer Anyscale's.
        .contains("user_storage s3://cloud-bucket acme/c1/users/ann/");
    Map<String, String> own = new HashMap<>(ANYSCALE);
    own.put("TIERMOUNT_ORG", "acme");
    assertThat(ConfigText.parse(SCOPES, own).identity().org()).isEqualTo("acme");
    assertThat(ConfigText.parse(SCOPES, own).identity().cloud()).isEqualTo("cld_2");
  }

  @Test
  void c24_without_the_environment_a_source_is_required() {
    assertThat(ConfigText.errors(SCOPES))
        .extracting(ConfigError::key)
        .contains(
            "mounts.cluster_storage.source",
            "mounts.user_storage.source",
            "mounts.shared_storage.source")
        .doesNotContain("mounts.local_storage.source");
  }

  @Test
  void c24_a_wrong_variable_is_an_error_that_names_it() {
    assertThat(ConfigText.errors(SCOPES, with("ANYSCALE_CLOUD_STORAGE_BUCKET", "s3://b-b/path")))
        .anySatisfy(error -> {
          assertThat(error.file()).isEqualTo("environment ANYSCALE_CLOUD_STORAGE_BUCKET");
          assertThat(error.found()).isEqualTo("s3://b-b/path");
        });
    assertThat(ConfigText.errors(SCOPES, with("ANYSCALE_ARTIFACT_STORAGE", "somewhere")))
        .anySatisfy(
            error -> assertThat(error.file()).isEqualTo("environment ANYSCALE_ARTIFACT_STORAGE"));
  }

  @Test
  void c25_local_storage_lies_on_nvme_or_with_a_warning_on_the_root_disk()
      throws InvalidConfigException {
    String local = "mounts { local_storage { path = /mnt/local_storage, scope = local } }";
    TiermountConfig without = ConfigText.parse(local);
    assertThat(prefixes(without))
        .containsExactly("local_storage file:///var/lib/tiermount/local_storage ");
    assertThat(without.notices())
        .anyMatch(notice ->
            notice.startsWith("warning: local_storage lies on the root disk")
                && notice.contains("prepare-nvme"));

    NodeFacts nvme = new FixedNode(false, Optional.of(Path.of("/mnt/nvme/tiermount")));
    TiermountConfig with = ConfigText.parse(local, Map.of(), nvme);
    assertThat(prefixes(with)).containsExactly("local_storage file:///mnt/nvme/local_storage ");
    assertThat(with.notices()).noneMatch(notice -> notice.startsWith("warning"));
  }

  private static Map<String, String> with(String name, String value) {
    Map<String, String> environment = new HashMap<>(ANYSCALE);
    environment.put(name, value);
    return environment;
  }

  private static List<String> prefixes(TiermountConfig config) {
    return config.mounts().stream()
        .map(mount -> mount.name() + " " + mount.source().url() + " " + mount.volume().prefix())
        .toList();
  }
}
