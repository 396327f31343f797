package io.tiermount.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.tiermount.backends.os.LibC;
import io.tiermount.backends.strict.StrictS3Server;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** J5, the other way round: keys in the environment of a mount command's caller. */
final class JobKeysTest {
  @Test
  void j5_a_callers_keys_serve_the_mount_it_ordered_and_no_other(@TempDir Path directory)
      throws Exception {
    assumeTrue(LibC.getuid() == 0, "mounts need root");
    try (StrictS3Server server = StrictS3Server.start()) {
      server.createBucket("bucket");
      Map<String, String> none = new HashMap<>();
      // Nothing else that keys could come from.
      none.put("HOME", directory.toString());
      none.put("AWS_EC2_METADATA_DISABLED", "true");
      Map<String, String> keys = new HashMap<>(none);
      keys.put("AWS_ACCESS_KEY_ID", server.options().accessKey());
      keys.put("AWS_SECRET_ACCESS_KEY", server.options().secretKey());
      String options =
          "path_style=true,region=" + server.options().region() + ",endpoint=" + server.endpoint();
      Path own = directory.resolve("own");
      Path others = directory.resolve("others");
      try (Tiermount caller = new Tiermount(directory, keys);
          Tiermount another = new Tiermount(directory, none)) {
        caller.mount("s3://bucket", own, options);
        Files.writeString(own.resolve("file"), "content");
        long daemon = caller.daemon().path("pid").asLong();

        another.mount("s3://bucket", others, options);

        assertThat(another.sh("cat '" + own.resolve("file") + "'").out()).isEqualTo("content");
        server.drain();
        Tiermount.Ended ended = another.sh("ls '" + others + "'");
        assertThat(ended.code()).isNotZero();
        assertThat(ended.out()).isEmpty();
        assertThat(server.drain()).as("signed with the first caller's keys").isEmpty();
        assertThat(Files.readString(Path.of("/proc/" + daemon + "/environ")))
            .doesNotContain("AWS_SECRET_ACCESS_KEY=");
      }
    }
  }
}
