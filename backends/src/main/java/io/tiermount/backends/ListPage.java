package io.tiermount.backends;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One page of a listing. Objects and common prefixes are each in key order and cover the same range
 * of keys: merging the two gives the page's order.
 *
 * @param objects the objects of the page
 * @param commonPrefixes keys rolled up at the delimiter, each ending with it
 * @param nextToken passes to {@link ListRequest#next}; null on the last page
 */
public record ListPage(
    List<ObjectInfo> objects, List<String> commonPrefixes, @Nullable String nextToken) {
  public ListPage {
    objects = List.copyOf(objects);
    commonPrefixes = List.copyOf(commonPrefixes);
  }
}
