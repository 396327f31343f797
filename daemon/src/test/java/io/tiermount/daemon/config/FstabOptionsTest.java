package io.tiermount.daemon.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** SEMANTICS B2: the fourth column of /etc/fstab. */
final class FstabOptionsTest {
  private static List<String> translated(String... given) throws InvalidConfigException {
    return FstabOptions.parse(List.of(given), false).options();
  }

  @Test
  void b2_what_mount_and_systemd_read_for_themselves_is_left_aside() throws InvalidConfigException {
    assertThat(
            translated(
                "defaults,_netdev,nofail,noauto,user=ann,x-systemd.automount,"
                    + "x-systemd.requires=tiermount.service,X-mount.mkdir,comment=mine,noatime",
                "nosuid,nodev,relatime,allow_other"))
        .isEmpty();
    assertThat(translated("rw", "ro")).containsExactly("read_only=false", "read_only=true");
    assertThat(translated("credentials=minio,cache.max_used_bytes=10G"))
        .containsExactly("credentials=minio", "cache.max_used_bytes=10G");
  }

  @Test
  void noexec_is_kept_as_a_flag_of_the_mount() throws InvalidConfigException {
    assertThat(FstabOptions.parse(List.of("rw,noexec"), false).noexec()).isTrue();
    assertThat(FstabOptions.parse(List.of("rw,exec"), false).noexec()).isFalse();
  }

  @Test
  void commas_in_lists_survive_the_way_to_the_daemon() throws InvalidConfigException {
    List<String> options = translated("ro,permissions.allow=[\"root\",5],region=a\\,b");
    assertThat(options.stream().flatMap(each -> CommandLine.split(each).stream()))
        .containsExactly("read_only=true", "permissions.allow=[\"root\",5]", "region=a,b");
  }

  @ParameterizedTest
  @ValueSource(strings = {"suid", "dev", "sync", "dirsync", "remount", "mand", "strictatime"})
  void b2_what_cannot_be_kept_is_refused_by_name(String option) {
    assertThatExceptionOfType(InvalidConfigException.class)
        .isThrownBy(() -> translated("rw," + option))
        .withMessageContaining("-o " + option);
  }

  @Test
  void an_unknown_option_is_an_error_later_and_left_out_where_mount_says_sloppy()
      throws InvalidConfigException {
    assertThat(translated("endpiont=http://x")).containsExactly("endpiont=http://x");
    assertThat(FstabOptions.parse(List.of("endpiont=http://x,region=eu"), true).options())
        .containsExactly("region=eu");
    assertThatExceptionOfType(InvalidConfigException.class)
        .isThrownBy(() ->
            new ConfigParser(Map.of(), new FixedNode())
                .parseMount("s3://bucket", Path.of("/mnt/x"), translated("endpiont=http://x")))
        .withMessageContaining("did you mean endpoint?");
  }
}
