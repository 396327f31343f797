package io.tiermount.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.tiermount.daemon.Tiermount.Ended;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code tiermount run} over one daemon with bind mounts and an object mount. */
final class RunTest {
  @TempDir private static Path directory = Path.of("");
  private static Tiermount tiermount = new Tiermount(Path.of("/nonexistent"), Map.of());
  private static Path config = Path.of("");
  private static Path mnt = Path.of("");

  @BeforeAll
  static void start() throws IOException, InterruptedException {
    mnt = directory.resolve("mnt");
    for (String volume : List.of("data1", "data2", "out", "objects")) {
      Files.createDirectories(directory.resolve("srv").resolve(volume));
      Files.writeString(directory.resolve("srv").resolve(volume).resolve("file"), volume);
    }
    config = directory.resolve("mounts.conf");
    Files.writeString(
        config,
        """
        storage.cache.default_base_dir = "%1$s/cache"
        mounts { objects { path = "%1$s/mnt/objects", scope = shared, prefix = "", source = "file://%1$s/srv/objects?as=bucket" } }
        persistence {
          data {
            data1 { mountPath = "%1$s/mnt/data1", hostPath = "%1$s/srv/data1", readOnly = true }
            data2 { mountPath = "%1$s/mnt/data2", hostPath = "%1$s/srv/data2" }
            late { mountPath = "%1$s/mnt/late", store = s3, bucket = "s3://late", secret = s, secretKey = k }
          }
          outputs { out { mountPath = "%1$s/mnt/out", hostPath = "%1$s/srv/out" } }
          secrets_dir = "%1$s/secrets"
        }
        """
            .formatted(directory));
    // The daemon's own keys: no job may see them.
    tiermount =
        new Tiermount(
            directory,
            Map.of("AWS_ACCESS_KEY_ID", "daemons-key", "AWS_SECRET_ACCESS_KEY", "daemons-secret"));
    var _ = tiermount.start(command("daemon", "--config", config.toString()));
    long endNanos = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (ready() < 4) {
      assertThat(System.nanoTime()).as("all mounts come up").isLessThan(endNanos);
    }
  }

  @AfterAll
  static void stop() throws IOException {
    tiermount.close();
  }

  private static int ready() throws IOException, InterruptedException {
    int ready = 0;
    for (JsonNode daemon : tiermount.status().path("daemons")) {
      for (JsonNode mount : daemon.path("mounts")) {
        ready += mount.path("state").asText().equals("ready") ? 1 : 0;
      }
    }
    return ready;
  }

  @Test
  void j1_a_job_sees_only_the_volumes_it_names() throws IOException, InterruptedException {
    Ended ended =
        job(
            List.of("--data", "data1", "--outputs", "out", "--run-id", "r1"),
            "cat data1/file; echo; ls -A data2; ls -A objects; ls out; grep -c "
                + mnt
                + " /proc/self/mountinfo");

    assertThat(ended.err()).isEmpty();
    assertThat(ended.out().lines()).containsExactly("data1", "file", "r1", "2");
    // Outside nothing has changed.
    assertThat(Files.readString(mnt.resolve("data2/file"))).isEqualTo("data2");
    assertThat(Files.readString(mnt.resolve("objects/file"))).isEqualTo("objects");
  }

  @Test
  void j1_a_mount_of_the_native_form_is_a_volume_too() throws IOException, InterruptedException {
    Ended ended =
        job(List.of("--data", "objects", "--outputs", "out"), "cat objects/file; ls -A data1");

    assertThat(ended.out()).isEqualTo("objects");
    assertThat(ended.code()).isZero();
  }

  @Test
  void j1_what_is_mounted_outside_later_is_not_seen_by_the_job()
      throws IOException, InterruptedException {
    Path later = directory.resolve("later");
    Files.createDirectories(later);
    Process job =
        tiermount.start(runCommand(List.of("--data", "data1"), "echo up; read _; ls " + later));
    try (var out = job.inputReader(StandardCharsets.UTF_8)) {
      assertThat(out.readLine()).isEqualTo("up");
      assertThat(tiermount.sh("mount --bind " + directory.resolve("srv") + " " + later).code())
          .isZero();
      job.getOutputStream().write('\n');
      job.getOutputStream().close();
      assertThat(out.readLine()).isNull();
    } finally {
      assertThat(tiermount.sh("umount " + later).code()).isZero();
    }
  }

