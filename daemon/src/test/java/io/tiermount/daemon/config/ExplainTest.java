package io.tiermount.daemon.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code check-config --explain}: SEMANTICS C16, and C17 for its output. */
final class ExplainTest {
  private static final String CONF =
      """
      aws.s3 {
        key = AKIADEFAULT12345, secret = defaultsecretWXYZ, region = eu-west-1
        credentials = [
          { bucket = models, key = AKIAMODELS12ABCD, secret = modelssecret5678, region = us-west-2 }
          { host = "minio:9000", key = short, secret = tiny, secure = true, multipart = false, verify = false }
        ]
      }
      credentials.own { type = s3, access_key = AKIAOWNOWNOWN999, secret_key = ownsecretownKLMN }
      aws.boto3.pool_connections = 512
      storage.direct_access = [ { url = "s3://models/raw/*" } ]
      storage.path_substitution = [ { registered_prefix = "s3://models", local_prefix = /mnt/m } ]
      mounts {
        models { path = /mnt/models, scope = shared, source = "s3://models/v1" }
        all    { path = /mnt/all, scope = shared, source = "s3://models/", prefix = "" }
        minio  { path = /mnt/minio, scope = shared, source = "s3://minio:9000/data/x" }
        own    { path = /mnt/own, scope = shared, source = "s3://mine/x", credentials = own
                 endpoint = "http://store:9000" }
        other  { path = /mnt/other, scope = shared, source = "s3://other/x" }
        later  { path = /mnt/later, scope = shared, source = "gs://later/x" }
      }
      """;

  @TempDir private Path directory = Path.of("");

  private Map<String, Explanation.Setting> explain(String url)
      throws IOException, InvalidConfigException {
    return explain(CONF, url);
  }

  private Map<String, Explanation.Setting> explain(String conf, String url)
      throws IOException, InvalidConfigException {
    Path file = directory.resolve("m.conf");
    Files.writeString(file, conf);
    Explanation one =
        new ConfigParser(Map.of(), new FixedNode()).explain(List.of(file), List.of(url)).getFirst();
    assertThat(one.url()).isEqualTo(url);
    return one.settings().stream()
        .collect(Collectors.toMap(Explanation.Setting::name, setting -> setting));
  }

  private void holds(
      Map<String, Explanation.Setting> settings, String name, String value, String why) {
    Explanation.Setting setting = Objects.requireNonNull(settings.get(name), name);
    assertThat(setting.value()).as(name).isEqualTo(value);
    assertThat(setting.why()).as(name).contains(why);
  }

  @Test
  void c16_a_url_is_shown_by_the_mount_that_shows_the_least() throws Exception {
    Map<String, Explanation.Setting> settings = explain("s3://models/v1/a/b");

    holds(settings, "mount", "models", "mounts.models (" + directory + "/m.conf:13)");
    holds(settings, "path", "/mnt/models/a/b", "mounts.models.path");
    holds(settings, "path_substitution", "/mnt/m/v1/a/b", "storage.path_substitution");
    holds(explain("s3://models/v1x/a"), "mount", "all", "m.conf:14");
    holds(explain("s3://models/v1"), "path", "/mnt/models", "");
  }

  @Test
  void c16_the_most_specific_entry_is_named_with_file_and_line() throws Exception {
    Map<String, Explanation.Setting> settings = explain("s3://models/v1/a");

    holds(
        settings,
        "credentials",
        "key …ABCD, secret …5678",
        "aws.s3.credentials[0] (" + directory + "/m.conf:4)");
    holds(settings, "region", "us-west-2", "aws.s3.credentials[0]");
    holds(settings, "endpoint", "AWS", "default");
    holds(settings, "tls", "on", "AWS");
    holds(settings, "multipart", "yes, 8 parts at once", "default");
    holds(
        settings, "connections", "512", "aws.boto3.pool_connections (" + directory + "/m.conf:9)");
    holds(settings, "retries", "5, the first after 200 ms", "default");
  }

  @Test
  void c16_the_default_and_what_an_entry_of_a_host_says() throws Exception {
    Map<String, Explanation.Setting> other = explain("s3://other/x/a");
    holds(other, "credentials", "key …2345, secret …WXYZ", "the default");
    holds(other, "region", "eu-west-1", "aws.s3");

    Map<String, Explanation.Setting> minio = explain("s3://minio:9000/data/x/a");
    holds(minio, "credentials", "key …, secret …", "aws.s3.credentials[1]");
    holds(minio, "endpoint", "https://minio:9000", "the source names it");
    holds(minio, "tls", "on", "secure of aws.s3.credentials[1]");
    holds(minio, "verify", "no: any certificate is accepted", "aws.s3.credentials[1]");
    holds(minio, "multipart", "never", "aws.s3.credentials[1]");
  }

  @Test
  void c16_a_mount_that_names_credentials() throws Exception {
    for (String url : List.of("s3://mine/x/a", "s3://store:9000/mine/x/a")) {
      Map<String, Explanation.Setting> own = explain(url);
      holds(own, "mount", "own", "m.conf:16");
      holds(own, "credentials", "own: key …N999, secret …KLMN", "credentials.own (");
      holds(
          own,
          "endpoint",
          "http://store:9000",
          "mounts.own.endpoint (" + directory + "/m.conf:17)");
      holds(own, "tls", "off", "mounts.own.endpoint");
    }
  }

  @Test
  void c16_cache_settings_and_what_is_never_cached() throws Exception {
    holds(
        explain("s3://models/raw/a"),
        "cache",
        "never: s3://models/raw/* is read where it lies",
        "storage.direct_access (" + directory + "/m.conf:10)");
    Map<String, Explanation.Setting> settings = explain("s3://models/v1/a");
    holds(settings, "cache", "yes", "storage.direct_access");
    holds(settings, "block_size", "4194304 bytes", "default");
    holds(settings, "cache_directory", "/var/cache/tiermount", "default");
  }

  @Test
  void c16_a_url_that_no_mount_shows_and_one_that_is_none() throws Exception {
    Map<String, Explanation.Setting> settings = explain("s3://models2/a");
    holds(settings, "mount", "none", "no source of a mount");
    holds(settings, "credentials", "key …2345, secret …WXYZ", "for a mount that names none");
    holds(explain("models/a"), "mount", "none", "not a URL");
    holds(explain("gs://later/x/y"), "state", "refused at mount", "no store for gcs yet");
  }

  @Test
  void c17_no_secret_is_in_it() throws Exception {
    for (String url :
        List.of(
            "s3://models/v1/a", "s3://minio:9000/data/x/a", "s3://mine/x/a", "s3://other/x/a")) {
      assertThat(explain(url).toString())
          .doesNotContain(
              "AKIADEFAULT", "defaultsecret", "AKIAMODELS", "modelssecret", "short", "tiny")
          .doesNotContain("AKIAOWN", "ownsecret");
    }
  }
}
