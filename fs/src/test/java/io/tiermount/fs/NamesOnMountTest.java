package io.tiermount.fs;

import static org.assertj.core.api.Assertions.assertThat;

import io.tiermount.backends.FaultyStore;
import io.tiermount.fs.MountFixture.Options;
import io.tiermount.fs.fuse.FuseTransport;
import io.tiermount.fs.fuse.dev.DevFuseTransport;
import io.tiermount.fs.volume.VolumeOptions.AttributeMode;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/**
 * SEMANTICS R1, R2, R3, R4, R5, R6, R7, R8, R9, R10, R12, R29 over /dev/fuse; here what depends on
 * the single requests of the kernel.
 */
final class NamesOnMountTest extends NamesOnMountContract {
  @Override
  FuseTransport transport() {
    return new DevFuseTransport();
  }

  @Test
  void r10_attributes_list_shows_a_symlink_as_the_file_it_is_stored_as() throws Exception {
    bucket.put("link", "f".getBytes(StandardCharsets.UTF_8), null, Map.of("mode", "41471"));
    try (MountFixture mount =
        new MountFixture(
            dir, bucket.store(), Options.USUAL.attributes(AttributeMode.LIST), transport())) {
      assertThat(mount.sh("stat -c %F link; cat link").text()).isEqualTo("regular file\nf");
    }
  }

  @Test
  void r10_attributes_full_reads_them_once_and_only_when_somebody_asks() throws Exception {
    bucket.put("d/f", new byte[1], null, Map.of("mode", "33152", "uid", "1234"));
    bucket.put("d/link", "f".getBytes(StandardCharsets.UTF_8), null, Map.of("mode", "41471"));
    try (MountFixture mount = mount()) {
      assertThat(mount.sh("ls -f d").lines()).contains("f", "link");
      assertThat(bucket.calls().drain()).noneMatch(call -> call.startsWith("HEAD d/"));
      String all = mount.sh("stat -c '%a %u %F' d/f d/link").text();
      assertThat(all).isEqualTo("600 1234 regular file\n777 0 symbolic link\n");
      assertThat(bucket.calls().drain()).containsExactlyInAnyOrder("HEAD d/f", "HEAD d/link");
      MountFixture.dropKernelCaches();
      assertThat(mount.sh("stat -c '%a %u %F' d/f d/link").text()).isEqualTo(all);
      assertThat(bucket.calls().drain()).isEmpty();
    }
  }

  @Test
  void r12_the_first_page_is_answered_while_the_second_is_still_awaited() throws Exception {
    for (int i = 0; i < 1_500; i++) {
      bucket.put("many/f%05d".formatted(i), "x");
    }
    FaultyStore store = new FaultyStore(bucket.store());
    FaultyStore.Gate second = store.gate("LIST many/ delimiter token");
    try (MountFixture mount = new MountFixture(dir, store, Options.USUAL, transport());
        DirectoryStream<Path> entries = Files.newDirectoryStream(mount.mount().resolve("many"))) {
      Set<String> seen = new TreeSet<>();
      Iterator<Path> entry = entries.iterator();
      try {
        while (seen.size() < 100) {
          seen.add(String.valueOf(entry.next().getFileName()));
        }
      } finally {
        second.open();
      }
      entry.forEachRemaining(path -> seen.add(String.valueOf(path.getFileName())));
      assertThat(seen).hasSize(1_500).contains("f00000", "f01499");
    }
  }
}
