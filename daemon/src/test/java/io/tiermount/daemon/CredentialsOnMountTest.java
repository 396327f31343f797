package io.tiermount.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.tiermount.backends.os.LibC;
import io.tiermount.backends.strict.KeyFile;
import io.tiermount.backends.strict.StrictS3Server;
import io.tiermount.backends.strict.TestSecrets;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * SEMANTICS K1, K3–K7, G4, G6 as programs on a mount see them: a daemon process, the strict server.
 */
final class CredentialsOnMountTest {
  private static final int ROTATIONS = 1_000;
  private static final int WORKERS = 4;

  @TempDir private Path directory = Path.of("");
  private final Map<String, String> environment = new TreeMap<>();
  private final List<AutoCloseable> opened = new ArrayList<>();
  private StrictS3Server server;
  private KeyFile keys;
  private Path at = Path.of("");

  @BeforeEach
  void prepare() throws Exception {
    assumeTrue(LibC.getuid() == 0 && Files.exists(Path.of("/dev/fuse")), "mounts need root");
    server = StrictS3Server.start();
    opened.add(server);
    server.createBucket("bucket");
    keys = new KeyFile(server, directory);
    at = directory.resolve("mnt");
    environment.put("HOME", directory.toString());
    environment.put("AWS_SHARED_CREDENTIALS_FILE", keys.path().toString());
    environment.put("AWS_EC2_METADATA_DISABLED", "true");
  }

  @AfterEach
  void stop() throws Exception {
    for (AutoCloseable each : opened.reversed()) {
      each.close();
    }
  }

  private ConfiguredDaemon start(String text) throws Exception {
    ConfiguredDaemon daemon = ConfiguredDaemon.start(directory, environment, text);
    opened.add(daemon);
    return daemon;
  }

  private String mount(String more) {
    return """
    mounts.m {
      path = "%s", scope = shared, source = "s3://bucket/p", endpoint = "%s"
      consistency { attr_ttl = 0s, entry_ttl = 0s }
      %s
    }
    """
        .formatted(at, server.endpoint(), more);
  }

  private static String profile() {
    return "credentials.c { type = s3, profile = rotated }\n";
  }

  private static String fixed(String access, String secret) {
    return "credentials.c { type = s3, access_key = \"%s\", secret_key = \"%s\" }\n"
        .formatted(access, secret);
  }

  @Test
  void k5_a_mount_without_keys_is_degraded_and_works_when_they_appear() throws Exception {
    ConfiguredDaemon daemon = start(profile() + mount("credentials = c"));
    daemon.await("it says so", () -> daemon.mount("m").path("state").asText().equals("degraded"));
    assertThat(daemon.mount("m").path("reason").asText())
        .contains("no keys to sign with", "there is no profile rotated");
    assertThatThrownBy(() -> Files.writeString(at.resolve("f"), "early"))
        .isInstanceOf(IOException.class);
    assertThat(server.requests()).isEmpty();
    keys.renew();
    daemon.await("it is ready", () -> daemon.mount("m").path("state").asText().equals("ready"));
    Files.writeString(at.resolve("g"), "written");
    assertThat(at.resolve("g")).hasContent("written");
  }

  @Test
  void k4_refused_keys_show_in_the_status() throws Exception {
    ConfiguredDaemon daemon =
        start(fixed("STRANGER", TestSecrets.of("stranger")) + mount("credentials = c"));
    assertThatThrownBy(() -> Files.readString(at.resolve("f")))
        .hasMessageContaining("f")
        .isInstanceOf(IOException.class);
    daemon.await("it says so", () -> daemon.mount("m").path("state").asText().equals("degraded"));
    assertThat(daemon.mount("m").path("reason").asText())
        .contains("refuses the keys since", "does not know this access key");
  }

  /** The daemon's environment has good keys; an entry that the store refuses does not fall back. */
  @Test
  void k1_the_daemons_environment_serves_only_mounts_that_name_none() throws Exception {
    environment.put("AWS_ACCESS_KEY_ID", server.options().accessKey());
    environment.put("AWS_SECRET_ACCESS_KEY", server.options().secretKey());
    Path other = directory.resolve("other");
    start(
        fixed("STRANGER", TestSecrets.of("stranger"))
            + mount("credentials = c")
            + mount("").replace("mounts.m", "mounts.o").replace(at.toString(), other.toString()));
    Files.writeString(other.resolve("f"), "written");
    assertThatThrownBy(() -> Files.readString(at.resolve("f"))).isInstanceOf(IOException.class);
    assertThat(other.resolve("f")).hasContent("written");
  }

  @Test
  void k3_g4_other_credentials_are_taken_by_a_reload_under_open_files() throws Exception {
    server.keys().add("FIRST", TestSecrets.of("first"), null);
    server.keys().add("SECOND", TestSecrets.of("second"), null);
    ConfiguredDaemon daemon =
        start(fixed("FIRST", TestSecrets.of("first")) + mount("credentials = c"));
    Files.writeString(at.resolve("f"), "written");
    Object device = Files.getAttribute(at, "unix:dev");
    try (RandomAccessFile open = new RandomAccessFile(at.resolve("g").toFile(), "rw")) {
      open.write('1');
      assertThat(
              daemon.reloaded(fixed("SECOND", TestSecrets.of("second")) + mount("credentials = c")))
          .containsExactly("mnt CHANGED");
      server.keys().expire("FIRST");
      open.write('2');
      open.getFD().sync();
    }
    assertThat(at.resolve("g")).hasContent("12");
    assertThat(at.resolve("f")).hasContent("written");
    assertThat(Files.getAttribute(at, "unix:dev")).isEqualTo(device);
  }

