package io.tiermount.fs.fuse.dev;

import static org.assertj.core.api.Assertions.assertThat;

import io.tiermount.fs.fuse.MemoryTree;
import io.tiermount.fs.fuse.MountOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DevUnmountTest {
  @TempDir private Path dir;

  /** As containers and sandboxed services do to every mount of their host. */
  @Test
  void close_ends_a_mount_that_another_mount_namespace_holds() throws Exception {
    Path mount = Files.createDirectory(dir.resolve("mount"));
    MemoryTree tree = new MemoryTree();
    tree.file("file", new byte[10]);
    DevFuseTransport transport = new DevFuseTransport();
    Process holder = null;
    try {
      transport.start(new MountOptions(mount, "memory", false, true, 1 << 20, false, 0), tree);
      holder =
          new ProcessBuilder("unshare", "--mount", "--propagation", "private", "sleep", "600")
              .start();
      Path mounts = Path.of("/proc/" + holder.pid() + "/mountinfo");
      awaitSleeping(holder, mounts);
      transport.close();
      assertThat(tree.timesDestroyed()).isEqualTo(1);
      assertThat(mount).isEmptyDirectory();
      assertThat(Files.readString(mounts)).as("its own copy, dead now").contains(mount.toString());
    } finally {
      transport.close();
      if (holder != null) {
        holder.destroyForcibly().waitFor();
      }
    }
  }

  /** Once unshare has become sleep the namespace is its own. */
  @SuppressWarnings("BusyWait") // there is nothing to be notified by
  private static void awaitSleeping(Process holder, Path mounts)
      throws IOException, InterruptedException {
    Path command = mounts.resolveSibling("comm");
    while (!Files.readString(command).strip().equals("sleep")) {
      assertThat(holder.isAlive()).isTrue();
      Thread.sleep(5);
    }
  }
}
