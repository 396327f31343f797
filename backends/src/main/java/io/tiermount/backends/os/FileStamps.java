package io.tiermount.backends.os;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.Map;
import java.util.TreeMap;

/**
 * What files looked like at one moment, to tell later whether any was replaced or changed: inode,
 * size, mtime and ctime, symbolic links followed (Kubernetes swaps a link when it renews a secret,
 * which a watch of the file itself would not see). A missing or unreadable file has a look of its
 * own. A few system calls, cheap enough to be asked every second; immutable.
 */
public record FileStamps(Map<Path, String> looks) {
  private static final String MISSING = "missing";

  public FileStamps {
    looks = Map.copyOf(looks);
  }

  /** Of no file: never changes. */
  public static FileStamps none() {
    return new FileStamps(Map.of());
  }

  public static FileStamps of(Collection<Path> files) {
    Map<Path, String> looks = new TreeMap<>();
    files.forEach(file -> looks.put(file, look(file)));
    return new FileStamps(looks);
  }

  /** True where any of the files looks otherwise now. */
  public boolean changed() {
    return !looks.isEmpty() && !of(looks.keySet()).equals(this);
  }

  private static String look(Path file) {
    try {
      return new TreeMap<>(Files.readAttributes(file, "unix:ino,size,lastModifiedTime,ctime"))
          .toString();
    } catch (IOException e) {
      return MISSING;
    }
  }
}
