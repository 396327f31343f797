package io.tiermount.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import io.tiermount.daemon.admin.Json;
import io.tiermount.daemon.admin.RunDirectory;
import io.tiermount.daemon.cli.Cli;
import io.tiermount.daemon.cli.Context;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code tiermount path}, {@code env} and {@code import}, in this process. */
final class JobCommandsTest {
  private static final String CONFIG =
      """
      identity { org = acme, cloud = c1, user = ann }
      storage.path_substitution = [
        { registered_prefix = "s3://registered/data", local_prefix = "/mnt/models/sub" }
        { registered_prefix = "s3://registered", local_prefix = "/elsewhere" }
        { registered_prefix = "s3://text", local_prefix = "/text", match = text }
      ]
      mounts {
        all    { path = /mnt/all, scope = shared, source = "s3://models", prefix = "" }
        models { path = /mnt/models, scope = shared, source = "s3://models/v1", endpoint = "http://10.0.0.9:9000" }
        user   { path = /mnt/user, scope = user, source = "s3://10.0.0.9:9000/bucket" }
        azure  { path = /mnt/azure, scope = shared, source = "azure://account/container/prefix" }
        disk   { path = /mnt/disk, scope = local, source = "file:///srv/disk" }
        local  { path = /mnt/local, scope = shared, source = "file:///srv/bucket?as=bucket&prefix=p" }
      }
      persistence {
        data { d1 { hostPath = /srv/d1, mountPath = /data/1 }, d2 { hostPath = /srv/d2 } }
        outputs { out { hostPath = /srv/out } }
      }
      """;

  @TempDir private Path directory;
  private final Map<String, String> environment = new TreeMap<>();
  private Path config = Path.of("");

  private record Ended(int code, String out, String err) {}

  @BeforeEach
  void write() throws IOException {
    config = directory.resolve("mounts.conf");
    Files.writeString(config, CONFIG);
  }

  @Test
  void j7_a_url_is_answered_with_the_path_of_the_mount_that_shows_the_least() {
    assertThat(path("s3://models/other/x")).isEqualTo("/mnt/all/other/x");
    assertThat(path("s3://models/v1/llama/weights")).isEqualTo("/mnt/models/llama/weights");
    assertThat(path("s3://10.0.0.9:9000/models/v1/x")).isEqualTo("/mnt/models/x");
    assertThat(path("s3://10.0.0.9:9000/bucket/acme/c1/users/ann/x")).isEqualTo("/mnt/user/x");
    assertThat(path("wasbs://container@account.blob.core.windows.net/prefix/x"))
        .isEqualTo("/mnt/azure/x");
    assertThat(path("file:///srv/disk/a/b")).isEqualTo("/mnt/disk/a/b");
    assertThat(path("file:///srv/bucket/p/a")).isEqualTo("/mnt/local/a");
  }

  @Test
  void j7_a_path_is_answered_with_its_url() {
    assertThat(path("/mnt/models/llama/weights")).isEqualTo("s3://models/v1/llama/weights");
    assertThat(path("/mnt/models/../all/x")).isEqualTo("s3://models/x");
    assertThat(path("/mnt/user/x")).isEqualTo("s3://10.0.0.9:9000/bucket/acme/c1/users/ann/x");
    assertThat(path("/mnt/azure/x")).isEqualTo("azure://account/container/prefix/x");
    assertThat(path("/mnt/disk/a")).isEqualTo("file:///srv/disk/a");
    assertThat(path("/mnt/local/a")).isEqualTo("file:///srv/bucket/p/a");
    assertThat(path("/mnt/models")).isEqualTo("s3://models/v1/");
  }

  @Test
  void j7_whole_components_match_and_nothing_else() {
    assertThat(run("path", "--config", config.toString(), "s3://models2/v1/x").code()).isEqualTo(3);
    assertThat(path("s3://models/v1x")).isEqualTo("/mnt/all/v1x");
    assertThat(run("path", "--config", config.toString(), "/mnt/model").code()).isEqualTo(3);
    assertThat(run("path", "--config", config.toString(), "/mnt/diskette/x").code()).isEqualTo(3);
    assertThat(run("path", "--config", config.toString(), "s4://models/x").err())
        .contains("did you mean s3://?");
  }

