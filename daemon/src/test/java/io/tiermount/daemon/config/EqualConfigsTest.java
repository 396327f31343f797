package io.tiermount.daemon.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * SEMANTICS G2: what is written the same is the same, or a reload would mount everything anew. A
 * value without equality of its own in any record under a mount is found here.
 */
final class EqualConfigsTest {
  private static final String TEXT =
      """
      storage.cache { default_base_dir = /c, size.max_used_bytes = 1G }
      storage.direct_access = [ { url = "s3://raw/*" }, { content_type = "video/*" } ]
      credentials.k { type = s3, access_key = a, secret_key = b }
      identity { org = o, cloud = c, user = u }
      mounts {
        all {
          path = /mnt/all, scope = shared, source = "s3://bucket/prefix", credentials = k
          endpoint = "https://host:9000", region = eu-north-1, verify = /etc/ssl/ca.pem
          permissions { owner = 7, umask = "0022", allow = [ 1000, "@1000" ], deny = [ 1 ], uid_map { 5 = 6 } }
          consistency { attr_ttl = 5s, revalidate_on_open = always }
          write { durability = local, max_dirty_age = 9s, upload_threads = 3 }
          cache { quota = 1G, priority = 7, pin = [ "a/**" ] }
          quota { max_bytes = 1T, max_objects = 5 }
          put { sse = AES256, storage_class = STANDARD_IA }
        }
        user { path = /mnt/user, scope = user, source = "s3://bucket", permissions.allow = [ "*" ] }
        bucket { path = /mnt/bucket, scope = local, source = "file:///dir?as=bucket" }
        bind { path = /mnt/bind, scope = local, source = "file:///dir" }
      }
      """;

  @Test
  void g2_what_is_written_the_same_is_the_same(@TempDir Path directory) throws Exception {
    Path file = Files.writeString(directory.resolve("mounts.conf"), TEXT);
    TiermountConfig one = parse(file);
    TiermountConfig other = parse(file);
    assertThat(one.mounts()).hasSize(4).isEqualTo(other.mounts());
    assertThat(one.cache()).isEqualTo(other.cache());
    assertThat(one.node()).isEqualTo(other.node());
  }

  @Test
  void g4_keys_times_and_counts_are_live_and_nothing_else(@TempDir Path directory)
      throws Exception {
    for (String live :
        List.of(
            "secret_key = b|secret_key = other",
            "attr_ttl = 5s|attr_ttl = 6s",
            "= always|= ttl",
            "max_dirty_age = 9s|max_dirty_age = 8s",
            "upload_threads = 3|upload_threads = 4")) {
      assertThat(live(directory, live)).as(live).isTrue();
    }
    for (String fixed :
        List.of(
            "= always|= never",
            "durability = local|durability = remote",
            "bucket/prefix|bucket/other",
            "host:9000|host:9001",
            "raw/*|rare/*",
            "umask = \"0022\"|umask = \"0002\"",
            "max_objects = 5|max_objects = 6",
            "AES256|\"aws:kms\"")) {
      assertThat(live(directory, fixed)).as(fixed).isFalse();
    }
  }

  private static boolean live(Path directory, String change) throws Exception {
    String[] parts = change.split("\\|", -1);
    assertThat(TEXT).contains(parts[0]);
    MountConfig before = all(parse(Files.writeString(directory.resolve("a.conf"), TEXT)));
    MountConfig after =
        all(
            parse(
                Files.writeString(directory.resolve("b.conf"), TEXT.replace(parts[0], parts[1]))));
    assertThat(after).isNotEqualTo(before);
    return before.differsInLivePartsAlone(after);
  }

  private static MountConfig all(TiermountConfig config) {
    return config.mounts().stream()
        .filter(mount -> mount.name().equals("all"))
        .findFirst()
        .orElseThrow();
  }

  private static TiermountConfig parse(Path file) throws Exception {
    return new ConfigParser(Map.of(), new ThisNode()).parseFiles(List.of(file));
  }
}