  /** A volume of Polyaxon's form, whose secret comes late and is rotated. */
  @Test
  void g6_a_secret_that_appears_brings_its_volume_and_another_is_taken() throws Exception {
    server.keys().add("FIRST", TestSecrets.of("first"), null);
    server.keys().add("SECOND", TestSecrets.of("second"), null);
    Path secrets = directory.resolve("secrets");
    ConfiguredDaemon daemon =
        start(
            """
            persistence {
              secrets_dir = "%s"
              data.m { mountPath = "%s", store = s3, bucket = "s3://bucket", secret = s, secretKey = k }
            }
            """
                .formatted(secrets, at));
    assertThat(daemon.mount("m").path("reason").asText()).contains("waits for its secret");
    Files.createDirectories(secrets.resolve("s"));
    secret(secrets, "FIRST", "first");
    daemon.await("it is mounted", () -> daemon.mount("m").path("state").asText().equals("ready"));
    Files.writeString(at.resolve("f"), "written");
    secret(secrets, "SECOND", "second");
    daemon.await("it is seen", () -> daemon.log().contains(at + " changed"));
    server.keys().expire("FIRST");
    Files.writeString(at.resolve("g"), "written");
    assertThat(at.resolve("g")).hasContent("written");
  }

  private void secret(Path secrets, String access, String name) throws IOException {
    Path next =
        Files.writeString(
            directory.resolve("next-secret"),
            "{ \"AWS_ACCESS_KEY_ID\": \"%s\", \"AWS_SECRET_ACCESS_KEY\": \"%s\", \"AWS_ENDPOINT_URL\": \"%s\", }"
                .formatted(access, TestSecrets.of(name), server.endpoint()));
    Files.move(
        next,
        secrets.resolve("s/k"),
        java.nio.file.StandardCopyOption.ATOMIC_MOVE,
        java.nio.file.StandardCopyOption.REPLACE_EXISTING);
  }

  /** With everything logged that can be, and failures of every kind. */
  @Test
  void k6_no_secret_is_in_log_status_or_arguments() throws Exception {
    server.keys().add("GOOD", TestSecrets.of("good"), TestSecrets.of("token"));
    String good =
        "credentials.c { type = s3, access_key = GOOD, secret_key = \"%s\", session_token = \"%s\" }\n"
            .formatted(TestSecrets.of("good"), TestSecrets.of("token"));
    String logs =
        "log_levels = \"trace,software.amazon.awssdk=warn,org.apache=warn,io.netty=warn\"\n";
    ConfiguredDaemon daemon = start(logs + good + mount("credentials = c"));
    Files.writeString(at.resolve("f"), "written");
    server.keys().expire("GOOD");
    assertThatThrownBy(() -> Files.writeString(at.resolve("g"), "refused"))
        .isInstanceOf(IOException.class);
    for (String broken :
        List.of(
            fixed("OTHER", TestSecrets.of("other")),
            "credentials.c { type = s3, process = [ sh, -c, \"echo %s; exit 1\" ] }\n"
                .formatted(TestSecrets.of("printed")),
            "credentials.c { type = s3, acces_key = x, secret_key = \"%s\" }\n"
                .formatted(TestSecrets.of("misplaced")))) {
      daemon.write(logs + broken + mount("credentials = c"));
      String told = daemon.reload().toString();
      assertThat(told).doesNotContain(TestSecrets.MARK);
      assertThatThrownBy(() -> Files.writeString(at.resolve("h"), "refused"))
          .isInstanceOf(IOException.class);
    }
    assertThat(daemon.status().toString()).doesNotContain(TestSecrets.MARK);
    assertThat(daemon.log()).contains(" DEBUG ").doesNotContain(TestSecrets.MARK);
    String arguments =
        Files.readString(
            Path.of("/proc", daemon.status().path("pid").asText(), "cmdline"),
            StandardCharsets.ISO_8859_1);
    assertThat(arguments).contains("daemon").doesNotContain(TestSecrets.MARK);
  }

  @Test
  @Tag("soak")
  @Timeout(value = 30, unit = TimeUnit.MINUTES)
  void k7_a_thousand_rotations_under_load_are_seen_by_no_program() throws Exception {
    keys.renew();
    ConfiguredDaemon daemon = start(profile() + mount("credentials = c"));
    AtomicBoolean over = new AtomicBoolean();
    AtomicLong files = new AtomicLong();
    try (ExecutorService threads =
        Executors.newThreadPerTaskExecutor(Thread.ofPlatform().factory())) {
      List<Future<?>> workers = new ArrayList<>();
      for (int i = 0; i < WORKERS; i++) {
        Path own = Files.createDirectories(at.resolve("w" + i));
        workers.add(
            threads.submit(() -> {
              for (int round = 0; !over.get(); round++) {
                work(own, round);
                files.incrementAndGet();
              }
              return null;
            }));
      }
      try {
        for (int i = 0; i < ROTATIONS; i++) {
          long before = files.get();
          while (files.get() < before + WORKERS && workers.stream().noneMatch(Future::isDone)) {
            TimeUnit.MILLISECONDS.sleep(1);
          }
          keys.rotate();
        }
      } finally {
        over.set(true);
      }
      for (Future<?> worker : workers) {
        worker.get();
      }
    }
    assertThat(daemon.mount("m").path("state").asText()).isEqualTo("ready");
  }

  private static void work(Path own, int round) throws IOException {
    Path file = own.resolve("f" + round % 5);
    String text = "round " + round + " of " + own;
    Files.writeString(file, text);
    assertThat(file).hasContent(text);
    if (round % 4 == 3) {
      Path moved = own.resolve("moved");
      Files.move(file, moved, java.nio.file.StandardCopyOption.REPLACE_EXISTING);
      assertThat(moved).hasContent(text);
      Files.delete(moved);
      assertThat(moved).doesNotExist();
    }
  }
}