  @Test
  void j7_path_substitution_comes_before_the_mounts_and_its_first_match_wins() {
    assertThat(path("s3://registered/data/x")).isEqualTo("/mnt/models/sub/x");
    assertThat(path("s3://registered/database/x")).isEqualTo("/elsewhere/database/x");
    assertThat(path("s3://textual/x")).isEqualTo("/textual/x");
    assertThat(path("/mnt/models/sub/x")).isEqualTo("s3://registered/data/x");
    assertThat(path("/mnt/models/submarine")).isEqualTo("s3://models/v1/submarine");
    assertThat(path("/elsewhere/x")).isEqualTo("s3://registered/x");
  }

  @Test
  void j7_doubled_slashes_and_other_odd_keys_have_the_mounts_names() {
    assertThat(path("s3://models/v1/a//b")).isEqualTo("/mnt/models/a/%tm.empty/b");
    assertThat(path("/mnt/models/a/%tm.empty/b")).isEqualTo("s3://models/v1/a//b");
    assertThat(path("s3://models/v1/")).isEqualTo("/mnt/models");
    assertThat(path("s3://models/v1")).isEqualTo("/mnt/models");
    Ended cut =
        run("path", "--config", config.toString(), "/mnt/models/x%tm.long.0123456789abcdef");
    assertThat(cut.code()).isEqualTo(1);
    assertThat(cut.err()).contains("stands for no key by itself");
  }

  @Test
  void j8_env_prints_a_jobs_default_volumes_for_the_shell() {
    Ended ended = run("env", "--config", config.toString());

    assertThat(ended.code()).isZero();
    assertThat(ended.out().lines())
        .containsExactly(
            "export POLYAXON_RUN_DATA_PATHS='{\"d1\":\"/data/1\",\"d2\":\"/mnt/d2\"}'",
            "export POLYAXON_RUN_OUTPUTS_PATH='/mnt/out'",
            "export TIERMOUNT_CLOUD='c1'",
            "export TIERMOUNT_DATA_PATHS='{\"d1\":\"/data/1\",\"d2\":\"/mnt/d2\"}'",
            "export TIERMOUNT_ORG='acme'",
            "export TIERMOUNT_OUTPUTS_PATH='/mnt/out'",
            "export TIERMOUNT_USER='ann'");
  }

  @Test
  void j8_env_prints_the_variables_of_an_anyscale_node() {
    environment.put("ANYSCALE_CLOUD_STORAGE_BUCKET", "s3://b-b");
    environment.put("ANYSCALE_CLOUD_STORAGE_BUCKET_REGION", "eu-west-3");
    environment.put("ANYSCALE_ARTIFACT_STORAGE", "s3://b-b/o/c/artifact_storage/it's");

    assertThat(run("env", "--config", config.toString()).out().lines())
        .contains(
            "export ANYSCALE_CLOUD_STORAGE_BUCKET='s3://b-b'",
            "export ANYSCALE_CLOUD_STORAGE_BUCKET_REGION='eu-west-3'",
            "export ANYSCALE_ARTIFACT_STORAGE='s3://b-b/o/c/artifact_storage/it'\\''s'");
  }

  @Test
  void c23_import_prints_hocon_and_says_what_it_left_aside() throws IOException {
    Path values = directory.resolve("values.yaml");
    Files.writeString(values, "api: 1\npersistence: { data: { a: { hostPath: /x } } }\n");
    Ended ended = run("import", values.toString());

    assertThat(ended.code()).isZero();
    assertThat(ended.out()).contains("hostPath = \"/x\"");
    assertThat(ended.err()).isEqualTo("left aside: api\n");

    Files.writeString(values, "persistence: { data: { a: { hostPath: 7 } } }\n");
    Ended refused = run("import", values.toString());
    assertThat(refused.code()).isEqualTo(4);
    assertThat(refused.out()).isEmpty();
    assertThat(refused.err()).contains("values.yaml:1: persistence.data.a.hostPath");
  }

  private String path(String place) {
    Ended ended = run("path", "--config", config.toString(), place);
    assertThat(ended.err()).isEmpty();
    return ended.out().strip();
  }

  private Ended run(String... arguments) {
    Json json = new Json();
    environment.put("TIERMOUNT_RUN_DIR", directory.toString());
    RunDirectory run = RunDirectory.of(environment, 0);
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    Wiring wiring = new Wiring(environment, run, json, Clock.systemUTC());
    List<String> all = new ArrayList<>(List.of(arguments));
    int code =
        Cli.run(
            new Context(
                wiring, run, json, environment, new PrintWriter(out), new PrintWriter(err), false),
            all.toArray(String[]::new));
    return new Ended(code, out.toString(), err.toString());
  }
}
