package io.tiermount.fs.scope;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What the kernel tells of a process that waits for an answer of ours, in {@code /proc/PID/status}
 * (proc(5)). A FUSE request names the thread, and {@code /proc} knows threads, too; it waits, so it
 * is still there, and its credentials can't change.
 */
final class ProcStatus {
  private final Path proc;

  /**
   * @param proc where procfs is mounted
   */
  ProcStatus(Path proc) {
    this.proc = proc;
  }

  /**
   * The supplementary groups; null where they can't be known: a process of another PID namespace
   * (0), or one that was killed meanwhile.
   */
  @Nullable Set<Integer> groups(int pid) {
    if (pid <= 0) {
      return null;
    }
    try {
      // Bytes first: files of /proc say that they are empty.
      byte[] status = Files.readAllBytes(proc.resolve(pid + "/status"));
      return parse(new String(status, StandardCharsets.ISO_8859_1));
    } catch (IOException | NumberFormatException e) {
      return null;
    }
  }

  private static @Nullable Set<Integer> parse(String status) {
    for (String line : status.split("\n", -1)) {
      if (line.startsWith("Groups:")) {
        Set<Integer> groups = new HashSet<>();
        for (String group : line.substring("Groups:".length()).strip().split("\\s+", -1)) {
          if (!group.isEmpty()) {
            groups.add(Integer.parseUnsignedInt(group));
          }
        }
        return groups;
      }
    }
    return null;
  }

  /** True for a thread of this process. */
  boolean isOwnThread(int pid) {
    return pid > 0 && Files.exists(proc.resolve("self/task/" + pid));
  }
}
