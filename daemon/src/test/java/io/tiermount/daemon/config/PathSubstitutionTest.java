package io.tiermount.daemon.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** CONFIG.md, section 2, row {@code storage.path_substitution}; SEMANTICS C10. */
final class PathSubstitutionTest {
  private static PathSubstitution parse(String entries) throws InvalidConfigException {
    return ConfigText.parse("storage.path_substitution = [ " + entries + " ]").node().paths();
  }

  private static PathSubstitution one(String registered, String local, String more)
      throws InvalidConfigException {
    return parse(
        "{ registered_prefix = \"%s\", local_prefix = \"%s\" %s }"
            .formatted(registered.replace("\\", "\\\\"), local.replace("\\", "\\\\"), more));
  }

  @ParameterizedTest
  @CsvSource({
    "s3://bucket/research, /mnt/research, s3://bucket/research/a/b, /mnt/research/a/b",
    "s3://bucket/research/, /mnt/research, s3://bucket/research/a, /mnt/research/a",
    "s3://bucket/research, /mnt/research/, s3://bucket/research/a, /mnt/research/a",
    "s3://bucket/research/, /mnt/research/, s3://bucket/research, /mnt/research",
    "s3://bucket/research, /mnt/research, s3://bucket/research2/a, ",
    "/opt/mydir, /tmp/data, /opt/mydir/x, /tmp/data/x",
    "/opt/mydir, /tmp/data, /opt/mydirnew, ",
    "s3://, /mnt/s3, s3://bucket/a, /mnt/s3/bucket/a",
    "s3://bucket, /, s3://bucket/a, /a",
    "s3://bucket, /, s3://bucket, /",
    "s3://bucket/a, /mnt/a, s3://bucket/a//b, /mnt/a//b",
  })
  void prefixes_match_whole_components(String registered, String local, String url, String expected)
      throws InvalidConfigException {
    assertThat(one(registered, local, "").toLocal(url)).isEqualTo(Optional.ofNullable(expected));
  }

  @Test
  void match_text_brings_the_documented_text_match_back() throws InvalidConfigException {
    PathSubstitution text = one("/opt/mydir", "/tmp/data", ", match = text");

    assertThat(text.toLocal("/opt/mydirnew")).contains("/tmp/datanew");
    assertThat(text.toRegistered("/tmp/datanew")).contains("/opt/mydirnew");
    assertThat(one("s3://b/a/", "/mnt/a", ", match = text").toLocal("s3://b/a/x"))
        .contains("/mnt/a/x");
  }

  @Test
  void the_first_match_wins() throws InvalidConfigException {
    PathSubstitution both =
        parse(
            """
            { registered_prefix = "s3://b/a", local_prefix = /mnt/first }
            { registered_prefix = "s3://b", local_prefix = /mnt/second }
            """);

    assertThat(both.toLocal("s3://b/a/x")).contains("/mnt/first/x");
    assertThat(both.toLocal("s3://b/c")).contains("/mnt/second/c");
    assertThat(both.toLocal("s3://other/c")).isEmpty();
  }

  @Test
  void the_reverse_answers_the_url_of_a_path() throws InvalidConfigException {
    PathSubstitution one = one("s3://bucket/research/", "/mnt/research", "");

    assertThat(one.toRegistered("/mnt/research/a")).contains("s3://bucket/research/a");
    assertThat(one.toRegistered("/mnt/research2/a")).isEmpty();
    assertThat(one("s3://", "/mnt/s3", "").toRegistered("/mnt/s3/bucket/a"))
        .contains("s3://bucket/a");
  }

  @Test
  void separators_are_replaced_in_the_rest_alone() throws InvalidConfigException {
    PathSubstitution windows = one("\\\\share\\data", "/mnt/data", ", replace_windows_sep = true");
    PathSubstitution linux = one("/mnt/data", "Z:\\data", ", replace_linux_sep = true");
    PathSubstitution neither = one("\\\\share\\data", "/mnt/data", "");

    assertThat(windows.toLocal("\\\\share\\data\\a\\b")).contains("/mnt/data/a/b");
    assertThat(windows.toRegistered("/mnt/data/a/b")).contains("\\\\share\\data\\a\\b");
    assertThat(linux.toLocal("/mnt/data/a/b")).contains("Z:\\data\\a\\b");
    assertThat(neither.toLocal("\\\\share\\data\\a\\b")).contains("/mnt/data\\a\\b");
  }

  @Test
  void the_list_may_stand_at_the_cache_too_and_comes_second_there() throws InvalidConfigException {
    PathSubstitution both =
        ConfigText.parse(
                """
                storage.cache.path_substitution = [ { registered_prefix = "s3://b", local_prefix = /cache } ]
                storage.path_substitution = [ { registered_prefix = "s3://b/a", local_prefix = /first } ]
                """)
            .node()
            .paths();

    assertThat(both.toLocal("s3://b/a/x")).contains("/first/x");
    assertThat(both.toLocal("s3://b/c")).contains("/cache/c");
  }

  @Test
  void an_empty_or_missing_prefix_and_both_replacements_are_errors() {
    assertThat(
            ConfigText.errors(
                """
                storage.path_substitution = [
                  { registered_prefix = "", local_prefix = /a }
                  { registered_prefix = "s3://b" }
                  { registered_prefix = "s3://b", local_prefix = /a, replace_windows_sep = true, replace_linux_sep = true }
                ]
                """))
        .extracting(ConfigError::key)
        .containsExactlyInAnyOrder(
            "storage.path_substitution[0].registered_prefix",
            "storage.path_substitution[1].local_prefix",
            "storage.path_substitution[2].replace_linux_sep");
  }
}
