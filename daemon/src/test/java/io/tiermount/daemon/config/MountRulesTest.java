package io.tiermount.daemon.config;

import static org.assertj.core.api.Assertions.assertThat;

import io.tiermount.backends.Credentials;
import io.tiermount.backends.s3.PutOptions;
import io.tiermount.backends.s3.S3Options;
import io.tiermount.fs.cache.MountCacheOptions;
import io.tiermount.fs.fuse.FuseOptions;
import io.tiermount.fs.scope.AccessOptions;
import io.tiermount.fs.scope.AccessOptions.Root;
import io.tiermount.fs.scope.Principal;
import io.tiermount.fs.scope.QuotaOptions;
import io.tiermount.fs.volume.VolumeOptions;
import io.tiermount.fs.write.WriteOptions;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** CONFIG.md, section 1: every key and rule of a mount, with the value that it gives. */
final class MountRulesTest {
  private static final String PLAIN =
      "path = /mnt/data, scope = shared, source = \"s3://bucket/x\"\n";
  private static final Map<String, String> IDENTITY =
      Map.of(
          "TIERMOUNT_ORG", "acme",
          "TIERMOUNT_CLOUD", "c1",
          "TIERMOUNT_CLUSTER", "k9",
          "TIERMOUNT_USER", "ann");

  private static MountConfig with(String body) throws InvalidConfigException {
    return ConfigText.mount(PLAIN + body, IDENTITY);
  }

  private static S3Options s3(MountConfig mount) {
    return ((SourceConfig.S3) mount.source()).options();
  }

  @Test
  void a_mount_that_says_nothing_more_has_the_documented_defaults() throws InvalidConfigException {
    MountConfig mount = with("");

    assertThat(mount.volume())
        .isEqualTo(
            new VolumeOptions(
                "x/",
                false,
                VolumeOptions.AttributeMode.FULL,
                77,
                78,
                0644,
                0755,
                Duration.ofSeconds(1),
                Duration.ofSeconds(1),
                Duration.ZERO,
                VolumeOptions.Revalidate.TTL));
    assertThat(mount.fuse())
        .isEqualTo(new FuseOptions(FuseOptions.Transport.AUTO, true, FuseOptions.Open.NORMAL));
    assertThat(mount.write()).isEqualTo(WriteOptions.DEFAULTS);
    assertThat(mount.cache()).isEqualTo(MountCacheOptions.DEFAULTS);
    assertThat(mount.quota()).isEqualTo(QuotaOptions.DEFAULTS);
    assertThat(mount.access())
        .isEqualTo(
            new AccessOptions(
                List.of(), List.of(), Map.of(), Map.of(), 0, false, new Root(01777, 01777, false)));
    assertThat(mount.credentials()).isNull();
    S3Options s3 = s3(mount);
    assertThat(s3.bucket()).isEqualTo("bucket");
    assertThat(s3.endpoint()).isNull();
    assertThat(s3.region()).isNull();
    assertThat(s3.pathStyle()).isFalse();
    assertThat(s3.credentials()).isEqualTo(new Credentials.Chain());
    assertThat(s3.verifyTls()).isTrue();
    assertThat(s3.caBundle()).isNull();
    assertThat(s3.put()).isEqualTo(PutOptions.DEFAULTS);
  }

  @Test
  void a_read_only_mount_keeps_attributes_for_a_minute() throws InvalidConfigException {
    VolumeOptions volume = with("read_only = true").volume();

    assertThat(volume.readOnly()).isTrue();
    assertThat(volume.attrTtl()).isEqualTo(Duration.ofSeconds(60));
    assertThat(volume.entryTtl()).isEqualTo(Duration.ofSeconds(60));
    assertThat(volume.negativeTtl()).isEqualTo(Duration.ZERO);
  }

