package io.tiermount.daemon.config;

import static org.assertj.core.api.Assertions.assertThat;

import io.tiermount.backends.Credentials;
import io.tiermount.backends.s3.PutOptions;
import io.tiermount.backends.s3.S3Options;
import io.tiermount.fs.cache.CacheOptions;
import io.tiermount.fs.fuse.FuseOptions;
import io.tiermount.fs.volume.VolumeOptions;
import io.tiermount.fs.write.WriteOptions;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * CONFIG.md, section 1: one test a row, named after it; finer points are in {@code MountRulesTest},
 * {@code NodeRulesTest} and {@code FilesAndOverridesTest}.
 */
final class ConfigRowsTest {
  private static final String DATA = "path = /mnt/a, scope = shared, source = \"s3://bucket/x\"\n";

  @TempDir private Path directory = Path.of("");

  private static MountConfig with(String more) throws InvalidConfigException {
    return ConfigText.mount(DATA + more);
  }

  private static S3Options s3(String more) throws InvalidConfigException {
    return ((SourceConfig.S3) with(more).source()).options();
  }

  private static CacheOptions cache(String conf) throws InvalidConfigException {
    return ConfigText.parse("storage.cache { " + conf + " }").cache();
  }

  private static Credentials credentials(String entry, Map<String, String> environment)
      throws InvalidConfigException {
    String conf =
        "credentials.c { type = s3, "
            + entry
            + " }\nmounts.a { path = /mnt/a, scope = local, source = \"s3://bucket/x\","
            + " credentials = c }";
    MountConfig mount = ConfigText.parse(conf, environment).mounts().getFirst();
    return ((SourceConfig.S3) mount.source()).options().credentials();
  }

  @Test
  void identity() throws InvalidConfigException {
    Map<String, String> environment =
        Map.of(
            "TIERMOUNT_ORG", "o",
            "TIERMOUNT_CLOUD", "c",
            "TIERMOUNT_CLUSTER", "k",
            "TIERMOUNT_USER", "u");

    assertThat(ConfigText.parse("", environment).identity())
        .isEqualTo(new Identity("o", "c", "k", "u", "node-7"));
    assertThat(ConfigText.parse("identity { org = other, node = n }", environment).identity())
        .isEqualTo(new Identity("other", "c", "k", "u", "n"));
  }

  @Test
  void storage_cache_default_base_dir_or_dirs() throws InvalidConfigException {
    assertThat(cache("default_base_dir = /mnt/nvme/tiermount").directories())
        .containsExactly(
            new CacheOptions.Directory(Path.of("/mnt/nvme/tiermount"), Long.MAX_VALUE));
    assertThat(cache("dirs = [ { path = /a, max_used_bytes = 1G }, { path = /b } ]").directories())
        .containsExactly(
            new CacheOptions.Directory(Path.of("/a"), 1L << 30),
            new CacheOptions.Directory(Path.of("/b"), Long.MAX_VALUE));
  }

  @Test
  void storage_cache_size() throws InvalidConfigException {
    CacheOptions options =
        cache(
            "size { max_used_bytes = 500G, min_free_bytes = 20G, cleanup_margin_percent = 7,"
                + " max_file_bytes = 3G }");

    assertThat(options.directories().getFirst().maxUsedBytes()).isEqualTo(500L << 30);
    assertThat(options.minFreeBytes()).isEqualTo(20L << 30);
    assertThat(options.cleanupMarginPercent()).isEqualTo(7);
    assertThat(options.maxFileBytes()).isEqualTo(3L << 30);
  }

  @ParameterizedTest
  @CsvSource({"on_open, ON_OPEN", "scrub, SCRUB", "off, OFF"})
  void storage_cache_block_size_and_verify(String written, CacheOptions.Verify verify)
      throws InvalidConfigException {
    CacheOptions options = cache("block_size = 8M, verify = " + written);

    assertThat(options.blockBytes()).isEqualTo(8 << 20);
    assertThat(options.verify()).isEqualTo(verify);
  }

  @Test
  void credentials_minio_keys() throws InvalidConfigException {
    assertThat(
            credentials(
                "access_key = ${?MINIO_KEY}, secret_key = ${?MINIO_SECRET}, session_token = t",
                Map.of("MINIO_KEY", "k", "MINIO_SECRET", "s")))
        .isEqualTo(new Credentials.S3Static("k", "s", "t"));
  }

