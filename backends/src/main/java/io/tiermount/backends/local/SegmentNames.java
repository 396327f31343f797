package io.tiermount.backends.local;

import io.tiermount.backends.Keys;
import io.tiermount.backends.os.PathBytes;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How one segment of a key (what stands between two slashes) is called on disk.
 *
 * <p>Mostly as it is. A segment that a file system can't hold, or whose plain name is taken by the
 * other kind (the file {@code a} beside keys below {@code a/}), is escaped, as one of
 *
 * <pre>
 * .tiermount%f%TEXT    a file
 * .tiermount%d%TEXT    a directory
 * .tiermount%l%TEXT    a directory of names that all go on from TEXT without a slash
 * </pre>
 *
 * where {@code %25}, {@code %00} stand for a percent sign and NUL. Escaped text of more than 80
 * bytes is cut into a chain of {@code %l%} directories, each of as many whole characters as fit, so
 * that any segment fits NAME_MAX. Every name that begins with {@code .tiermount} is ours: one in a
 * key is escaped, and one on disk that is no escape is never listed.
 */
final class SegmentNames {
  static final String RESERVED = ".tiermount";

  private static final int NAME_MAX_BYTES = 255;
  private static final int CHUNK_BYTES = 80;
  private static final String FILE = RESERVED + "%f%";
  private static final String DIRECTORY = RESERVED + "%d%";
  private static final String LONG = RESERVED + "%l%";

  private SegmentNames() {}

  /** What an escaped name on disk stands for. */
  enum Kind {
    FILE,
    DIRECTORY,
    /** Its entries' names follow {@link Decoded#text} directly. */
    CHUNK
  }

  /** An escaped name. */
  record Decoded(Kind kind, String text) {}

  /** True where the segment may be a name on disk as it is. */
  static boolean isPlain(String segment) {
    return !segment.isEmpty()
        && !segment.equals(".")
        && !segment.equals("..")
        && segment.indexOf('\0') < 0
        && !segment.startsWith(RESERVED)
        && (segment.length() <= NAME_MAX_BYTES / 3 || Keys.utf8Bytes(segment) <= NAME_MAX_BYTES);
  }

  /** The chain of names, from the segment's directory downwards, of the escaped form. */
  static List<String> escaped(String segment, boolean directory) {
    List<String> chain = new ArrayList<>(1);
    String rest = segment;
    while (Keys.utf8Bytes(rest) > CHUNK_BYTES) {
      int end = chunkEnd(rest);
      chain.add(LONG + escape(rest.substring(0, end)));
      rest = rest.substring(end);
    }
    chain.add((directory ? DIRECTORY : FILE) + escape(rest));
    return chain;
  }

  /** Null for a name that is no escape. */
  static @Nullable Decoded decode(String name) {
    for (Kind kind : Kind.values()) {
      String prefix =
          switch (kind) {
            case FILE -> FILE;
            case DIRECTORY -> DIRECTORY;
            case CHUNK -> LONG;
          };
      if (name.startsWith(prefix)) {
        String text = unescape(name.substring(prefix.length()));
        return text == null ? null : new Decoded(kind, text);
      }
    }
    return null;
  }

  /** True for what this store may show: valid UTF-8 and not ours. */
  static boolean isShown(String name) {
    return !name.startsWith(RESERVED) && PathBytes.isUtf8(name);
  }

  private static int chunkEnd(String text) {
    int bytes = 0;
    int end = 0;
    while (end < text.length()) {
      int codePoint = text.codePointAt(end);
      int width = codePoint < 0x80 ? 1 : codePoint < 0x800 ? 2 : codePoint < 0x10000 ? 3 : 4;
      if (bytes + width > CHUNK_BYTES) {
        break;
      }
      bytes += width;
      end += Character.charCount(codePoint);
    }
    return end;
  }

  private static String escape(String text) {
    return text.replace("%", "%25").replace("\0", "%00");
  }

  private static @Nullable String unescape(String text) {
    StringBuilder out = new StringBuilder(text.length());
    for (int i = 0; i < text.length(); i++) {
      if (text.charAt(i) != '%') {
        out.append(text.charAt(i));
      } else if (text.startsWith("%25", i)) {
        out.append('%');
        i += 2;
      } else if (text.startsWith("%00", i)) {
        out.append('\0');
        i += 2;
      } else {
        return null;
      }
    }
    return out.toString();
  }
}