  @Test
  void consistency_is_set_key_by_key() throws InvalidConfigException {
    VolumeOptions volume =
        with("consistency { attr_ttl = 60 s, entry_ttl = 500ms, negative_ttl = 2m,"
                + " revalidate_on_open = always }")
            .volume();

    assertThat(volume.attrTtl()).isEqualTo(Duration.ofSeconds(60));
    assertThat(volume.entryTtl()).isEqualTo(Duration.ofMillis(500));
    assertThat(volume.negativeTtl()).isEqualTo(Duration.ofMinutes(2));
    assertThat(volume.revalidateOnOpen()).isEqualTo(VolumeOptions.Revalidate.ALWAYS);
  }

  @Test
  void permissions_are_names_or_numbers_and_modes_are_octal() throws InvalidConfigException {
    MountConfig mount =
        with(
            """
            permissions {
              owner = alice, group = "2001", file_mode = 0660, dir_mode = "2770", umask = 027
              uid_map { 1000 = bob, 5 = 6 }, gid_map { 7 = ml }
              allow = [alice, 1002, "@ml", "@9", "*"], deny = [bob], root_squash = true
            }
            """);

    assertThat(mount.volume().owner()).isEqualTo(1001);
    assertThat(mount.volume().group()).isEqualTo(2001);
    assertThat(mount.volume().fileMode()).isEqualTo(0640);
    assertThat(mount.volume().dirMode()).isEqualTo(02750);
    assertThat(mount.access())
        .isEqualTo(
            new AccessOptions(
                List.of(
                    new Principal.User(1001),
                    new Principal.User(1002),
                    new Principal.Group(2001),
                    new Principal.Group(9),
                    new Principal.Everyone()),
                List.of(new Principal.User(1002)),
                Map.of(1000, 1002, 5, 6),
                Map.of(7, 2001),
                027,
                true,
                new Root(02750, 02750, false)));
  }

  @ParameterizedTest
  @CsvSource({"local, 0755, 0755", "cluster, 1777, 1777", "user, 0700, 1777", "shared, 1777, 1777"})
  void a_scope_s_own_directory_is_made_with_the_scope_s_mode(
      String scope, String mode, String shown) throws InvalidConfigException {
    MountConfig mount =
        ConfigText.mount("path = /mnt/a, scope = " + scope + ", source = \"s3://bucket/x\"");

    // On a node of one user every uid may enter.
    assertThat(mount.access().root())
        .isEqualTo(new Root(Integer.parseInt(shown, 8), Integer.parseInt(mode, 8), false));
  }

  @Test
  void s3_a_user_scope_of_several_people_lets_in_those_of_its_list_or_map()
      throws InvalidConfigException {
    FixedNode several = new FixedNode(true, Optional.empty());
    String user = "path = /mnt/a, scope = user, source = \"s3://bucket/x\"\n";

    assertThat(ConfigText.errors("mounts { a { " + user + " } }", IDENTITY, several))
        .extracting(ConfigError::key)
        .containsExactly("mounts.a.permissions.allow");
    String listed = "mounts { a { " + user + " permissions.allow = [1000] } }";
    assertThat(access(listed, several).allow()).containsExactly(new Principal.User(1000));
    assertThat(access(listed, several).root()).isEqualTo(new Root(0700, 0700, false));
    String mapped = "mounts { a { " + user + " permissions.uid_map { 7 = bob, 5 = 6 } } }";
    assertThat(access(mapped, several).allow())
        .containsExactlyInAnyOrder(new Principal.User(1002), new Principal.User(6));
    assertThat(access(mapped, new FixedNode()).allow()).as("a node of one user").isEmpty();
    assertThat(access("mounts { a { " + user + " permissions.allow = [\"*\"] } }", several).allow())
        .containsExactly(new Principal.Everyone());
  }

  private static AccessOptions access(String text, FixedNode node) throws InvalidConfigException {
    return ConfigText.parse(text, IDENTITY, node).mounts().getFirst().access();
  }

