package io.tiermount.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.tiermount.backends.os.LibC;
import io.tiermount.backends.strict.StrictS3Options;
import io.tiermount.backends.strict.StrictS3Server;
import io.tiermount.daemon.Tiermount.Ended;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * SEMANTICS R31, S16, with the program itself and a server that denies everything outside of the
 * prefix and writes down what it is asked. {@code MountFixture} shows the same of every mount of
 * the suite of {@code fs}.
 */
class PrefixIsolationWritesTest {
  private static final String BUCKET = "bucket";
  private static final int SENT_BEFORE_THE_KILL = 5;
  private static final String PREFIX = "org/cloud/users/ann/";

  @TempDir Path directory;
  private Tiermount tiermount = new Tiermount(Path.of("."), Map.of());
  private Path at = Path.of(".");
  private StrictS3Server server;

  PrefixIsolationWritesTest() throws IOException {
    server = StrictS3Server.start(StrictS3Options.DEFAULTS.withOnlyPrefix(PREFIX));
  }

  @BeforeEach
  void start() throws IOException {
    assumeTrue(LibC.getuid() == 0, "mounts need root");
    server.createBucket(BUCKET);
    at = Files.createDirectories(directory.resolve("mnt"));
    tiermount =
        new Tiermount(
            directory,
            Map.of(
                "AWS_ACCESS_KEY_ID", server.options().accessKey(),
                "AWS_SECRET_ACCESS_KEY", server.options().secretKey()));
  }

  @AfterEach
  void end() throws IOException {
    tiermount.close();
    server.close();
  }

  private void mount(String options) throws Exception {
    assertThat(
            tiermount
                .mount(
                    "s3://" + BUCKET + "/" + PREFIX,
                    at,
                    "endpoint=" + server.endpoint() + ",path_style=true" + options)
                .path("state")
                .asText())
        .isEqualTo("ready");
  }

  private String sh(String line) throws Exception {
    Ended ended = tiermount.sh("set -e; cd '" + at + "'; " + line);
    assertThat(ended.code()).as("%s: %s", line, ended.err()).isZero();
    return ended.out();
  }

  private void awaitSent() throws Exception {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (tiermount.mount().path("pending_changes").asInt() > 0) {
      assertThat(System.nanoTime()).as("all is sent").isLessThan(end);
    }
  }

  /** Everything was asked below the prefix, and nothing was denied or failed for it. */
  private void nothingOutside() {
    List<String> requests = server.requests();
    assertThat(requests).isNotEmpty();
    assertThat(requests.stream().filter(line -> !isInside(line)).toList()).isEmpty();
  }

  /** A line as {@link StrictS3Server} writes it. */
  private static boolean isInside(String line) {
    String own = "/" + BUCKET + "/" + PREFIX;
    String path = line.substring(line.indexOf(' ') + 1);
    int copy = path.indexOf(" copy=/");
    String source = copy < 0 ? own : path.substring(copy + " copy=/".length());
    boolean ofBucket = path.startsWith("/" + BUCKET + "?");
    return (ofBucket ? path.contains("prefix=" + PREFIX) : path.startsWith(own))
        && ("/" + source).replaceFirst("^/+", "/").startsWith(own);
  }

  /** The check itself: what it must not let pass. */
  @Test
  void a_request_outside_would_be_seen() {
    assertThat(
            List.of(
                "HEAD /bucket",
                "GET /bucket?list-type=2",
                "GET /bucket?list-type=2&prefix=org/cloud/",
                "HEAD /bucket/org/cloud/users/ann",
                "GET /bucket/org/cloud/users/bob/f",
                "PUT /bucket/org/cloud/users/ann/f copy=/bucket/org/cloud/users/bob/f"))
        .noneMatch(PrefixIsolationWritesTest::isInside);
    assertThat(
            List.of(
                "GET /bucket?list-type=2&prefix=org/cloud/users/ann/",
                "HEAD /bucket/org/cloud/users/ann/f",
                "PUT /bucket/org/cloud/users/ann/f copy=/bucket/org/cloud/users/ann/g"))
        .allMatch(PrefixIsolationWritesTest::isInside);
  }

  /** S16. */
  @ParameterizedTest
  @ValueSource(strings = {"remote", "local"})
  void s16_nothing_outside_of_the_prefix_is_asked_for(String durability) throws Exception {
    String options =
        ",write.durability="
            + durability
            + ",write.max_dirty_age=1s,consistency.attr_ttl=0s,quota.max_bytes=1G,quota.max_objects=1000";
    mount(options);
    // Names in the root, whose parent is not ours; markers, symlinks, attributes, uploads in parts.
    sh(
        """
        ls -la; stat . >/dev/null; [ ! -e nothing ]
        mkdir -p d/e; echo one > d/e/f; echo two > top; ln -s d/e/f link; cat link
        chmod 640 top; touch -d @1700000000 top; mv top d/moved; rm d/e/f; rmdir d/e
        head -c 40000000 /dev/urandom > large; cksum < large > sum
        printf changed | dd of=large bs=1 seek=20000000 conv=notrunc 2>/dev/null
        for i in 1 2 3 4 5; do echo $i > d/$i; done; mv d renamed; cat renamed/3
        cp renamed/3 again; mv again renamed/4; cat renamed/4; truncate -s 3 renamed/5
        set +e; mkdir renamed 2>/dev/null; rmdir renamed 2>/dev/null; ls .. >/dev/null
        """);
    awaitSent();
    assertThat(sh("df . >/dev/null; ls; ls renamed; cat renamed/moved"))
        .isEqualTo(
            "large\\nlink\\nrenamed\\nsum\\n1\\n2\\n3\\n4\\n5\\nmoved\\ntwo\\n".translateEscapes());
    nothingOutside();
    killUnderAWriter();
    mount(options);
    assertThat(sh("ls renamed; cat renamed/moved link 2>/dev/null || true; cksum < large"))
        .startsWith("1\\n2\\n3\\n4\\n5\\nmoved\\ntwo\\n".translateEscapes());
    awaitSent();
    // The kernel's caches are empty: everything is asked anew.
    assertThat(tiermount.run("umount", at.toString()).code()).isZero();
    tiermount.awaitNoDaemon();
    mount(options);
    sh("find . -type f -exec cat {} + > /dev/null; rm -r renamed; rm large link sum");
    awaitSent();
    assertThat(tiermount.run("umount", at.toString()).code()).isZero();
    tiermount.awaitNoDaemon();
    nothingOutside();
  }

  private void killUnderAWriter() throws Exception {
    ProcessHandle daemon = ProcessHandle.of(tiermount.daemon().path("pid").asLong()).orElseThrow();
    // Files that are just being sent, and a directory on its way to another name.
    Process writer =
        tiermount.start(
            List.of(
                "sh",
                "-c",
                "cd '"
                    + at
                    + "' && mkdir w && for i in $(seq 1000); do echo $i > w/$i; mv w/$i w/r$i; done"
                    + " 2>/dev/null"));
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (server.requests().stream()
            .filter(line -> line.startsWith("PUT") && line.contains("/w/"))
            .count()
        < SENT_BEFORE_THE_KILL) {
      assertThat(System.nanoTime()).as("the writer's files are sent").isLessThan(end);
      TimeUnit.MILLISECONDS.sleep(5);
    }
    daemon.destroyForcibly();
    daemon.onExit().get(30, TimeUnit.SECONDS);
    assertThat(writer.waitFor(30, TimeUnit.SECONDS)).isTrue();
  }
}
