package io.tiermount.backends;

import java.util.ArrayList;
import java.util.List;

/**
 * The calls a store got, one line each, so that tests assert the exact multiset:
 *
 * <pre>
 * HEAD key                     GET key offset+length        LIST prefix [delimiter] [token] [after=k] [max=n]
 * PUT key size [condition]     DELETE key                   COPY source -> key [attributes] [condition]
 * UPLOAD key                   PART key number size         COMPLETE key [condition]
 * ABORT key                    UPLOADS prefix               COPYPART key number source offset+length
 * </pre>
 *
 * where condition is {@code if-absent} or {@code if-version}, and max is left out at 1000. Any
 * thread.
 */
public final class CallLog {
  private final List<String> lines = new ArrayList<>();

  /** All lines since the start or the last {@link #drain}, in the order of arrival. */
  public synchronized List<String> lines() {
    return List.copyOf(lines);
  }

  /** {@link #lines}, which are forgotten then. */
  public synchronized List<String> drain() {
    List<String> all = List.copyOf(lines);
    lines.clear();
    return all;
  }

  /** Lines that begin with {@code prefix}. */
  public synchronized long count(String prefix) {
    return lines.stream().filter(line -> line.startsWith(prefix)).count();
  }

  public synchronized void add(String line) {
    lines.add(line);
  }

  static String line(ListRequest request) {
    return "LIST "
        + request.prefix()
        + (request.delimiter() == null ? "" : " delimiter")
        + (request.token() == null ? "" : " token")
        + (request.startAfter() == null ? "" : " after=" + request.startAfter())
        + (request.maxKeys() == ListRequest.MAX_KEYS ? "" : " max=" + request.maxKeys());
  }

  static String suffix(WriteCondition condition) {
    return switch (condition) {
      case WriteCondition.Always _ -> "";
      case WriteCondition.IfAbsent _ -> " if-absent";
      case WriteCondition.IfVersion _ -> " if-version";
    };
  }
}
