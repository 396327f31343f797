package io.tiermount.backends.local;

import io.tiermount.backends.Keys;
import io.tiermount.backends.local.KeyPaths.Directory;
import io.tiermount.backends.os.DirectoryCalls;
import io.tiermount.backends.os.ErrnoException;
import io.tiermount.backends.os.FileStat;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Entries of one directory of keys (which is one directory on disk, or two: {@link KeyPaths}), in
 * key order, from a lower bound on: all of them, or the first {@link #WINDOW} of a huge directory.
 *
 * @param identity of the directories when they were read
 * @param from the lower bound, inclusive
 * @param complete nothing follows the last entry
 * @param cacheable the identity tells of every change
 */
record DirectorySnapshot(
    List<Identity> identity,
    String from,
    List<Entry> entries,
    boolean complete,
    boolean cacheable) {
  static final int WINDOW = 100_000;

  /** A directory on disk at one time. */
  record Identity(long dev, long ino, long mtimeNanos, long ctimeNanos) {}

  /**
   * One entry.
   *
   * @param sortName the segment, with a slash behind it for a directory: keys sort as their bytes
   *     do, and {@code a/b} stands behind {@code a-b}
   * @param directory which of the directories on disk it is in
   * @param form how it is on disk
   */
  record Entry(String sortName, int directory, Form form) {
    boolean isDirectory() {
      return sortName.endsWith("/");
    }

    String segment() {
      return isDirectory() ? sortName.substring(0, sortName.length() - 1) : sortName;
    }
  }

  /** How an entry is called on disk. */
  enum Form {
    PLAIN,
    ESCAPED,
    /** The empty directory itself. */
    EMPTY_DIRECTORY
  }

  private static final Comparator<Entry> ORDER =
      Comparator.comparing(Entry::sortName, Keys.ORDER)
          .thenComparingInt(Entry::directory)
          .thenComparing(Entry::form);

  /** Reads the directories. */
  static DirectorySnapshot read(
      Descriptors descriptors, List<Directory> directories, String from, int window)
      throws ErrnoException {
    Reader reader = new Reader(from, window);
    List<Identity> identity = new ArrayList<>();
    for (int i = 0; i < directories.size(); i++) {
      int fd = directories.get(i).fd();
      identity.add(identity(fd));
      reader.directory = i;
      reader.read(descriptors, fd, "");
    }
    if (reader.seen == 0
        && directories.size() == 1
        && KeyPaths.emptyDirectory(descriptors, directories.getFirst()) != null
        && from.isEmpty()) {
      reader.entries.add(new Entry("", 0, Form.EMPTY_DIRECTORY));
    }
    reader.trim();
    return new DirectorySnapshot(
        identity, from, withoutDoubles(reader.entries), reader.complete, !reader.chunks);
  }

  static Identity identity(int fd) throws ErrnoException {
    FileStat stat = DirectoryCalls.stat(fd, ".");
    return new Identity(stat.dev(), stat.ino(), stat.mtimeNanos(), stat.ctimeNanos());
  }

  /** Of a file under both forms of its name only the first counts; directories are merged later. */
  private static List<Entry> withoutDoubles(List<Entry> sorted) {
    List<Entry> result = new ArrayList<>(sorted.size());
    for (Entry entry : sorted) {
      if (entry.isDirectory()
          || result.isEmpty()
          || !result.getLast().sortName.equals(entry.sortName)) {
        result.add(entry);
      }
    }
    return List.copyOf(result);
  }

  /** Collects entries, never many more than twice the window. */
  private static final class Reader {
    private final String from;
    private final int window;
    private List<Entry> entries = new ArrayList<>();
    private int directory;
    private int seen;
    private boolean complete = true;
    private boolean chunks;

    Reader(String from, int window) {
      this.from = from;
      this.window = window;
    }

    void read(Descriptors descriptors, int fd, String before) throws ErrnoException {
      List<SegmentNames.Decoded> deeper = new ArrayList<>();
      List<String> deeperNames = new ArrayList<>();
      DirectoryCalls.list(
          descriptors.readable(fd),
          (name, type) -> {
            seen++;
            SegmentNames.Decoded decoded = decode(name, fd, type, before.isEmpty());
            if (decoded == null) {
              return true;
            }
            String text = before + decoded.text();
            switch (decoded.kind()) {
              case FILE -> add(text, name, before);
              case DIRECTORY -> add(text + "/", name, before);
              case CHUNK -> {
                deeper.add(decoded);
                deeperNames.add(name);
              }
            }
            return true;
          });
      for (int i = 0; i < deeper.size(); i++) {
        chunks = true;
        Integer chunk = descriptors.directory(fd, deeperNames.get(i));
        if (chunk != null) {
          read(descriptors, chunk, before + deeper.get(i).text());
        }
      }
    }

    private void add(String sortName, String nameOnDisk, String before) {
      if (Keys.ORDER.compare(sortName, from) < 0) {
        return;
      }
      boolean plain = before.isEmpty() && !nameOnDisk.startsWith(SegmentNames.RESERVED);
      entries.add(new Entry(sortName, directory, plain ? Form.PLAIN : Form.ESCAPED));
      if (entries.size() > 2L * window) {
        trim();
      }
    }

    /** Sorts, and keeps the window (and what sorts equal to its last). */
    void trim() {
      entries.sort(ORDER);
      if (entries.size() <= window) {
        return;
      }
      int end = window;
      String last = entries.get(end - 1).sortName;
      while (end < entries.size() && entries.get(end).sortName.equals(last)) {
        end++;
      }
      if (end < entries.size()) {
        complete = false;
        entries = new ArrayList<>(entries.subList(0, end));
      }
    }
  }

  /**
   * What an entry on disk stands for; null for what is never shown.
   *
   * @param plainToo unescaped names count (they don't among the rests of a long segment)
   */
  static SegmentNames.@Nullable Decoded decode(String name, int fd, int type, boolean plainToo)
      throws ErrnoException {
    int known = type == DirectoryCalls.DT_UNKNOWN ? typeOf(fd, name) : type;
    boolean directory = known == DirectoryCalls.DT_DIR;
    if (!directory && known != DirectoryCalls.DT_REG && known != DirectoryCalls.DT_LNK) {
      return null;
    }
    if (SegmentNames.isShown(name)) {
      SegmentNames.Kind kind = directory ? SegmentNames.Kind.DIRECTORY : SegmentNames.Kind.FILE;
      return plainToo ? new SegmentNames.Decoded(kind, name) : null;
    }
    SegmentNames.Decoded decoded = SegmentNames.decode(name);
    return decoded != null && directory == (decoded.kind() != SegmentNames.Kind.FILE)
        ? decoded
        : null;
  }

  private static int typeOf(int fd, String name) throws ErrnoException {
    final int typeShift = 12; // DT_* is S_IFMT shifted
    FileStat stat = KeyPaths.statOrNull(fd, name);
    return stat == null ? DirectoryCalls.DT_UNKNOWN : stat.mode() >> typeShift;
  }
}
