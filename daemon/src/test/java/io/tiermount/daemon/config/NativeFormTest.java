package io.tiermount.daemon.config;

import static org.assertj.core.api.Assertions.assertThat;

import io.tiermount.backends.Credentials;
import io.tiermount.fs.cache.CacheOptions;
import io.tiermount.fs.scope.ScopeKind;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** CONFIG.md, section 1: the native form as it is printed there. */
final class NativeFormTest {
  private static final String REFERENCE =
      """
      identity {
        org     = ${?TIERMOUNT_ORG}
        cloud   = ${?TIERMOUNT_CLOUD}
        cluster = ${?TIERMOUNT_CLUSTER}
        user    = ${?TIERMOUNT_USER}
        node    = ${?HOSTNAME}
      }
      storage.cache {
        default_base_dir = "/mnt/nvme/tiermount"
        size { max_used_bytes = 500G, min_free_bytes = 20G, cleanup_margin_percent = 5 }
        block_size = 4M
        verify = on_open
      }
      credentials {
        minio { type = s3, access_key = ${?MINIO_KEY}, secret_key = ${?MINIO_SECRET} }
        vault { type = s3, process = ["/usr/local/bin/get-keys", "bucket-a"] }
        gcp   { type = gcs, key_file = /etc/tiermount/gcp.json }
        az    { type = azure, account_key = ${?AZURE_KEY} }
      }
      fuse   { transport = auto, passthrough = on, open = normal }
      memory { max = 512M }
      mounts {
        local_storage    { path = /mnt/local_storage,    scope = local,   source = "file:///mnt/nvme/scratch" }
        cluster_storage  { path = /mnt/cluster_storage,  scope = cluster, source = "nfs://10.0.0.5/export" }
        user_storage     { path = /mnt/user_storage,     scope = user,    source = "s3://bucket" }
        shared_storage   { path = /mnt/shared_storage,   scope = shared,  source = "gs://bucket" }
        artifact_storage { path = /mnt/artifact_storage, scope = shared,  source = ${?ANYSCALE_ARTIFACT_STORAGE} }
        models           { path = /mnt/models, scope = shared, source = "s3://models/v1", endpoint = "http://10.0.0.9:9000", region = us-east-1, path_style = true, credentials = minio }
        datasets         { path = /mnt/datasets, scope = shared, read_only = true, source = "azure://account/container/prefix" }
      }
      """;

  private static final Map<String, String> ENVIRONMENT =
      Map.of(
          "TIERMOUNT_ORG", "acme",
          "TIERMOUNT_CLOUD", "c1",
          "TIERMOUNT_CLUSTER", "k9",
          "TIERMOUNT_USER", "ann",
          "HOSTNAME", "host-1",
          "MINIO_KEY", "AKIAEXAMPLE",
          "MINIO_SECRET", "hush");

  @Test
  void the_reference_of_the_native_form_is_read_as_it_stands() throws InvalidConfigException {
    TiermountConfig config = ConfigText.parse(REFERENCE, ENVIRONMENT);

    assertThat(config.identity()).isEqualTo(new Identity("acme", "c1", "k9", "ann", "host-1"));
    assertThat(config.cache())
        .isEqualTo(
            new CacheOptions(
                List.of(new CacheOptions.Directory(Path.of("/mnt/nvme/tiermount"), 500L << 30)),
                20L << 30,
                5,
                Long.MAX_VALUE,
                4 << 20,
                CacheOptions.Verify.ON_OPEN));
    assertThat(config.memoryMaxBytes()).isEqualTo(512L << 20);
    assertThat(config.mounts())
        .extracting(mount -> mount.name() + " " + mount.scope() + " " + mount.volume().prefix())
        .containsExactly(
            "cluster_storage CLUSTER acme/c1/clusters/k9/",
            "datasets SHARED prefix/",
            "local_storage LOCAL ",
            "models SHARED v1/",
            "shared_storage SHARED acme/c1/shared/",
            "user_storage USER acme/c1/users/ann/");
    assertThat(config.skipped())
        .containsOnly(
            Map.entry(
                "artifact_storage",
                "its source is undefined: ${ANYSCALE_ARTIFACT_STORAGE} is not set"));
    MountConfig models = config.mounts().get(3);
    assertThat(models.path()).isEqualTo(Path.of("/mnt/models"));
    assertThat(models.scope()).isEqualTo(ScopeKind.SHARED);
    assertThat(models.volume().attrTtl()).isEqualTo(Duration.ofSeconds(1));
    assertThat(models.source()).isInstanceOf(SourceConfig.S3.class);
    SourceConfig.S3 s3 = (SourceConfig.S3) models.source();
    assertThat(s3.options().credentials())
        .isEqualTo(new Credentials.S3Static("AKIAEXAMPLE", "hush", null));
    assertThat(s3.options().endpoint()).hasToString("http://10.0.0.9:9000");
  }
}
