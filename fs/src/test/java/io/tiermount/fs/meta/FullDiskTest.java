package io.tiermount.fs.meta;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.tiermount.backends.os.LibC;
import io.tiermount.fs.meta.MetaException.Kind;
import io.tiermount.fs.meta.StateStore.Durability;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A full disk under the state, on a file system of its own. */
class FullDiskTest {
  @TempDir Path directory;

  private final MetaMemory memory = new MetaMemory(16 << 20);
  private @Nullable Path mounted;

  @BeforeEach
  void mount() throws IOException {
    assumeThat(LibC.getuid()).as("root may mount").isZero();
    Path disk = Files.createDirectory(directory.resolve("disk"));
    LibC.mount("tmpfs", disk.toString(), "tmpfs", 0, "size=256m,mode=700");
    mounted = disk;
  }

  @AfterEach
  void unmount() throws IOException {
    memory.close();
    if (mounted != null) {
      LibC.umount2(mounted.toString(), LibC.MNT_DETACH);
    }
  }

  @Test
  void a_full_disk_takes_changes_of_the_state_from_its_ballast_and_loses_none() throws Exception {
    Path disk = directory.resolve("disk");
    Path filler = disk.resolve("filler");
    byte[] value = new byte[1000];
    new Random(1).nextBytes(value); // Not to be compressed away.
    int written = 0;
    try (StateStore state = StateStore.open(disk.resolve("state"), memory)) {
      KeyValue nodes = state.column(StateColumn.NODES);
      for (; written < 1000; written++) {
        nodes.put(written, value);
      }
      fill(disk, filler);
      // 8 MB of changes fit into the ballast.
      for (; written < 9000; written++) {
        int id = written;
        Durability durability = id % 500 == 0 ? Durability.POWER_LOSS : Durability.KILL;
        state.batch(durability, batch -> batch.put(nodes, KeyValue.key(id), value));
      }
      assertThat(state.reopened()).isPositive();
      assertThat(disk.resolve("state.ballast")).doesNotExist();
      written = writeUntilFull(nodes, written, value);
      Files.delete(filler);
      nodes.put(written++, value);
      for (int i = 0; i < written; i++) {
        assertThat(nodes.get(i)).as("node %d", i).hasSize(1000);
      }
    }
    try (StateStore state = StateStore.open(disk.resolve("state"), memory)) {
      KeyValue nodes = state.column(StateColumn.NODES);
      for (int i = 0; i < written; i++) {
        assertThat(nodes.get(i)).as("node %d", i).hasSize(1000);
      }
      assertThat(disk.resolve("state.ballast")).exists();
    }
  }

  private static int writeUntilFull(KeyValue nodes, int from, byte[] value) {
    for (int id = from; id < from + 200_000; id++) {
      try {
        byte[] other = value.clone();
        new Random(id).nextBytes(other);
        nodes.put(id, other);
      } catch (MetaException e) {
        assertThat(e.kind()).isEqualTo(Kind.FULL);
        assertThat(e).hasMessageContaining("free some space");
        return id;
      }
    }
    throw new AssertionError("the disk did not become full");
  }

  private static void fill(Path disk, Path filler) throws IOException {
    try (FileChannel channel =
        FileChannel.open(filler, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      ByteBuffer block = ByteBuffer.allocate(4 << 10);
      while (true) {
        channel.write(block.clear());
      }
    } catch (IOException e) {
      assertThat(Files.getFileStore(disk).getUsableSpace()).isZero();
    }
  }
}
