package io.tiermount.daemon.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** CONFIG.md, section 1: several files, the environment's overrides, one mount without a file. */
final class FilesAndOverridesTest {
  private static final String DATA =
      "mounts.my-data { path = /mnt/data, scope = shared, source = \"s3://bucket/a\" }\n";

  @TempDir private Path directory = Path.of("");

  private Path write(String name, String text) throws IOException {
    Path file = directory.resolve(name);
    Files.createDirectories(file.getParent());
    Files.writeString(file, text);
    return file;
  }

  private static TiermountConfig configured(Map<String, String> environment)
      throws InvalidConfigException {
    return new ConfigParser(environment, new FixedNode()).parseConfigured();
  }

  private static List<ConfigError> mountErrors(String... options) {
    try {
      mount(Map.of(), options);
      throw new AssertionError("accepted");
    } catch (InvalidConfigException e) {
      return e.errors();
    }
  }

  private static TiermountConfig mount(Map<String, String> environment, String... options)
      throws InvalidConfigException {
    return new ConfigParser(environment, new FixedNode())
        .parseMount("s3://bucket", Path.of("/mnt/my data"), List.of(options));
  }

  @Test
  void directories_in_path_form_are_read_in_name_order_and_later_ones_win()
      throws IOException, InvalidConfigException {
    write("one/10-base.conf", DATA + "memory.max = 1G\nfuse.passthrough = off");
    write("one/20-more.conf", "memory.max = 2G");
    write("one/.hidden.conf", "memory.max = 9G");
    write("one/mounts.conf.bak", "memory.max = 9G");
    write("two/mounts.conf", "mounts.my-data.region = eu-west-1\nmemory.max = 3G");
    write("two/credentials.conf", "c { type = s3, profile = dev }");
    write("two/fuse.conf", "open = skip");

    TiermountConfig config =
        configured(Map.of("TIERMOUNT_CONFIG_DIR", directory + "/one::" + directory + "/two"));

    assertThat(config.memoryMaxBytes()).isEqualTo(3L << 30);
    MountConfig mount = config.mounts().getFirst();
    assertThat(mount.fuse().passthrough()).isFalse();
    assertThat(mount.fuse().open()).hasToString("SKIP");
    assertThat(((SourceConfig.S3) mount.source()).options().region()).isEqualTo("eu-west-1");
  }

  @Test
  void a_file_named_after_a_section_names_its_own_lines_and_full_keys() throws IOException {
    Path file = write("one/credentials.conf", "\nc { type = s5 }");

    assertThatExceptionOfType(InvalidConfigException.class)
        .isThrownBy(() -> configured(Map.of("TIERMOUNT_CONFIG_DIR", directory + "/one")))
        .satisfies(e ->
            assertThat(e.errors())
                .extracting(error -> error.file() + ":" + error.line() + " " + error.key())
                .containsExactly(file + ":2 credentials.c.type"));
  }

  @Test
  void a_section_within_its_own_file_is_told_apart() throws IOException {
    write("one/credentials.conf", "credentials { c { type = s3, profile = dev } }");

    assertThatExceptionOfType(InvalidConfigException.class)
        .isThrownBy(() -> configured(Map.of("TIERMOUNT_CONFIG_DIR", directory + "/one")))
        .withMessageContaining("a section credentials within itself");
  }

  @Test
  void missing_directories_and_files_and_unreadable_ones_are_errors() throws IOException {
    Files.createDirectories(directory.resolve("empty"));

    assertThatExceptionOfType(InvalidConfigException.class)
        .isThrownBy(() -> configured(Map.of("TIERMOUNT_CONFIG_DIR", directory + "/none")))
        .withMessageContaining("no such directory");
    assertThatExceptionOfType(InvalidConfigException.class)
        .isThrownBy(() -> configured(Map.of("TIERMOUNT_CONFIG_DIR", directory + "/empty")))
        .withMessageContaining("no file named *.conf in it");
    assertThatExceptionOfType(InvalidConfigException.class)
        .isThrownBy(() ->
            new ConfigParser(Map.of(), new FixedNode())
                .parseFiles(List.of(directory.resolve("none.conf"))))
        .withMessageContaining("no such file");
  }

  @Test
  void an_error_of_an_included_file_names_that_file() throws IOException {
    write("inner.conf", "\n\nmemory.max = 1");
    Path file = write("outer.conf", "include \"inner.conf\"\n");

    assertThatExceptionOfType(InvalidConfigException.class)
        .isThrownBy(() -> new ConfigParser(Map.of(), new FixedNode()).parseFiles(List.of(file)))
        .satisfies(e -> {
          assertThat(e.errors().getFirst().file()).endsWith("inner.conf");
          assertThat(e.errors().getFirst().line()).isEqualTo(3);
        });
  }