  @Test
  void credentials_profile_web_identity_chain_process() throws InvalidConfigException {
    assertThat(credentials("profile = dev", Map.of())).isEqualTo(new Credentials.S3Profile("dev"));
    assertThat(credentials("web_identity = true", Map.of()))
        .isEqualTo(new Credentials.S3WebIdentity());
    assertThat(credentials("chain = true", Map.of())).isEqualTo(new Credentials.Chain());
    assertThat(credentials("process = [\"/usr/local/bin/get-keys\", \"bucket-a\"]", Map.of()))
        .isEqualTo(new Credentials.S3Process(List.of("/usr/local/bin/get-keys", "bucket-a")));
  }

  @Test
  void credentials_gcp_and_az_are_checked_at_parse() {
    assertThat(
            ConfigText.errors(
                "credentials { gcp { type = gcs, key_file = k.json }, az { type = azure,"
                    + " account_key = a, sas_token = b } }"))
        .extracting(ConfigError::key)
        .containsExactlyInAnyOrder("credentials.gcp.key_file", "credentials.az");
  }

  @Test
  void fuse_also_per_mount() throws InvalidConfigException {
    String conf = "fuse { transport = libfuse, passthrough = off, open = skip }\nmounts.a { ";

    assertThat(ConfigText.parse(conf + DATA + "}").mounts().getFirst().fuse())
        .isEqualTo(new FuseOptions(FuseOptions.Transport.LIBFUSE, false, FuseOptions.Open.SKIP));
    assertThat(
            ConfigText.parse(
                    conf + DATA + "fuse { transport = dev, passthrough = on, open = normal } }")
                .mounts()
                .getFirst()
                .fuse())
        .isEqualTo(new FuseOptions(FuseOptions.Transport.DEV, true, FuseOptions.Open.NORMAL));
  }

  @Test
  void memory_max() throws InvalidConfigException {
    assertThat(ConfigText.parse("memory.max = 1G").memoryMaxBytes()).isEqualTo(1L << 30);
    assertThat(ConfigText.parse("").memoryMaxBytes()).isEqualTo(512L << 20);
  }

  /** SEMANTICS C5. */
  @Test
  void prefix_rule() throws InvalidConfigException {
    Map<String, String> environment = Map.of("TIERMOUNT_ORG", "o", "TIERMOUNT_CLOUD", "c");

    assertThat(with("").volume().prefix()).isEqualTo("x/");
    assertThat(
            ConfigText.mount("path = /mnt/a, scope = shared, source = \"s3://bucket\"", environment)
                .volume()
                .prefix())
        .isEqualTo("o/c/shared/");
    assertThat(with("prefix = \"team\"").volume().prefix()).isEqualTo("x/team/");
    assertThat(
            ConfigText.mount("path = /mnt/a, scope = shared, source = \"s3://bucket//d/\"")
                .volume()
                .prefix())
        .isEqualTo("/d/");
  }

  /** SEMANTICS C4. */
  @Test
  void optional_sources() throws InvalidConfigException {
    TiermountConfig config =
        ConfigText.parse("mounts.a { path = /mnt/a, scope = cluster, source = ${?NO_SUCH} }");

    assertThat(config.mounts()).isEmpty();
    assertThat(config.skipped())
        .containsExactly(Map.entry("a", "its source is undefined: ${NO_SUCH} is not set"));
  }

  @Test
  void an_identity_value_is_required_only_where_a_mounted_prefix_uses_it() {
    assertThat(
            ConfigText.errors(
                """
                mounts {
                  a { path = /mnt/a, scope = shared, source = "s3://bucket" }
                  b { path = /mnt/b, scope = user, source = ${?NO_SUCH} }
                }
                """))
        .extracting(ConfigError::key)
        .containsExactlyInAnyOrder("identity.org", "identity.cloud");
  }

  @Test
  void local_storage_is_a_bind_mount_unless_policy_asks_for_more() throws InvalidConfigException {
    String local = "path = /mnt/a, scope = local, source = \"file:///nvme/a\"\n";

    assertThat(((SourceConfig.LocalDirectory) ConfigText.mount(local).source()).mode())
        .isEqualTo(SourceConfig.LocalMode.BIND);
    assertThat(
            ((SourceConfig.LocalDirectory) ConfigText.mount(local + "local.mode = fuse").source())
                .mode())
        .isEqualTo(SourceConfig.LocalMode.FUSE);
  }

  @ParameterizedTest
  @CsvSource({"user, 0700", "cluster, 1777", "shared, 1777"})
  void missing_scope_directories_are_made_with_mode(String scope, String mode)
      throws InvalidConfigException {
    String mount = "path = /mnt/a, scope = " + scope + ", source = \"s3://bucket/x\"\n";

    assertThat(ConfigText.mount(mount).access().root().storedMode())
        .isEqualTo(Integer.parseInt(mode, 8));
    assertThat(ConfigText.mount(mount + "permissions.dir_mode = 0750").access().root().storedMode())
        .isEqualTo(0750);
  }

