package io.tiermount.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.tiermount.backends.ByteSource;
import io.tiermount.backends.Credentials;
import io.tiermount.backends.ObjectAttributes;
import io.tiermount.backends.ObjectStore;
import io.tiermount.backends.WriteCondition;
import io.tiermount.backends.os.LibC;
import io.tiermount.backends.s3.S3Options;
import io.tiermount.backends.s3.S3Store;
import io.tiermount.backends.strict.StrictS3Options;
import io.tiermount.backends.strict.StrictS3Server;
import io.tiermount.daemon.Tiermount.Ended;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** SEMANTICS R31: keys that allow one prefix are enough, and nobody asks for more. */
final class PrefixIsolationTest {
  private static final String PREFIX = "team/a/";
  private static final StrictS3Options OPTIONS = StrictS3Options.DEFAULTS.withOnlyPrefix(PREFIX);

  @TempDir private Path directory = Path.of("");

  private static void fill(StrictS3Server server) throws Exception {
    server.createBucket("bucket");
    S3Options options =
        new S3Options(
            "bucket",
            server.endpoint(),
            OPTIONS.region(),
            true,
            new Credentials.S3Static(OPTIONS.accessKey(), OPTIONS.secretKey(), null),
            true,
            null,
            true,
            4,
            Duration.ofSeconds(30),
            2,
            Duration.ofMillis(10));
    try (ObjectStore store = new S3Store(options)) {
      for (String key : List.of("top", "d/file", "d/deeper/file", "marked/")) {
        String text = key.endsWith("/") ? "" : key;
        store.put(
            PREFIX + key,
            ByteSource.of(text.getBytes(StandardCharsets.UTF_8)),
            new ObjectAttributes(null, Map.of()),
            WriteCondition.ALWAYS);
      }
    }
    server.drain();
  }

  @Test
  void r31_everything_works_and_no_request_leaves_the_prefix() throws Exception {
    assumeTrue(LibC.getuid() == 0, "mounts need root");
    Map<String, String> keys =
        Map.of(
            "AWS_ACCESS_KEY_ID", OPTIONS.accessKey(), "AWS_SECRET_ACCESS_KEY", OPTIONS.secretKey());
    try (StrictS3Server server = StrictS3Server.start(OPTIONS);
        Tiermount tiermount = new Tiermount(directory, keys)) {
      fill(server);
      Path at = directory.resolve("mnt");
      tiermount.mount("s3://bucket/team/a", at, "path_style=true,endpoint=" + server.endpoint());
      assertThat(server.requests()).as("R28").isEmpty();
      Ended listed = tiermount.sh("cd '" + at + "' && ls -R .");
      assertThat(listed.err()).isEmpty();
      assertThat(listed.out().lines())
          .containsExactly(
              ".:",
              "d",
              "marked",
              "top",
              "",
              "./d:",
              "deeper",
              "file",
              "",
              "./d/deeper:",
              "file",
              "",
              "./marked:");
      Ended read =
          tiermount.sh("cd '" + at + "' && cat top d/file d/deeper/file && cd d/.. && ls -la ..");
      assertThat(read.err()).isEmpty();
      assertThat(read.out()).startsWith("topd/filed/deeper/file");
      for (String missing : List.of("none", "d/none", "none/none", ".hidden", "top/x", "%tm.dot")) {
        assertThat(tiermount.sh("stat '" + at + "/" + missing + "'").err())
            .containsAnyOf("No such file or directory", "Not a directory");
      }
      assertThat(tiermount.sh("stat -f '" + at + "' && df '" + at + "'").code()).isZero();
      assertThat(tiermount.run("cache", "warm", at.toString()).code()).isZero();
      assertThat(tiermount.mount().path("state").asText()).isEqualTo("ready");
      assertThat(tiermount.run("umount", at.toString()).code()).isZero();
      assertThat(server.requests())
          .isNotEmpty()
          .allMatch(line ->
              line.matches("(GET|HEAD) /bucket/" + PREFIX + ".+")
                  || line.matches("GET /bucket/?\\?.*\\bprefix=" + PREFIX + ".*"));
    }
  }
}