  @Test
  void write_cache_and_quota_options_are_kept_for_their_modules() throws InvalidConfigException {
    MountConfig mount =
        with(
            """
            write { durability = local, max_dirty_age = 1h, upload_threads = 16, sync_on_close = true }
            cache { quota = 10G, priority = 80, pin = ["llama/**"] }
            quota { max_bytes = 2TB, max_objects = 1000, warn_percent = "80%" }
            """);

    assertThat(mount.write())
        .isEqualTo(new WriteOptions(WriteOptions.Durability.LOCAL, Duration.ofHours(1), 16, true));
    assertThat(mount.cache()).isEqualTo(new MountCacheOptions(10L << 30, 80, List.of("llama/**")));
    assertThat(mount.quota()).isEqualTo(new QuotaOptions(2_000_000_000_000L, 1000, 80));
  }

  @Test
  void durability_is_local_in_local_scopes_and_remote_elsewhere() throws InvalidConfigException {
    MountConfig local =
        ConfigText.mount("path = /mnt/a, scope = local, source = \"s3://bucket/x\"");

    assertThat(local.write().durability()).isEqualTo(WriteOptions.Durability.LOCAL);
    assertThat(with("").write().durability()).isEqualTo(WriteOptions.Durability.REMOTE);
  }

  @Test
  void put_options_go_to_s3() throws InvalidConfigException {
    MountConfig mount =
        with(
            """
            put { sse = "aws:kms", kms_key_id = k1, acl = private, storage_class = STANDARD_IA
                  request_payer = requester }
            """);

    assertThat(s3(mount).put())
        .isEqualTo(new PutOptions("aws:kms", "k1", "private", "STANDARD_IA", true));
  }

  @Test
  void the_store_is_reached_as_the_mount_says() throws InvalidConfigException {
    S3Options s3 =
        s3(
            with(
                "endpoint = \"https://minio:9000/\", region = eu-west-1, verify = /etc/ca.pem,"
                    + " path_style = false"));

    assertThat(s3.endpoint()).isEqualTo(URI.create("https://minio:9000"));
    assertThat(s3.region()).isEqualTo("eu-west-1");
    assertThat(s3.caBundle()).isEqualTo(Path.of("/etc/ca.pem"));
    assertThat(s3.verifyTls()).isTrue();
    assertThat(s3.pathStyle()).isFalse();
    assertThat(s3(with("verify = false")).verifyTls()).isFalse();
    assertThat(s3(with("endpoint = \"http://minio:9000\"")).pathStyle()).isTrue();
  }

  @Test
  void fuse_options_are_the_node_s_unless_the_mount_has_its_own() throws InvalidConfigException {
    TiermountConfig config =
        ConfigText.parse(
            """
            fuse { transport = dev, passthrough = off, open = skip }
            mounts {
              a { path = /mnt/a, scope = shared, source = "s3://bucket/a" }
              b { path = /mnt/b, scope = shared, source = "s3://bucket/b"
                  fuse { transport = libfuse, passthrough = on, open = normal } }
            }
            """);

    assertThat(config.mounts().get(0).fuse())
        .isEqualTo(new FuseOptions(FuseOptions.Transport.DEV, false, FuseOptions.Open.SKIP));
    assertThat(config.mounts().get(1).fuse())
        .isEqualTo(new FuseOptions(FuseOptions.Transport.LIBFUSE, true, FuseOptions.Open.NORMAL));
  }