  @Test
  void per_mount_permissions() throws InvalidConfigException {
    MountConfig mount =
        with(
            "permissions { owner = 5, group = 6, umask = 0027, file_mode = 0666, dir_mode = 0777,"
                + " allow = [7], deny = [8], root_squash = true, uid_map { 1 = 2 },"
                + " gid_map { 3 = 4 } }");

    assertThat(mount.volume().owner()).isEqualTo(5);
    assertThat(mount.volume().group()).isEqualTo(6);
    assertThat(mount.volume().fileMode()).isEqualTo(0640);
    assertThat(mount.volume().dirMode()).isEqualTo(0750);
    assertThat(mount.access().allow()).hasSize(1);
    assertThat(mount.access().deny()).hasSize(1);
    assertThat(mount.access().rootSquash()).isTrue();
    assertThat(mount.access().uidMap()).containsEntry(1, 2);
    assertThat(mount.access().gidMap()).containsEntry(3, 4);
  }

  @Test
  void per_mount_read_only_and_consistency() throws InvalidConfigException {
    VolumeOptions written = with("").volume();
    assertThat(written.readOnly()).isFalse();
    assertThat(written.attrTtl()).isEqualTo(Duration.ofSeconds(1));
    assertThat(written.negativeTtl()).isEqualTo(Duration.ZERO);
    assertThat(written.revalidateOnOpen()).isEqualTo(VolumeOptions.Revalidate.TTL);
    assertThat(with("read_only = true").volume().attrTtl()).isEqualTo(Duration.ofMinutes(1));

    VolumeOptions set =
        with("read_only = true, consistency { attr_ttl = 2s, entry_ttl = 3s, negative_ttl = 4s,"
                + " revalidate_on_open = never }")
            .volume();
    assertThat(set.readOnly()).isTrue();
    assertThat(set.attrTtl()).isEqualTo(Duration.ofSeconds(2));
    assertThat(set.entryTtl()).isEqualTo(Duration.ofSeconds(3));
    assertThat(set.negativeTtl()).isEqualTo(Duration.ofSeconds(4));
    assertThat(set.revalidateOnOpen()).isEqualTo(VolumeOptions.Revalidate.NEVER);
  }

  @Test
  void per_mount_write() throws InvalidConfigException {
    WriteOptions write =
        with("write { durability = local, max_dirty_age = 9s, upload_threads = 3 }").write();

    assertThat(write.durability()).isEqualTo(WriteOptions.Durability.LOCAL);
    assertThat(write.maxDirtyAge()).isEqualTo(Duration.ofSeconds(9));
    assertThat(write.uploadThreads()).isEqualTo(3);
    assertThat(with("").write().durability()).isEqualTo(WriteOptions.Durability.REMOTE);
  }

  @Test
  void per_mount_cache_and_quota() throws InvalidConfigException {
    MountConfig mount =
        with(
            "cache { quota = 1G, priority = 60, pin = [\"a/**\"] }\n"
                + "quota { max_bytes = 2G, max_objects = 5, warn_percent = 80 }");

    assertThat(mount.cache().quotaBytes()).isEqualTo(1L << 30);
    assertThat(mount.cache().priority()).isEqualTo(60);
    assertThat(mount.cache().pinGlobs()).containsExactly("a/**");
    assertThat(mount.quota().maxBytes()).isEqualTo(2L << 30);
    assertThat(mount.quota().maxObjects()).isEqualTo(5);
    assertThat(mount.quota().warnPercent()).isEqualTo(80);
  }

  @Test
  void per_mount_endpoint_region_path_style_verify() throws InvalidConfigException {
    S3Options options =
        s3("endpoint = \"https://h:9\", region = r, path_style = false, verify = false");

    assertThat(options.endpoint()).isEqualTo(URI.create("https://h:9"));
    assertThat(options.region()).isEqualTo("r");
    assertThat(options.pathStyle()).isFalse();
    assertThat(options.verifyTls()).isFalse();
    assertThat(s3("").endpoint()).isNull();
  }

  @Test
  void per_mount_put() throws InvalidConfigException {
    assertThat(
            s3("put { sse = \"aws:kms\", kms_key_id = k, acl = private, storage_class = STANDARD_IA,"
                    + " request_payer = requester }")
                .put())
        .isEqualTo(new PutOptions("aws:kms", "k", "private", "STANDARD_IA", true));
    assertThat(s3("").put()).isEqualTo(PutOptions.DEFAULTS);
  }

  @Test
  void attributes_full_or_list() throws InvalidConfigException {
    assertThat(with("").volume().attributes()).isEqualTo(VolumeOptions.AttributeMode.FULL);
    assertThat(with("attributes = list").volume().attributes())
        .isEqualTo(VolumeOptions.AttributeMode.LIST);
  }

