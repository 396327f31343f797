package io.tiermount.fs;

import static org.assertj.core.api.Assertions.assertThat;

import io.tiermount.fs.MountFixture.Options;
import io.tiermount.fs.cache.ContentKey;
import io.tiermount.fs.volume.VolumeOptions.Revalidate;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** SEMANTICS R17, R18, R21: one descriptor, one version. */
class VersionsTest {
  private static final int SIZE = 5 << 20;

  @TempDir Path dir;
  private final Bucket bucket = new Bucket();

  private MountFixture mount(Revalidate revalidate) throws Exception {
    return new MountFixture(
        dir, bucket.store(), Options.USUAL.ttl(Duration.ZERO).revalidate(revalidate));
  }

  @Test
  void r17_a_replaced_object_is_seen_by_the_next_open_and_the_old_descriptor_keeps_its_own()
      throws Exception {
    for (boolean cachedFirst : new boolean[] {true, false}) {
      byte[] before = Bucket.bytes(SIZE, 1);
      byte[] after = Bucket.bytes(SIZE + 4096, 2);
      bucket.put("f", before);
      try (MountFixture mount =
          new MountFixture(
              dir.resolve("case" + cachedFirst),
              bucket.store(),
              Options.USUAL.ttl(Duration.ZERO).revalidate(Revalidate.ALWAYS))) {
        String ino = mount.sh("stat -c %i f").text();
        if (cachedFirst) {
          assertThat(mount.cat("f")).isEqualTo(before);
          MountFixture.await(() -> mount.handles().openFiles() == 0);
        }
        try (RandomAccessFile old = new RandomAccessFile(mount.path("f"), "r")) {
          byte[] read = new byte[SIZE];
          old.readFully(read);
          assertThat(Arrays.equals(read, before)).isTrue();
          bucket.put("f", after);
          assertThat(mount.cat("f")).isEqualTo(after);
          assertThat(mount.cat("f")).isEqualTo(after);
          old.seek(0);
          old.readFully(read);
          assertThat(Arrays.equals(read, before)).as("cached first: %s", cachedFirst).isTrue();
          assertThat(old.length()).isEqualTo(SIZE);
        }
        assertThat(mount.cat("f")).isEqualTo(after);
        assertThat(mount.sh("stat -c %i f").text()).as("R8").isEqualTo(ino);
      }
    }
  }

  @Test
  void r17_bytes_of_a_version_that_is_gone_give_estale_never_anothers() throws Exception {
    byte[] before = Bucket.bytes(40 << 20, 1);
    bucket.put("f", before);
    try (MountFixture mount = mount(Revalidate.TTL);
        RandomAccessFile old = new RandomAccessFile(mount.path("f"), "r")) {
      byte[] read = new byte[4096];
      old.readFully(read);
      bucket.put("f", Bucket.bytes(40 << 20, 2));
      old.seek(39 << 20);
      try {
        old.readFully(read);
        assertThat(read).isEqualTo(Arrays.copyOfRange(before, 39 << 20, (39 << 20) + 4096));
      } catch (IOException e) {
        assertThat(e).hasMessageContaining("Stale file handle");
      }
    }
  }

  @Test
  void r18_a_deleted_object_is_gone_for_the_next_and_kept_for_those_who_have_it() throws Exception {
    byte[] bytes = Bucket.bytes(SIZE, 1);
    bucket.put("f", bytes);
    try (MountFixture mount = mount(Revalidate.TTL)) {
      assertThat(mount.cat("f")).isEqualTo(bytes);
      try (RandomAccessFile old = new RandomAccessFile(mount.path("f"), "r")) {
        bucket.delete("f");
        assertThat(mount.sh("cat f").err()).contains("No such file");
        byte[] read = new byte[SIZE];
        old.readFully(read);
        assertThat(Arrays.equals(read, bytes)).isTrue();
      }
      bucket.put("f", "back");
      assertThat(mount.sh("cat f").text()).isEqualTo("back");
    }
  }

  @Test
  void r21_a_mapping_outlives_its_descriptor_and_the_eviction_of_its_file() throws Exception {
    byte[] bytes = Bucket.bytes(SIZE, 1);
    bucket.put("f", bytes);
    try (MountFixture mount = new MountFixture(dir, bucket.store(), Options.USUAL)) {
      mount.cat("f");
      MountFixture.await(() -> mount.handles().openFiles() == 0);
      MappedByteBuffer mapping;
      try (FileChannel channel =
          FileChannel.open(Path.of(mount.path("f")), StandardOpenOption.READ)) {
        mapping = channel.map(MapMode.READ_ONLY, 0, SIZE);
      }
      assertThat(mount.handles().passthroughOpens()).isEqualTo(1);
      MountFixture.await(() -> mount.handles().openFiles() == 0);
      ContentKey key =
          new ContentKey("test", "f", bucket.store().head("f").orElseThrow().version());
      assertThat(mount.cache().evict(key)).isPositive();
      assertThat(mount.cache().contains(key)).isFalse();
      MountFixture.dropKernelCaches();
      byte[] seen = new byte[SIZE];
      mapping.get(seen);
      assertThat(Arrays.equals(seen, bytes)).isTrue();
      assertThat(mount.cat("f")).as("fetched anew").isEqualTo(bytes);
    }
  }

  @Test
  void r17_with_revalidation_always_an_open_asks_even_while_attributes_are_fresh()
      throws Exception {
    bucket.put("f", "before");
    Options always = Options.USUAL.revalidate(Revalidate.ALWAYS);
    try (MountFixture mount = new MountFixture(dir, bucket.store(), always)) {
      assertThat(mount.sh("cat f").text()).isEqualTo("before");
      bucket.put("f", "afterwards");
      assertThat(mount.sh("cat f").text()).isEqualTo("afterwards");
    }
  }
}
