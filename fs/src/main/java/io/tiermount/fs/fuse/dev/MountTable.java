package io.tiermount.fs.fuse.dev;

import io.tiermount.fs.fuse.Names;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** /proc/self/mountinfo (proc_pid_mountinfo(5)). */
final class MountTable {
  private static final Path MOUNTINFO = Path.of("/proc/self/mountinfo");

  private MountTable() {}

  /**
   * One mount.
   *
   * @param device "major:minor"
   */
  record Entry(String device, String mountPoint, String type, String source) {}

  /** The mount that shows at a path: the last one made there, null where there is none. */
  static @Nullable Entry topmost(Path path) throws IOException {
    String wanted = path.toString();
    Entry found = null;
    for (Entry entry : read()) {
      if (entry.mountPoint().equals(wanted)) {
        found = entry;
      }
    }
    return found;
  }

  /** All mounts, oldest first. */
  static List<Entry> read() throws IOException {
    return Files.readAllLines(MOUNTINFO, StandardCharsets.ISO_8859_1).stream()
        .map(MountTable::parse)
        .toList();
  }

  /** id parent major:minor root mount-point options [tags…] - type source super-options. */
  static Entry parse(String line) {
    String[] fields = line.split(" ", -1);
    int dash = 6;
    while (!fields[dash].equals("-")) {
      dash++;
    }
    return new Entry(
        fields[2], unescape(fields[4]), unescape(fields[dash + 1]), unescape(fields[dash + 2]));
  }

  /** Space, tab, newline, '#' and backslash travel as a backslash and three octal digits. */
  private static String unescape(String field) {
    byte[] bytes = new byte[field.length()];
    int length = 0;
    for (int i = 0; i < field.length(); i++) {
      char c = field.charAt(i);
      if (c == '\\' && i + 3 < field.length()) {
        c = (char) Integer.parseInt(field.substring(i + 1, i + 4), 8);
        i += 3;
      }
      bytes[length++] = (byte) c;
    }
    return Names.decode(Arrays.copyOf(bytes, length));
  }
}