  @Test
  void one_mount_without_a_file() throws InvalidConfigException {
    TiermountConfig config =
        new ConfigParser(Map.of(), new FixedNode())
            .parseMount(
                "s3://bucket/x",
                Path.of("/mnt/b"),
                List.of(
                    "write.durability=local,cache.dir=/nvme/c,cache.max_used_bytes=1G",
                    "fuse.passthrough=off,memory.max=1G"));
    MountConfig mount = config.mounts().getFirst();

    assertThat(mount.write().durability()).isEqualTo(WriteOptions.Durability.LOCAL);
    assertThat(config.cache().directories())
        .containsExactly(new CacheOptions.Directory(Path.of("/nvme/c"), 1L << 30));
    assertThat(mount.fuse().passthrough()).isFalse();
    assertThat(config.memoryMaxBytes()).isEqualTo(1L << 30);
  }

  /** SEMANTICS C6; {@code CheckConfigTest} has what happens at mount. */
  @ParameterizedTest
  @CsvSource({
    "s3://bucket/p, s3://bucket/p/",
    "s3://h:9000/bucket/p, s3://h:9000/bucket/p/",
    "file:///dir?as=bucket, file:///dir/",
    "gs://bucket/p, gs://bucket/p/",
    "azure://account/container/p, azure://account/container/p/",
    "wasbs://container@account.blob.core.windows.net/p, azure://account/container/p/",
    "abfss://container@account.dfs.core.windows.net/p, azure://account/container/p/",
    "nfs://host:2049/export/dir, nfs://host:2049/export/dir/",
    "file:///dir, file:///dir/",
  })
  void sources(String written, String place) throws BadValueException {
    SourceUrl url = SourceUrl.parse(written);

    assertThat(DirectReader.root(url) + url.prefix()).isEqualTo(place);
  }

  /** SEMANTICS C2. */
  @Test
  void several_configuration_files() throws IOException, InvalidConfigException {
    Files.createDirectories(directory.resolve("one"));
    Files.createDirectories(directory.resolve("two"));
    Files.writeString(directory.resolve("one/mounts.conf"), "mounts.a { " + DATA + " }");
    Files.writeString(directory.resolve("one/10-first.conf"), "memory.max = 1G, identity.org = a");
    Files.writeString(directory.resolve("one/20-second.conf"), "memory.max = 2G");
    Files.writeString(directory.resolve("two/memory.conf"), "max = 3G");
    Files.writeString(
        directory.resolve("two/secure.conf"),
        "credentials.c { type = s3, access_key = k, secret_key = s }\n"
            + "mounts.a.credentials = c");

    TiermountConfig config =
        new ConfigParser(
                Map.of(
                    "TIERMOUNT_CONFIG_DIR",
                    directory.resolve("one") + ":" + directory.resolve("two")),
                new FixedNode())
            .parseConfigured();

    assertThat(config.memoryMaxBytes()).isEqualTo(3L << 30);
    assertThat(config.identity().org()).isEqualTo("a");
    assertThat(((SourceConfig.S3) config.mounts().getFirst().source()).options().credentials())
        .isEqualTo(new Credentials.S3Static("k", "s", null));
  }

  /** SEMANTICS C3. */
  @Test
  void any_key_can_be_overridden_from_the_environment() throws InvalidConfigException {
    Map<String, String> environment =
        Map.of(
            "TIERMOUNT__STORAGE__CACHE__SIZE__MAX_USED_BYTES", "200G",
            "TIERMOUNT__MOUNTS__MY_DATA__READ_ONLY", "true");
    TiermountConfig config =
        ConfigText.parse(
            "storage.cache.size.max_used_bytes = 1G\nmounts.my-data { " + DATA + " }", environment);

    assertThat(config.cache().directories().getFirst().maxUsedBytes()).isEqualTo(200L << 30);
    assertThat(config.mounts().getFirst().volume().readOnly()).isTrue();
  }

  /** SEMANTICS C1; {@code BrokenFilesTest} has every message. */
  @Test
  void a_wrong_file_is_refused_whole_with_every_error_at_once() {
    List<ConfigError> errors =
        ConfigText.errors(
            "memory.mx = 1G\nmounts.a { " + DATA + "scop = shared }\nfuse.open = norml");

    assertThat(errors)
        .extracting(error -> error.line() + " " + error.key() + " " + error.hint())
        .containsExactly(
            "1 memory.mx did you mean memory.max?",
            "3 mounts.a.scop did you mean mounts.a.scope?",
            "4 fuse.open did you mean normal?");
  }
}
