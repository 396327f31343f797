package io.tiermount.fs.fuse.dev;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class MountTableTest {
  @Test
  void a_line_parses_with_and_without_optional_fields() {
    assertThat(
            MountTable.parse(
                "36 35 0:52 / /mnt/with\\040space rw,noatime - fuse.tiermount s3://b rw"))
        .isEqualTo(new MountTable.Entry("0:52", "/mnt/with space", "fuse.tiermount", "s3://b"));
    assertThat(
            MountTable.parse(
                "36 35 98:0 /r /mnt/b\\134s rw master:1 shared:2 - ext4 /dev/\\303\\244 rw"))
        .isEqualTo(new MountTable.Entry("98:0", "/mnt/b\\s", "ext4", "/dev/ä"));
  }

  @Test
  void the_root_and_proc_are_found() throws IOException {
    assertThat(MountTable.topmost(Path.of("/"))).isNotNull();
    assertThat(MountTable.topmost(Path.of("/proc")))
        .isNotNull()
        .extracting(MountTable.Entry::type)
        .isEqualTo("proc");
    assertThat(MountTable.topmost(Path.of("/no/such/mount"))).isNull();
  }
}
