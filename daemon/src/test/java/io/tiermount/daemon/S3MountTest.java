package io.tiermount.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.tiermount.backends.os.LibC;
import io.tiermount.backends.strict.S3Proxy;
import io.tiermount.daemon.Tiermount.Ended;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * SEMANTICS R1, R2, R9, R15, R20, R21, R24, R30, R35 with real processes alone: a bucket of s3proxy
 * that rclone and s3fs wrote, and the program.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class S3MountTest {
  private static final int SMALL_FILES = 300;
  private static final int BIG_BYTES = 20 << 20;
  private static final String BUCKET = "bucket";
  private static final String STAT =
      "stat -c '%n %F %a %u %g %.2Y' file link dir dir/inner; stat -c %s file link dir/inner";

  private Path shared = Path.of("");
  private Path directory = Path.of("");
  private Path written = Path.of("");
  private String seenByS3fs = "";
  private S3Proxy proxy;
  private Tiermount tiermount;
  private Path at = Path.of("");

  @BeforeAll
  void write(@TempDir Path forAll) throws Exception {
    shared = forAll;
    assumeTrue(LibC.getuid() == 0, "mounts need root");
    proxy = S3Proxy.start(Files.createDirectories(shared.resolve("s3proxy")));
    proxy.createBucket(BUCKET);
    written = Files.createDirectories(shared.resolve("written"));
    Random random = new Random(7);
    byte[] big = new byte[BIG_BYTES];
    random.nextBytes(big);
    Files.write(written.resolve("big"), big);
    Files.write(written.resolve("other"), new byte[3_000_000]);
    Files.createDirectories(written.resolve("small/deeper"));
    for (int i = 0; i < SMALL_FILES; i++) {
      byte[] small = new byte[random.nextInt(2_000)];
      random.nextBytes(small);
      String name = "small/" + (i % 10 == 0 ? "deeper/" : "") + "file %03d ä".formatted(i);
      Files.write(written.resolve(name), small);
    }
    try (Tiermount shell = new Tiermount(shared, Map.of())) {
      rclone(shell);
      s3fs(shell);
    }
  }

  private void rclone(Tiermount shell) throws Exception {
    Path config = shared.resolve("rclone.conf");
    Files.writeString(
        config,
        """
        [s3]
        type = s3
        provider = Other
        access_key_id = %s
        secret_access_key = %s
        endpoint = %s
        force_path_style = true
        """
            .formatted(S3Proxy.ACCESS_KEY, S3Proxy.SECRET_KEY, proxy.endpoint()));
    Ended copied =
        shell.sh(
            "timeout 50 rclone --config '%s' --s3-no-check-bucket --transfers 8 copy '%s' s3:%s/rclone"
                .formatted(config, written, BUCKET));
    assertThat(copied.code()).as(copied.err()).isZero();
  }

  private void s3fs(Tiermount shell) throws Exception {
    Path password = shared.resolve("s3fs.passwd");
    Files.writeString(password, S3Proxy.ACCESS_KEY + ":" + S3Proxy.SECRET_KEY);
    Path mount = Files.createDirectories(shared.resolve("s3fs"));
    assertThat(shell.sh("chmod 600 '" + password + "'").code()).isZero();
    Ended mounted =
        shell.sh(
            "timeout 30 s3fs %s '%s' -o url=%s,use_path_request_style,passwd_file='%s'"
                .formatted(BUCKET, mount, proxy.endpoint(), password));
    assertThat(mounted.code()).as(mounted.err()).isZero();
    try {
      Ended made =
          shell.sh(
              """
              set -e; cd '%s'; mkdir s3fs; cd s3fs
              mkdir dir; printf inner > dir/inner; printf 'by s3fs' > file
              chmod 640 file; chown 1234:77 file; touch -d @1500000000.25 file
              chmod 750 dir; chown 5:6 dir; ln -s dir/inner link
              """
                  .formatted(mount));
      assertThat(made.code()).as(made.err()).isZero();
      seenByS3fs = shell.sh("cd '" + mount + "/s3fs' && " + STAT).out();
      assertThat(seenByS3fs).contains("file regular file 640 1234 77 1500000000.25");
    } finally {
      // s3fs ends with its mount.
      shell.sh("timeout 30 umount '" + mount + "'");
    }
  }

  @AfterAll
  void stopServer() {
    if (proxy != null) {
      proxy.close();
    }
  }

  @BeforeEach
  void prepare(@TempDir Path forOne) {
    directory = forOne;
    tiermount =
        new Tiermount(
            directory,
            Map.of(
                "AWS_ACCESS_KEY_ID", S3Proxy.ACCESS_KEY,
                "AWS_SECRET_ACCESS_KEY", S3Proxy.SECRET_KEY));
    at = directory.resolve("mnt");
  }

  @AfterEach
  void cleanUp() throws Exception {
    tiermount.close();
  }

  private JsonNode mount(String options) throws Exception {
    return tiermount.mount(
        "s3://" + BUCKET, at, "endpoint=" + proxy.endpoint() + ",path_style=true" + options);
  }

  private Ended in(String line) throws Exception {
    return tiermount.sh("cd '" + at + "' && " + line);
  }

  private void assertSame(String name) throws Exception {
    Ended compared = in("cmp 'rclone/" + name + "' '" + written.resolve(name) + "'");
    assertThat(compared.code()).as(compared.out() + compared.err()).isZero();
  }

  @ParameterizedTest
  @ValueSource(strings = {"dev", "libfuse"})
  void r1_r2_r9_r35_all_that_rclone_and_s3fs_wrote_is_there(String transport) throws Exception {
    JsonNode report = mount(",fuse.transport=" + transport);
    assertThat(report.path("transport").asText()).isEqualTo(transport);
    assertThat(report.path("state").asText()).isEqualTo("ready");
    Ended compared = in("diff -r rclone '" + written + "'");
    assertThat(compared.out() + compared.err()).isEmpty();
    assertThat(compared.code()).isZero();
    assertThat(in("find rclone -type f | wc -l").out().strip())
        .isEqualTo(String.valueOf(SMALL_FILES + 2));
    assertThat(in("cd s3fs && " + STAT).out()).isEqualTo(seenByS3fs);
    assertThat(in("readlink s3fs/link; cat s3fs/link s3fs/file").out())
        .isEqualTo("dir/inner\ninnerby s3fs");
    JsonNode mount = tiermount.mount();
    assertThat(mount.path("path").asText()).isEqualTo(at.toString());
    assertThat(mount.path("source").asText()).isEqualTo("s3://" + BUCKET);
    assertThat(mount.path("passthrough").asBoolean()).isEqualTo(transport.equals("dev"));
    assertThat(mount.path("passthrough_off").isMissingNode()).isEqualTo(transport.equals("dev"));
    assertThat(mount.path("read_only").asBoolean()).isFalse();
    assertThat(mount.path("store").path("read").path("bytes").asLong()).isPositive();
    assertThat(mount.path("store").path("reach").asText()).isEqualTo("reachable");
    assertThat(mount.path("requests").path("READ").asLong()).isPositive();
    Ended unmounted = tiermount.run("umount", at.toString());
    assertThat(unmounted.code()).as(unmounted.err()).isZero();
    assertThat(at).isEmptyDirectory();
    tiermount.awaitNoDaemon();
    assertThat(tiermount.run("umount", at.toString()).code()).isEqualTo(3);
  }

  @Test
  void r15_r20_a_cached_file_is_read_without_daemon_or_store() throws Exception {
    mount(",fuse.transport=dev");
    assertSame("big");
    // The last close is told to the daemon in the background.
    while (tiermount.mount().path("open_files").asLong() > 0) {
      Thread.onSpinWait();
    }
    JsonNode before = tiermount.mount();
    assertSame("big");
    JsonNode after = tiermount.mount();
    assertThat(after.path("requests").path("READ")).isEqualTo(before.path("requests").path("READ"));
    assertThat(after.path("store").path("read")).isEqualTo(before.path("store").path("read"));
    assertThat(after.path("passthrough_opens").asLong()).isPositive();
  }

  @ParameterizedTest
  @ValueSource(strings = {"dev", "libfuse"})
  void r21_a_mapping_is_right_after_its_file_was_evicted(String transport) throws Exception {
    mount(",fuse.transport=" + transport);
    Ended warmed = tiermount.run("cache", "warm", at + "/rclone", "--json");
    assertThat(warmed.code()).as(warmed.err()).isZero();
    assertThat(tiermount.parse(warmed.out()).path("files").asInt()).isEqualTo(SMALL_FILES + 2);
    Process mapping =
        tiermount.start(
            List.of(
                "timeout",
                "90",
                "python3",
                "-c",
                """
                import hashlib, mmap, sys
                with open(sys.argv[1], "rb") as f:
                    m = mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ)
                print("mapped", flush=True)
                sys.stdin.readline()
                print(hashlib.sha256(m).hexdigest(), flush=True)
                """,
                at + "/rclone/big"));
    try (BufferedReader says = mapping.inputReader();
        BufferedWriter tell = mapping.outputWriter()) {
      assertThat(says.readLine()).isEqualTo("mapped");
      Ended evicted = tiermount.run("cache", "evict", at + "/rclone/big", "--json");
      assertThat(evicted.code()).as(evicted.err()).isZero();
      assertThat(tiermount.parse(evicted.out()).path("bytes").asLong()).isPositive();
      Files.writeString(Path.of("/proc/sys/vm/drop_caches"), "3");
      tell.write("\n");
      tell.flush();
      assertThat(says.readLine()).isEqualTo(sha256(written.resolve("big")));
    }
    assertSame("big");
    Ended verified = tiermount.run("cache", "verify", "--json");
    assertThat(verified.code()).as(verified.out()).isZero();
    assertThat(tiermount.parse(verified.out()).path("files").asLong()).isPositive();
  }

  private static String sha256(Path file) throws Exception {
    return HexFormat.of()
        .formatHex(MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file)));
  }

  @Test
  void r24_r30_after_kill_9_a_new_mount_clears_the_dead_one_and_its_cache_is_warm()
      throws Exception {
    mount("");
    assertSame("big");
    long pid = tiermount.daemon().path("pid").asLong();
    ProcessHandle daemon = ProcessHandle.of(pid).orElseThrow();
    assertThat(daemon.destroyForcibly()).isTrue();
    daemon.onExit().join();
    assertThat(in("ls").code()).as("the dead mount").isNotZero();
    assertThat(tiermount.run("status", "--json").code()).isEqualTo(3);
    mount("");
    assertThat(MountTable.ofProcess().entries().stream().filter(e -> e.path().equals(at)).count())
        .isEqualTo(1);
    assertSame("big");
    assertThat(tiermount.mount().path("store").path("read").isMissingNode())
        .as("nothing was read from the store")
        .isTrue();
  }

  @Test
  void r19_without_its_server_what_is_cached_is_read_and_status_says_why_the_rest_is_not()
      throws Exception {
    mount(",consistency.attr_ttl=0s,consistency.entry_ttl=0s");
    assertSame("big");
    assertThat(in("ls rclone").out()).isEqualTo("big\nother\nsmall\n");
    proxy.stop();
    try {
      Files.writeString(Path.of("/proc/sys/vm/drop_caches"), "3");
      assertSame("big");
      assertThat(in("ls rclone").out()).isEqualTo("big\nother\nsmall\n");
      assertThat(in("cat rclone/other").err()).contains("Input/output error");
      JsonNode mount = tiermount.mount();
      assertThat(mount.path("state").asText()).isEqualTo("degraded");
      assertThat(mount.path("reason").asText())
          .contains("the store can't be reached since", "nothing listens there");
    } finally {
      proxy.startAgain();
    }
    assertSame("other");
    assertSame("small/deeper/file 000 ä");
    assertSame("big");
    assertThat(tiermount.mount().path("state").asText()).isEqualTo("ready");
  }
}
