package io.tiermount.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.tiermount.daemon.admin.Json;
import io.tiermount.daemon.admin.RunDirectory;
import io.tiermount.daemon.cli.Cli;
import io.tiermount.daemon.cli.Context;
import io.tiermount.daemon.cli.ExitCode;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The command {@code check-config}. */
final class CheckConfigTest {
  private static final String SECRET = "verysecretkey-7890";

  @TempDir private Path directory = Path.of("");
  private Path file = Path.of("");
  private String out = "";
  private String err = "";

  @BeforeEach
  void write() throws IOException {
    file = directory.resolve("mounts.conf");
    Files.writeString(
        file,
        """
        storage.cache.default_base_dir = "%s"
        aws.s3 { key = AKIA0123456789WXYZ, secret = "%s", credentials = [] }
        agent.git_pass = "%s"
        mounts {
          s3  { path = /mnt/s3, scope = shared, source = "s3://bucket-that-is-not-there/x" }
          gcs { path = /mnt/gcs, scope = shared, source = "gs://bucket/x" }
          az  { path = /mnt/az, scope = shared, source = "wasbs://c1@acme.blob.core.windows.net/x" }
          nfs { path = /mnt/nfs, scope = shared, source = "nfs://10.255.255.1/export/x" }
        }
        """
            .formatted(directory.resolve("cache"), SECRET, SECRET));
  }

  private int run(String... arguments) {
    StringWriter written = new StringWriter();
    StringWriter errors = new StringWriter();
    RunDirectory run = new RunDirectory(directory.resolve("run"));
    Json json = new Json();
    int code =
        Cli.run(
            new Context(
                new Wiring(Map.of(), run, json, Clock.systemUTC()),
                run,
                json,
                Map.of(),
                new PrintWriter(written),
                new PrintWriter(errors),
                false),
            arguments);
    out = written.toString();
    err = errors.toString();
    return code;
  }

  @Test
  void c18_it_needs_no_network_and_leaves_nothing_behind() throws IOException {
    assertThat(run("check-config", file.toString())).as(err).isEqualTo(ExitCode.OK.code());

    assertThat(out).contains("is valid", "left aside, for ClearML alone: agent");
    try (var left = Files.list(directory)) {
      assertThat(left).containsExactly(file);
    }
  }

  @Test
  void c6_sources_without_a_store_are_checked_and_listed() throws IOException {
    assertThat(run("check-config", file.toString(), "--json")).isEqualTo(ExitCode.OK.code());

    assertThat(new ObjectMapper().readTree(out).path("mounts").findValuesAsText("source"))
        .contains(
            "gs://bucket/x",
            "wasbs://c1@acme.blob.core.windows.net/x",
            "nfs://10.255.255.1/export/x");
  }

  @Test
  void c16_explain_answers_in_json_and_in_a_table() throws IOException {
    String url = "s3://bucket-that-is-not-there/x/a";
    assertThat(run("check-config", file.toString(), "--json", "--explain", url, "gs://bucket/y"))
        .isEqualTo(ExitCode.OK.code());
    JsonNode urls = new ObjectMapper().readTree(out).path("urls");
    JsonNode first = urls.path(0);
    assertThat(first.path("url").asText()).isEqualTo(url);
    assertThat(first.path("mount").asText()).isEqualTo("s3");
    JsonNode credentials = first.path("settings").path("credentials");
    assertThat(credentials.path("value").asText()).isEqualTo("key …WXYZ, secret …7890");
    assertThat(credentials.path("why").asText()).contains(file + ":2");
    assertThat(urls.path(1).path("mount").isNull()).isTrue();

    assertThat(run("check-config", file.toString(), "--explain", url))
        .isEqualTo(ExitCode.OK.code());
    assertThat(out)
        .contains(url, "SETTING", "credentials", "key …WXYZ, secret …7890", "aws.s3", "region");
  }

  @Test
  void c17_no_secret_is_printed() throws IOException {
    for (String more : new String[] {"", "\nmistake = 1", "\naws.s3.token = [ " + SECRET + " ]"}) {
      Files.writeString(file, Files.readString(file) + more);
      run("check-config", file.toString());
      assertThat(out + err).doesNotContain(SECRET, "AKIA0123");
      run("check-config", file.toString(), "--json");
      assertThat(out + err).doesNotContain(SECRET, "AKIA0123");
      run("check-config", file.toString(), "--explain", "s3://bucket-that-is-not-there/x/a");
      assertThat(out + err).doesNotContain(SECRET, "AKIA0123");
    }
    assertThat(err).contains("mistake");
  }
}
