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
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** SEMANTICS S7 and S8, as commands. */
final class ScopeCommandTest {
  private static final Instant NOON = Instant.parse("2026-03-01T12:00:00Z");

  @TempDir private Path directory = Path.of("");

  /** How a command ended. */
  private record Ended(int code, String out, String err) {}

  private Ended run(Map<String, String> environment, String... arguments) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    RunDirectory run =
        RunDirectory.of(Map.of("TIERMOUNT_RUN_DIR", directory.resolve("run").toString()), 0);
    Json json = new Json();
    Context context =
        new Context(
            new Wiring(environment, run, json, Clock.fixed(NOON, ZoneOffset.UTC)),
            run,
            json,
            environment,
            new PrintWriter(out),
            new PrintWriter(err),
            false);
    List<String> all = new ArrayList<>(Arrays.asList(arguments));
    all.addAll(List.of("--config", directory.resolve("mounts.conf").toString()));
    int code = Cli.run(context, all.toArray(String[]::new));
    return new Ended(code, out.toString(), err.toString());
  }

  private Ended run(String... arguments) {
    return run(Map.of(), arguments);
  }

  private Path key(String key) {
    return directory.resolve("bucket").resolve(key);
  }

  private void put(String key) throws IOException {
    Files.createDirectories(key(key).getParent());
    Files.writeString(key(key), "0123456789");
  }

  @BeforeEach
  void fill() throws IOException {
    for (String key :
        List.of(
            "acme/c1/clusters/old/a",
            "acme/c1/clusters/old/d/b",
            "acme/c1/clusters/older/a",
            "acme/c1/clusters/mine/a",
            "acme/c1/clusters/young/a",
            "acme/c1/users/ann/a",
            "acme/c1/shared/a",
            "acme/c1/theirs",
            "acme/c1/artifact_storage/clusters/old/a")) {
      put(key);
    }
    Files.writeString(
        directory.resolve("mounts.conf"),
        """
        identity { org = acme, cloud = c1, cluster = mine, user = ann }
        mounts {
          c { path = /mnt/c, scope = cluster, source = "file://DIR/bucket?as=bucket" }
          u { path = /mnt/u, scope = user, source = "file://DIR/bucket?as=bucket"
              permissions.allow = [0] }
        }
        """
            .replace("DIR", directory.toString()));
  }

  @Test
  void s7_list_and_du_say_what_is_there() {
    Ended list = run("scope", "list");
    assertThat(list.code()).as(list.err()).isZero();
    assertThat(list.out().lines().map(line -> line.split(" +", 3)[1]))
        .containsExactly("NAME", "mine", "old", "older", "young", "ann", "acme/c1/shared/");
    Ended du = run("scope", "du", "old", "--json");
    assertThat(du.out()).contains("\"objects\" : 2").contains("\"bytes\" : 20");
  }

  @Test
  void s7_a_purge_is_a_dry_run_unless_yes_is_said() {
    Ended dry = run("scope", "purge", "old");
    assertThat(dry.code()).as(dry.err()).isZero();
    assertThat(dry.out()).contains("old").contains("acme/c1/clusters/old/");
    assertThat(dry.err()).contains("dry run");
    assertThat(key("acme/c1/clusters/old/a")).exists();

    Ended real = run("scope", "purge", "old", "--yes");
    assertThat(real.code()).as(real.err()).isZero();
    assertThat(key("acme/c1/clusters/old")).doesNotExist();
    for (String kept :
        List.of(
            "acme/c1/clusters/older/a",
            "acme/c1/clusters/mine/a",
            "acme/c1/users/ann/a",
            "acme/c1/shared/a",
            "acme/c1/theirs",
            "acme/c1/artifact_storage/clusters/old/a")) {
      assertThat(key(kept)).exists();
    }
  }

  @Test
  void s7_ended_clusters_are_those_that_were_ended() {
    assertThat(run("scope", "end", "old").code()).isZero();
    assertThat(run("scope", "list").out()).contains(NOON.toString());
    Ended purge = run("scope", "purge", "--ended", "--yes");
    assertThat(purge.code()).as(purge.err()).isZero();
    assertThat(key("acme/c1/clusters/old")).doesNotExist();
    assertThat(key("acme/c1/clusters/older/a")).exists();
    assertThat(run("scope", "purge", "--ended").out().lines()).hasSize(1);
  }

  @Test
  void s7_or_all_that_a_list_of_living_ones_lacks() throws IOException {
    Path live = directory.resolve("live");
    Files.writeString(live, "# nothing\n\n");
    assertThat(run("scope", "purge", "--ended", "--live", live.toString(), "--yes").code())
        .isEqualTo(2);
    Files.writeString(live, "young\n");
    Ended purge = run("scope", "purge", "--ended", "--live", live.toString(), "--yes");
    assertThat(purge.code()).as(purge.err()).isZero();
    assertThat(key("acme/c1/clusters/old")).doesNotExist();
    assertThat(key("acme/c1/clusters/older")).doesNotExist();
    assertThat(key("acme/c1/clusters/young/a")).exists();
    assertThat(key("acme/c1/clusters/mine/a")).as("this node's own").exists();
  }

  @Test
  void s8_this_node_s_own_cluster_and_odd_names_are_refused() {
    assertThat(run("scope", "purge", "mine", "--yes").code()).isEqualTo(1);
    assertThat(run("scope", "purge", "..", "--yes").code()).isEqualTo(2);
    assertThat(run("scope", "purge", "old/d", "--yes").code()).isEqualTo(2);
    assertThat(run("scope", "purge", "--yes").code()).isEqualTo(2);
    assertThat(run("scope", "purge", "old", "--ended").code()).isEqualTo(2);
    assertThat(key("acme/c1/clusters/mine/a")).exists();
    assertThat(key("acme/c1/clusters/old/d/b")).exists();
  }

  @Test
  void s8_with_anyscale_s_identity_nothing_outside_artifact_storage_goes() throws IOException {
    Files.writeString(
        directory.resolve("mounts.conf"),
        """
        identity { org = ${?ANYSCALE_ORG}, cloud = c1, cluster = mine }
        mounts.c { path = /mnt/c, scope = cluster, source = "file://"${ANYSCALE_DIR}"/bucket?as=bucket" }
        """);
    Map<String, String> theirs =
        Map.of("ANYSCALE_ORG", "acme", "ANYSCALE_DIR", directory.toString());
    Ended purge = run(theirs, "scope", "purge", "old", "--yes");
    assertThat(purge.code()).as(purge.err()).isZero();
    assertThat(key("acme/c1/artifact_storage/clusters/old")).doesNotExist();
    assertThat(key("acme/c1/clusters/old/a")).exists();
    assertThat(key("acme/c1/theirs")).exists();
  }

  @Test
  void s8_a_prefix_that_was_written_by_hand_is_not_purged() throws IOException {
    Files.writeString(
        directory.resolve("mounts.conf"),
        """
        identity { org = acme, cloud = c1, cluster = mine }
        mounts.c { path = /mnt/c, scope = cluster, source = "file://DIR/bucket?as=bucket"
                   prefix = "acme/c1/clusters/<cluster>/" }
        """
            .replace("DIR", directory.toString()));
    Ended purge = run("scope", "purge", "old", "--yes");
    assertThat(purge.code()).isEqualTo(1);
    assertThat(purge.err()).contains("no mount of the configuration");
    assertThat(key("acme/c1/clusters/old/a")).exists();
  }
}