  @ParameterizedTest
  @CsvSource({
    "s3://bucket, acme/c1/shared/",
    "s3://bucket/, acme/c1/shared/",
    "s3://bucket/a/b, a/b/",
    "s3://bucket/a/b/, a/b/",
    "s3://bucket/a//b, a//b/",
    "s3://bucket/a//, a//",
    "s3://bucket//a, /a/",
    "s3://bucket/a?b, a?b/",
    "s3://minio:9000/bucket, acme/c1/shared/",
    "s3://minio:9000/bucket/a, a/",
    "gs://bucket, acme/c1/shared/",
    "gs://bucket/a, a/",
    "azure://account/container, acme/c1/shared/",
    "azure://account/container/a, a/",
    "wasbs://container@account.blob.core.windows.net/, acme/c1/shared/",
    "wasbs://container@account.blob.core.windows.net/a, a/",
    "abfss://container@account.dfs.core.windows.net/a, a/",
    "nfs://10.0.0.5/export, acme/c1/shared/",
    "nfs://10.0.0.5:2049/export/a, a/",
    "file:///nvme/b?as=bucket, acme/c1/shared/",
    "file:///nvme/b?as=bucket&prefix=a/b, a/b/",
  })
  void a_scope_s_prefix_comes_only_below_a_source_without_a_path(String source, String prefix)
      throws InvalidConfigException {
    MountConfig mount =
        ConfigText.mount("path = /mnt/a, scope = shared, source = \"" + source + "\"", IDENTITY);

    assertThat(mount.volume().prefix()).isEqualTo(prefix);
    assertThat(mount.source().url()).isEqualTo(source);
  }

  @ParameterizedTest
  @CsvSource({
    "local, ''",
    "cluster, acme/c1/clusters/k9/",
    "user, acme/c1/users/ann/",
    "shared, acme/c1/shared/",
  })
  void each_scope_has_its_prefix(String scope, String prefix) throws InvalidConfigException {
    MountConfig mount =
        ConfigText.mount(
            "path = /mnt/a, scope = " + scope + ", source = \"s3://bucket\"", IDENTITY);

    assertThat(mount.volume().prefix()).isEqualTo(prefix);
  }

  @Test
  void a_written_prefix_comes_below_the_source_in_so_many_words() throws InvalidConfigException {
    assertThat(with("prefix = \"team/<user>\"").volume().prefix()).isEqualTo("x/team/ann/");
    assertThat(with("prefix = \"\"").volume().prefix()).isEqualTo("x/");
    assertThat(
            ConfigText.mount("path = /mnt/a, scope = user, source = \"s3://bucket\", prefix = \"\"")
                .volume()
                .prefix())
        .isEmpty();
  }

  @Test
  void where_source_and_identity_are_anyscale_s_scopes_live_below_artifact_storage()
      throws InvalidConfigException {
    String text =
        """
        identity { org = ${?ANYSCALE_ORG}, cloud = c1, cluster = k9 }
        mounts.a { path = /mnt/a, scope = cluster, source = "s3://"${ANYSCALE_BUCKET} }
        """;
    TiermountConfig config =
        ConfigText.parse(text, Map.of("ANYSCALE_ORG", "acme", "ANYSCALE_BUCKET", "bucket"));
    TiermountConfig ours =
        ConfigText.parse(text, Map.of("TIERMOUNT_ORG", "acme", "ANYSCALE_BUCKET", "bucket"));

    assertThat(config.mounts().getFirst().volume().prefix())
        .isEqualTo("acme/c1/artifact_storage/clusters/k9/");
    assertThat(ours.mounts().getFirst().volume().prefix()).isEqualTo("acme/c1/clusters/k9/");
  }

  @Test
  void sources_become_what_they_are() throws InvalidConfigException {
    assertThat(source("s3://minio:9000/bucket/a"))
        .satisfies(source -> {
          S3Options options = ((SourceConfig.S3) source).options();
          assertThat(options.endpoint()).isEqualTo(URI.create("http://minio:9000"));
          assertThat(options.bucket()).isEqualTo("bucket");
          assertThat(options.pathStyle()).isTrue();
        });
    assertThat(source("file:///nvme/my%20dir?as=bucket"))
        .isEqualTo(
            new SourceConfig.LocalBucket(
                "file:///nvme/my%20dir?as=bucket", Path.of("/nvme/my dir")));
    assertThat(source("file:///nvme/a/"))
        .isEqualTo(
            new SourceConfig.LocalDirectory(
                "file:///nvme/a/", Path.of("/nvme/a"), SourceConfig.LocalMode.BIND));
    assertThat(source("gs://bucket/a")).isEqualTo(new SourceConfig.NotYet("gs://bucket/a", "gcs"));
    assertThat(source("azure://account/container/a"))
        .isEqualTo(new SourceConfig.NotYet("azure://account/container/a", "azure"));
    assertThat(source("nfs://host/export/a"))
        .isEqualTo(new SourceConfig.NotYet("nfs://host/export/a", "nfs"));
  }