  @Test
  void the_environment_overrides_any_key() throws InvalidConfigException {
    TiermountConfig config =
        ConfigText.parse(
            DATA + "storage.cache.size.max_used_bytes = 500G\nidentity.user = ${identity.org}",
            Map.of(
                "TIERMOUNT__STORAGE__CACHE__SIZE__MAX_USED_BYTES", "200G",
                "TIERMOUNT__MOUNTS__MY_DATA__READ_ONLY", "true",
                "TIERMOUNT__MOUNTS__MY_DATA__PERMISSIONS__ALLOW", "[\"alice\", 5]",
                "TIERMOUNT__MOUNTS__MY_DATA__PERMISSIONS__FILE_MODE", "0600",
                "TIERMOUNT__IDENTITY__ORG", "acme",
                "TIERMOUNT__MOUNTS__NEW",
                    "{\"path\": \"/mnt/new\", \"scope\": \"local\","
                        + " \"source\": \"file:///nvme/new\"}"));

    assertThat(config.cache().directories().getFirst().maxUsedBytes()).isEqualTo(200L << 30);
    assertThat(config.mounts()).extracting(MountConfig::name).containsExactly("my-data", "new");
    MountConfig mount = config.mounts().getFirst();
    assertThat(mount.volume().readOnly()).isTrue();
    assertThat(mount.volume().fileMode()).isEqualTo(0600);
    assertThat(mount.access().allow()).hasSize(2);
    assertThat(config.identity().user()).isEqualTo("acme");
  }

  @Test
  void an_override_that_matches_two_keys_is_an_error() {
    String text =
        DATA + "mounts.my_data { path = /mnt/d2, scope = shared, source = \"s3://bucket/b\" }";

    assertThat(ConfigText.errors(text, Map.of("TIERMOUNT__MOUNTS__MY_DATA__READ_ONLY", "true")))
        .singleElement()
        .satisfies(error -> {
          assertThat(error.file()).isEqualTo("environment TIERMOUNT__MOUNTS__MY_DATA__READ_ONLY");
          assertThat(error.found()).contains("my-data and my_data");
        });
  }

  @Test
  void a_wrong_override_is_an_error_that_names_the_variable() {
    assertThat(
            ConfigText.errors(
                DATA, Map.of("TIERMOUNT__MEMORY__MAX", "1", "TIERMOUNT__MEMORY__MXA", "1G")))
        .extracting(error -> error.file() + " " + error.key() + " " + error.hint())
        .containsExactly(
            "environment TIERMOUNT__MEMORY__MAX memory.max a bare number says no unit: 1G?",
            "environment TIERMOUNT__MEMORY__MXA memory.mxa did you mean memory.max?");
    assertThat(ConfigText.errors(DATA, Map.of("TIERMOUNT__MEMORY____MAX", "1G")))
        .extracting(ConfigError::found)
        .containsExactly("an empty element between __");
  }

  @Test
  void an_override_does_not_move_other_keys_of_its_section() {
    assertThat(
            ConfigText.errors(
                "\nmounts.data { path = /mnt/a }",
                Map.of("TIERMOUNT__MOUNTS__DATA__READ_ONLY", "true")))
        .extracting(error -> error.key() + ":" + error.line())
        .containsExactly("mounts.data.scope:2", "mounts.data.source:2");
  }

  @Test
  void one_mount_needs_no_file() throws InvalidConfigException {
    TiermountConfig config =
        mount(
            Map.of("TIERMOUNT__MEMORY__MAX", "1G", "TIERMOUNT__MOUNTS__OTHER__READ_ONLY", "true"),
            "endpoint=http://127.0.0.1:9000,path_style=true,write.durability=local",
            "cache.dir=/nvme/c,cache.max_used_bytes=10G,cache.block_size=8M,cache.quota=5G",
            "fuse.passthrough=off,permissions.allow=[\"alice\",\"bob\"],read_only",
            "cache.pin=[\"a\\,b\"],memory.max=2G");

    assertThat(config.memoryMaxBytes()).isEqualTo(2L << 30);
    assertThat(config.cache().directories())
        .extracting(d -> d.path() + " " + d.maxUsedBytes())
        .containsExactly("/nvme/c " + (10L << 30));
    assertThat(config.cache().blockBytes()).isEqualTo(8 << 20);
    MountConfig mount = config.mounts().getFirst();
    assertThat(mount.name()).isEqualTo("my_data");
    assertThat(mount.path()).isEqualTo(Path.of("/mnt/my data"));
    assertThat(mount.volume().prefix()).isEmpty();
    assertThat(mount.volume().readOnly()).isTrue();
    assertThat(mount.fuse().passthrough()).isFalse();
    assertThat(mount.cache().quotaBytes()).isEqualTo(5L << 30);
    assertThat(mount.access().allow()).hasSize(2);
    assertThat(mount.write().durability()).hasToString("LOCAL");
    assertThat(((SourceConfig.S3) mount.source()).options().endpoint())
        .hasToString("http://127.0.0.1:9000");
  }

  @Test
  void one_mount_with_a_scope_has_the_scope_s_prefix() throws InvalidConfigException {
    Map<String, String> environment = new HashMap<>();
    environment.put("TIERMOUNT_ORG", "acme");
    environment.put("TIERMOUNT_CLOUD", "c1");

    assertThat(mount(environment, "scope=shared").mounts().getFirst().volume().prefix())
        .isEqualTo("acme/c1/shared/");
  }

  @Test
  void errors_of_one_mount_name_the_option() {
    assertThat(mountErrors("write.durabilty=local", "source=s3://x"))
        .extracting(error -> error.file() + " " + error.hint())
        .containsExactly("-o source ", "-o write.durabilty did you mean write.durability?");
    assertThat(mountErrors("cache.max_used_bytes=10,attributes=some"))
        .extracting(error -> error.file() + " " + error.found())
        .containsExactly("-o attributes some", "-o cache.max_used_bytes 10");
  }
}