  @Test
  void j2_an_unknown_name_and_a_volume_that_waits_for_its_secret_are_errors()
      throws IOException, InterruptedException {
    Ended unknown = job(List.of("--data", "data3"), "true");
    assertThat(unknown.code()).isEqualTo(2);
    assertThat(unknown.err())
        .contains("no data volume is named data3: there is data1, data2, late, objects");

    Ended late = job(List.of("--data", "late"), "true");
    assertThat(late.code()).isEqualTo(3);
    assertThat(late.err()).contains("late is not mounted").contains("waits for its secret");
  }

  @Test
  void j2_a_polyaxonfile_names_the_volumes() throws IOException, InterruptedException {
    Path file = directory.resolve("polyaxonfile.yml");
    Files.writeString(
        file,
        """
        version: 1
        kind: experiment
        environment:
          persistence:
            data: [data2]
            outputs: out
        """);
    Ended ended =
        job(
            List.of("--polyaxonfile", file.toString(), "--run-id", "p"),
            "echo $TIERMOUNT_DATA_PATHS; ls -A data1");

    assertThat(ended.out()).isEqualTo("{\"data2\":\"" + mnt + "/data2\"}\n");
    Files.writeString(file, "environment: { persistence: { data: data1 } }\n");
    Ended refused = job(List.of("--polyaxonfile", file.toString()), "true");
    assertThat(refused.code()).isEqualTo(4);
    assertThat(refused.err()).contains("polyaxonfile.yml:1: environment.persistence.data");
  }

  @Test
  void j3_j4_a_job_finds_its_volumes_and_its_own_outputs_directory_in_its_environment()
      throws IOException, InterruptedException {
    Ended ended =
        job(
            List.of("--data", "data1,data2", "--outputs", "out", "--run-id", "run-7"),
            "for v in TIERMOUNT POLYAXON_RUN; do eval echo '\"$'$v'_DATA_PATHS\"';"
                + " eval echo '\"$'$v'_OUTPUTS_PATH\"'; done; echo $TIERMOUNT_RUN_ID;"
                + " echo result > \"$TIERMOUNT_OUTPUTS_PATH/x\"");

    String data = "{\"data1\":\"%1$s/data1\",\"data2\":\"%1$s/data2\"}".formatted(mnt);
    assertThat(ended.out().lines())
        .containsExactly(data, mnt + "/out/run-7", data, mnt + "/out/run-7", "run-7");
    assertThat(Files.readString(directory.resolve("srv/out/run-7/x"))).isEqualTo("result\n");
    // It may be there already: a run that is resumed.
    assertThat(
            job(
                    List.of("--data", "data1", "--outputs", "out", "--run-id", "run-7"),
                    "cat $TIERMOUNT_OUTPUTS_PATH/x")
                .out())
        .isEqualTo("result\n");
  }

  @Test
  void j4_without_a_run_id_each_run_gets_one_of_its_own() throws IOException, InterruptedException {
    String first = job(List.of("--data", "data1"), "echo $TIERMOUNT_OUTPUTS_PATH").out().strip();
    String second = job(List.of("--data", "data1"), "echo $TIERMOUNT_OUTPUTS_PATH").out().strip();

    assertThat(first).startsWith(mnt + "/out/run-").isNotEqualTo(second);
    assertThat(Path.of(first)).isDirectory();
  }

  @Test
  void j5_a_jobs_environment_stays_its_own_and_has_nothing_of_the_daemons()
      throws IOException, InterruptedException {
    Tiermount other =
        new Tiermount(
            directory, Map.of("AWS_ACCESS_KEY_ID", "jobs-key", "PLAIN", "a 'b' \u00fc\n\"c\""));
    Ended ended =
        other.end(
            withoutVariable(
                "AWS_SECRET_ACCESS_KEY", runCommand(List.of("--data", "data1"), "env -0")));

    List<String> variables = List.of(ended.out().split("\0", -1));
    assertThat(variables)
        .contains("AWS_ACCESS_KEY_ID=jobs-key", "PLAIN=a 'b' \u00fc\n\"c\"")
        .noneMatch(variable -> variable.startsWith("AWS_SECRET_ACCESS_KEY="));
    assertThat(ended.out()).doesNotContain("daemons-");
  }

