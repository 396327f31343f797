package io.tiermount.fs;

import static org.assertj.core.api.Assertions.assertThat;

import io.tiermount.backends.FaultyStore;
import io.tiermount.fs.MountFixture.Options;
import io.tiermount.fs.volume.VolumeOptions.Revalidate;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** SEMANTICS R19: a store that can't be reached, and comes back. */
class StoreDownTest {
  private static final byte[] BIG = Bucket.bytes(5 << 20, 1);
  private static final String EIO = "Input/output error";

  @TempDir Path dir;
  private final Bucket bucket = new Bucket();
  private final FaultyStore store = new FaultyStore(bucket.store());

  private void fill() throws Exception {
    bucket.put("d/big", BIG).put("d/small", "hello").put("d/cold", Bucket.bytes(3 << 20, 2));
    bucket.put("unknown", "x").put("unlisted/x", "x");
  }

  /** Everything that stays and everything that can't, with names that count as old at once. */
  private void downAndBack(Options options) throws Exception {
    fill();
    try (MountFixture mount = new MountFixture(dir, store, options)) {
      assertThat(mount.cat("d/big")).isEqualTo(BIG);
      mount.cat("d/small");
      List<String> listed = mount.sh("ls -A d").lines();
      assertThat(listed).containsExactly("big", "cold", "small");
      String stat = mount.sh("stat -c '%n %i %s %a %Y' d/*").text();
      store.setDown(true);
      for (int round = 0; round < 3; round++) {
        MountFixture.dropKernelCaches();
        assertThat(mount.cat("d/big")).isEqualTo(BIG);
        assertThat(mount.cat("d/small")).asString(StandardCharsets.UTF_8).isEqualTo("hello");
        assertThat(mount.sh("ls -A d").lines()).isEqualTo(listed);
        assertThat(mount.sh("stat -c '%n %i %s %a %Y' d/*").text()).isEqualTo(stat);
        assertThat(mount.sh("cat d/cold").err()).as("not cached").contains(EIO);
        assertThat(mount.sh("stat unknown").err()).as("not known").contains(EIO);
        assertThat(mount.sh("ls unlisted").err()).as("not listed").contains(EIO);
      }
      store.setDown(false);
      assertThat(mount.sh("cat unknown").text()).isEqualTo("x");
      assertThat(mount.sh("ls unlisted").text()).isEqualTo("x\n");
      assertThat(mount.cat("d/cold")).isEqualTo(Bucket.bytes(3 << 20, 2));
      assertThat(mount.cat("d/big")).isEqualTo(BIG);
    }
  }

  @Test
  void r19_with_fresh_names_what_is_known_stays_and_the_rest_is_eio() throws Exception {
    downAndBack(Options.USUAL);
  }

  @Test
  void r19_with_names_that_are_old_at_once_what_is_known_stays_too() throws Exception {
    downAndBack(Options.USUAL.ttl(Duration.ZERO));
  }

  @Test
  void r19_opens_that_always_ask_fall_back_to_what_is_known() throws Exception {
    downAndBack(Options.USUAL.ttl(Duration.ZERO).revalidate(Revalidate.ALWAYS));
  }

  @Test
  void r19_a_mount_that_starts_while_the_store_is_down_serves_what_an_earlier_one_cached()
      throws Exception {
    fill();
    try (MountFixture mount = new MountFixture(dir, store, Options.USUAL.ttl(Duration.ZERO))) {
      assertThat(mount.cat("d/big")).isEqualTo(BIG);
      mount.sh("ls d");
    }
    store.setDown(true);
    try (MountFixture mount = new MountFixture(dir, store, Options.USUAL.ttl(Duration.ZERO))) {
      assertThat(mount.cat("d/big")).isEqualTo(BIG);
      assertThat(mount.sh("ls d").lines()).containsExactly("big", "cold", "small");
      assertThat(mount.sh("cat unknown").err()).contains(EIO);
      store.setDown(false);
      assertThat(mount.sh("cat unknown").text()).isEqualTo("x");
    }
  }
}
