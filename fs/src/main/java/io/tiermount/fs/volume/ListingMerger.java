package io.tiermount.fs.volume;

import io.tiermount.backends.Keys;
import io.tiermount.backends.ListPage;
import io.tiermount.backends.ObjectInfo;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Turns the pages of one directory's listing into entries, as they come. Objects and common
 * prefixes are merged in key order; what needs more than one key to decide waits no longer than key
 * order demands:
 *
 * <ul>
 *   <li>an object {@code a} may have a directory {@code a/} behind it (other keys, such as {@code
 *       a.txt}, sort between the two): it waits until {@code a/} has come or can't come any more;
 *   <li>a marker {@code a_$folder$} is of no interest where {@code a/} or {@code a} was seen: names
 *       that a later key may still extend are remembered.
 * </ul>
 *
 * <p>Both hold only names that are prefixes of the current one, so memory is bounded by a name's
 * length. Not safe for several threads.
 */
final class ListingMerger {
  static final String FOLDER_SUFFIX = "_$folder$";

  private final String dirKey;
  private final Deque<ObjectInfo> waiting = new ArrayDeque<>();
  private final Deque<String> recent = new ArrayDeque<>();
  private @Nullable ObjectInfo marker;
  private boolean folderMarkers;

  /**
   * @param dirKey the directory's prefix, "" or ending with "/"
   */
  ListingMerger(String dirKey) {
    this.dirKey = dirKey;
  }

  /** The directory's own marker object, once it has been listed. */
  @Nullable ObjectInfo marker() {
    return marker;
  }

  /** True once a {@code _$folder$} marker was seen. */
  boolean folderMarkers() {
    return folderMarkers;
  }

  /** The entries that the next page settles, in the order to show them. */
  List<DirEntry> merge(ListPage page, long nowMillis) {
    List<DirEntry> out =
        new ArrayList<>(page.objects().size() + page.commonPrefixes().size() + waiting.size());
    Iterator<ObjectInfo> objects = page.objects().iterator();
    Iterator<String> prefixes = page.commonPrefixes().iterator();
    ObjectInfo object = next(objects);
    String prefix = next(prefixes);
    while (object != null || prefix != null) {
      if (object != null && (prefix == null || Keys.ORDER.compare(object.key(), prefix) < 0)) {
        settle(object.key(), out, nowMillis);
        object(object, out, nowMillis);
        object = next(objects);
      } else if (prefix != null) {
        settle(prefix, out, nowMillis);
        directory(prefix, out, nowMillis);
        prefix = next(prefixes);
      }
    }
    if (page.nextToken() == null) {
      while (!waiting.isEmpty()) {
        plainFile(waiting.removeFirst(), out, nowMillis);
      }
    }
    return out;
  }

  private static <T> @Nullable T next(Iterator<T> iterator) {
    return iterator.hasNext() ? iterator.next() : null;
  }

  /** Lets go of what no key from {@code key} on can concern. */
  private void settle(String key, List<DirEntry> out, long nowMillis) {
    // The stack's top is the longest name; shorter ones below are its prefixes.
    while (!waiting.isEmpty() && past(waiting.peekLast().key(), "/", key)) {
      // Everything above a name that is past is past too, and shows before it in no order that
      // matters.
      plainFile(waiting.removeLast(), out, nowMillis);
    }
    while (!recent.isEmpty() && past(recent.peekLast(), FOLDER_SUFFIX, key)) {
      recent.removeLast();
    }
  }

  private static boolean past(String name, String suffix, String key) {
    return !key.startsWith(name) || Keys.ORDER.compare(key, name + suffix) > 0;
  }

  private void object(ObjectInfo info, List<DirEntry> out, long nowMillis) {
    if (info.key().equals(dirKey)) {
      marker = info;
      if (info.sizeBytes() > 0) {
        out.add(new DirEntry(KeyNames.SELF, "", Facts.of(info, false, nowMillis)));
      }
      return;
    }
    String segment = info.key().substring(dirKey.length());
    if (segment.endsWith(FOLDER_SUFFIX)
        && segment.length() > FOLDER_SUFFIX.length()
        && info.sizeBytes() == 0) {
      folderMarkers = true;
      String base = info.key().substring(0, info.key().length() - FOLDER_SUFFIX.length());
      if (!recent.contains(base)) {
        String name = base.substring(dirKey.length());
        out.add(new DirEntry(KeyNames.name(name), name, Facts.of(info, true, nowMillis)));
      }
      return;
    }
    recent.addLast(info.key());
    waiting.addLast(info);
  }

  private void directory(String prefix, List<DirEntry> out, long nowMillis) {
    String base = prefix.substring(0, prefix.length() - 1);
    String segment = base.substring(dirKey.length());
    if (!waiting.isEmpty() && waiting.peekLast().key().equals(base)) {
      Facts hidden = Facts.of(waiting.removeLast(), nowMillis);
      if (!hidden.directory()) {
        out.add(new DirEntry(KeyNames.shadowedName(segment), segment, hidden));
      }
    } else {
      recent.addLast(base);
    }
    out.add(new DirEntry(KeyNames.name(segment), segment, Facts.implicit(null, nowMillis)));
  }

  private void plainFile(ObjectInfo info, List<DirEntry> out, long nowMillis) {
    String segment = info.key().substring(dirKey.length());
    out.add(new DirEntry(KeyNames.name(segment), segment, Facts.of(info, nowMillis)));
  }
}