  @Test
  void j6_a_run_ends_as_its_command_does() throws IOException, InterruptedException {
    assertThat(job(List.of("--data", "data1"), "exit 42").code()).isEqualTo(42);
    assertThat(job(List.of("--data", "data1"), "kill -TERM $$").code()).isEqualTo(128 + 15);
    Ended none =
        tiermount.run(
            "run", "--config", config.toString(), "--data", "data1", "--", "no-such-command");
    assertThat(none.code()).isEqualTo(127);
    Path text = Files.writeString(directory.resolve("text"), "#!/nonexistent/interpreter\n");
    assertThat(text.toFile().setExecutable(true)).isTrue();
    assertThat(
            tiermount
                .run("run", "--config", config.toString(), "--data", "data1", "--", text.toString())
                .code())
        .isEqualTo(1);
    Files.writeString(text, "no program");
    assertThat(
            tiermount
                .run("run", "--config", config.toString(), "--data", "data1", "--", text.toString())
                .code())
        .isEqualTo(126);
  }

  @Test
  void j6_the_process_is_the_command_with_its_input_arguments_and_signals()
      throws IOException, InterruptedException {
    Process job =
        tiermount.start(
            runCommand(
                List.of("--data", "data1"),
                "trap 'echo got USR1; exit 9' USR1; echo $$; grep SigBlk /proc/self/status;"
                    + " ls /proc/self/fd | wc -l; read line; echo \"$line\";"
                    + " while :; do sleep 0.05; done"));
    try (var out = job.inputReader(StandardCharsets.UTF_8)) {
      assertThat(out.readLine()).isEqualTo(String.valueOf(job.pid()));
      assertThat(out.readLine()).isEqualTo("SigBlk:\t0000000000000000");
      // Three, and the directory that ls reads.
      assertThat(out.readLine().strip()).isEqualTo("4");
      job.getOutputStream().write("hello\n".getBytes(StandardCharsets.UTF_8));
      job.getOutputStream().flush();
      assertThat(out.readLine()).isEqualTo("hello");
      assertThat(tiermount.sh("kill -USR1 " + job.pid()).code()).isZero();
      assertThat(out.readLine()).isEqualTo("got USR1");
      assertThat(job.waitFor(30, TimeUnit.SECONDS)).isTrue();
      assertThat(job.exitValue()).isEqualTo(9);
    }
  }

  @Test
  void words_behind_the_command_are_the_commands() throws IOException, InterruptedException {
    Ended ended =
        tiermount.run(
            "run",
            "--config",
            config.toString(),
            "--data",
            "data1",
            "printf",
            "%s|",
            "--data",
            "-x",
            "--",
            "@file",
            "",
            "\u00fc b");

    assertThat(ended.out()).isEqualTo("--data|-x|--|@file||\u00fc b|");
  }

  @Test
  void j1_who_is_not_root_gets_the_view_by_a_user_namespace()
      throws IOException, InterruptedException {
    List<String> asSomebody =
        new ArrayList<>(List.of("unshare", "--user", "--map-user=1000", "--map-group=1000", "--"));
    List<String> probe = new ArrayList<>(asSomebody);
    probe.addAll(List.of("unshare", "--user", "--map-root-user", "--mount", "true"));
    assumeTrue(tiermount.end(probe).code() == 0, "this machine has no user namespaces");
    asSomebody.addAll(
        runCommand(
            List.of("--data", "data1", "--outputs", "out", "--run-id", "n"),
            "id -u; cat data1/file; echo; ls -A data2; ls -A objects; grep CapEff /proc/self/status;"
                + " echo x > $TIERMOUNT_OUTPUTS_PATH/x; umount data2 2>/dev/null; ls -A data2; exit 5"));
    Ended ended = tiermount.end(asSomebody);

    assertThat(ended.err()).isEmpty();
    assertThat(ended.out().lines()).containsExactly("1000", "data1", "CapEff:\t0000000000000000");
    assertThat(ended.code()).isEqualTo(5);
    assertThat(directory.resolve("srv/out/n/x")).exists();
  }

  private static Ended job(List<String> options, String script)
      throws IOException, InterruptedException {
    return tiermount.end(runCommand(options, script));
  }

  /** A shell's script as a job, from the directory of the mounts. */
  private static List<String> runCommand(List<String> options, String script) {
    List<String> arguments = new ArrayList<>(List.of("run", "--config", config.toString()));
    arguments.addAll(options);
    arguments.addAll(List.of("--", "sh", "-c", "cd " + mnt + "; " + script));
    return command(arguments.toArray(String[]::new));
  }

  private static List<String> withoutVariable(String name, List<String> command) {
    List<String> all = new ArrayList<>(List.of("env", "-u", name));
    all.addAll(command);
    return all;
  }

  private static List<String> command(String... arguments) {
    return Tiermount.command(arguments);
  }
}
