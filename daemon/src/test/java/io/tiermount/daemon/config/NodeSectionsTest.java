package io.tiermount.daemon.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.tiermount.backends.Credentials;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** SEMANTICS B3: a mount without a file on a node that has files. */
final class NodeSectionsTest {
  @TempDir private Path directory = Path.of("");

  private TiermountConfig mount(String... options) throws InvalidConfigException {
    return new ConfigParser(
            Map.of("TIERMOUNT_CONFIG_DIR", directory.toString(), "SECRET", "hush"), new FixedNode())
        .parseMount("s3://bucket", Path.of("/mnt/x"), List.of(options));
  }

  private static Credentials credentials(TiermountConfig config) {
    return ((SourceConfig.S3) config.mounts().getFirst().source()).options().credentials();
  }

  @Test
  void b3_the_nodes_credentials_cache_and_identity_hold_and_its_mounts_do_not()
      throws IOException, InvalidConfigException {
    Files.writeString(
        directory.resolve("mounts.conf"),
        """
        storage.cache { dirs = [ { path = /nvme0/c }, { path = /nvme1/c } ] }
        memory.max = 1G
        identity { org = acme, cloud = c1 }
        fuse.passthrough = off
        mounts { x { path = /mnt/x, scope = shared, source = "s3://other" } }
        """);
    Files.writeString(
        directory.resolve("credentials.conf"),
        "minio { type = s3, access_key = AKIA, secret_key = ${SECRET} }");
    TiermountConfig config = mount("credentials=minio", "scope=shared");
    assertThat(config.mounts()).hasSize(1);
    MountConfig mount = config.mounts().getFirst();
    assertThat(mount.source().url()).isEqualTo("s3://bucket");
    assertThat(mount.volume().prefix()).isEqualTo("acme/c1/shared/");
    assertThat(mount.fuse().passthrough()).isFalse();
    assertThat(credentials(config)).isInstanceOf(Credentials.S3Static.class);
    assertThat(config.memoryMaxBytes()).isEqualTo(1L << 30);
    assertThat(config.cache().directories())
        .extracting(each -> each.path().toString())
        .containsExactly("/nvme0/c", "/nvme1/c");
    assertThat(credentials(mount())).isInstanceOf(Credentials.Chain.class);
    assertThat(mount("cache.dir=/elsewhere").cache().directories())
        .extracting(each -> each.path().toString())
        .containsExactly("/elsewhere");
  }

  @Test
  void errors_of_the_nodes_mounts_are_not_this_mounts_and_those_of_the_rest_are()
      throws IOException, InvalidConfigException {
    Path file = directory.resolve("mounts.conf");
    Files.writeString(file, "mounts { y { paht = /y } }");
    assertThat(mount().mounts()).hasSize(1);
    Files.writeString(file, "memroy.max = 1G");
    assertThatExceptionOfType(InvalidConfigException.class)
        .isThrownBy(() -> mount())
        .withMessageContaining("did you mean memory?");
  }

  @Test
  void a_node_without_files_and_an_unknown_entry() throws InvalidConfigException {
    assertThat(mount().mounts()).hasSize(1);
    assertThatExceptionOfType(InvalidConfigException.class)
        .isThrownBy(() -> mount("credentials=minio"))
        .withMessageContaining("minio");
  }
}
