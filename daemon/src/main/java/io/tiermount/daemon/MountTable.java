package io.tiermount.daemon;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The kernel's list of mounts: /proc/self/mountinfo (proc(5)). Read anew each time; safe from any
 * thread.
 *
 * @param file normally /proc/self/mountinfo
 */
record MountTable(Path file) {
  /**
   * One mount.
   *
   * @param device major:minor
   * @param root which directory of the file system is mounted
   */
  record Entry(String device, String root, Path path, String type, String source) {}

  /** Of this process. */
  static MountTable ofProcess() {
    return new MountTable(Path.of("/proc/self/mountinfo"));
  }

  /** In the order in which they were mounted. */
  List<Entry> entries() throws IOException {
    List<Entry> entries = new ArrayList<>();
    // Names in it are bytes: as ISO-8859-1 none is lost, and only whole paths are compared.
    for (String line : Files.readAllLines(file, StandardCharsets.ISO_8859_1)) {
      String[] fields = line.split(" ", -1);
      int dash = 6;
      while (dash < fields.length && !fields[dash].equals("-")) {
        dash++;
      }
      if (dash + 2 < fields.length) {
        entries.add(
            new Entry(
                fields[2],
                unescape(fields[3]),
                Path.of(unescape(fields[4])),
                fields[dash + 1],
                unescape(fields[dash + 2])));
      }
    }
    return entries;
  }

  /** The topmost mount on exactly this path. */
  Optional<Entry> at(Path path) throws IOException {
    Path wanted = path.toAbsolutePath().normalize();
    return entries().stream().filter(e -> e.path().equals(wanted)).reduce((_, last) -> last);
  }

  /** Octal escapes of blank, tab, newline and backslash; then UTF-8 as everywhere. */
  private static String unescape(String field) {
    StringBuilder bytes = new StringBuilder(field.length());
    for (int i = 0; i < field.length(); i++) {
      char c = field.charAt(i);
      if (c == '\\' && i + 3 < field.length()) {
        bytes.append((char) Integer.parseInt(field.substring(i + 1, i + 4), 8));
        i += 3;
      } else {
        bytes.append(c);
      }
    }
    return new String(
        bytes.toString().getBytes(StandardCharsets.ISO_8859_1), StandardCharsets.UTF_8);
  }
}