  private static SourceConfig source(String source) throws InvalidConfigException {
    return ConfigText.mount("path = /mnt/a, scope = local, source = \"" + source + "\"", IDENTITY)
        .source();
  }

  @ParameterizedTest
  @CsvSource({
    "'', BIND",
    "local.mode = fuse, FUSE",
    "permissions.allow = [alice], FUSE",
    "permissions.umask = 022, FUSE",
    "quota.max_objects = 5, FUSE",
    "permissions.dir_mode = 0700, BIND",
    "read_only = true, BIND",
  })
  void a_directory_is_a_bind_mount_until_its_policy_asks_for_more(String body, String mode)
      throws InvalidConfigException {
    MountConfig mount =
        ConfigText.mount("path = /mnt/a, scope = local, source = \"file:///nvme/a\"\n" + body);

    assertThat(((SourceConfig.LocalDirectory) mount.source()).mode())
        .isEqualTo(SourceConfig.LocalMode.valueOf(mode));
  }

  @Test
  void a_user_scope_on_a_node_of_several_users_says_who_may_enter() throws InvalidConfigException {
    NodeFacts several = new FixedNode(true, Optional.empty());
    String mount = "mounts.a { path = /mnt/a, scope = user, source = \"s3://bucket/a\"\n";

    assertThat(ConfigText.errors(mount + "}", Map.of(), several))
        .extracting(ConfigError::key)
        .containsExactly("mounts.a.permissions.allow");
    assertThat(ConfigText.parse(mount + "}").mounts()).hasSize(1);
    for (String entrance : List.of("allow = [1000]", "allow = [\"*\"]", "uid_map { 1 = 1000 }")) {
      String text = mount + "permissions { " + entrance + " } }";
      assertThat(ConfigText.parse(text, Map.of(), several).mounts()).hasSize(1);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {"source = ${?NO_SUCH}", "source = \"s3://\"${?NO_SUCH}\"/x\""})
  void a_mount_from_an_undefined_variable_is_skipped_and_listed(String source)
      throws InvalidConfigException {
    TiermountConfig config =
        ConfigText.parse("mounts.a { path = /mnt/a, scope = cluster\n" + source + " }");

    assertThat(config.mounts()).isEmpty();
    assertThat(config.skipped())
        .containsOnly(Map.entry("a", "its source is undefined: ${NO_SUCH} is not set"));
  }

  @Test
  void an_undefined_variable_does_not_undo_an_earlier_source() throws InvalidConfigException {
    MountConfig mount =
        ConfigText.mount(
            "path = /mnt/a, scope = shared\nsource = \"s3://bucket/x\"\nsource = ${?NO_SUCH}");

    assertThat(mount.source().url()).isEqualTo("s3://bucket/x");
  }

  @Test
  void two_mounts_of_one_source_are_allowed_with_a_notice_unless_both_only_read()
      throws InvalidConfigException {
    String text =
        """
        mounts {
          a { path = /mnt/a, scope = shared, source = "s3://bucket/x", read_only = true }
          b { path = /mnt/b, scope = shared, source = "s3://bucket/x/y", read_only = %s }
        }
        """;

    assertThat(ConfigText.parse(text.formatted("false")).notices())
        .singleElement()
        .asString()
        .contains("mounts a and b show the same objects");
    assertThat(ConfigText.parse(text.formatted("true")).notices()).isEmpty();
  }
}
