package io.tiermount.backends;

import org.jspecify.annotations.Nullable;

/**
 * One page of a listing, in the store's key order (UTF-8 binary for S3).
 *
 * @param prefix only keys that start with it; "" for all
 * @param delimiter keys are rolled up to common prefixes at its first occurrence after the prefix;
 *     null lists every key
 * @param token the {@link ListPage#nextToken} of the page before, null for the first page
 * @param startAfter only keys and common prefixes behind it in key order; null for none. Ignored by
 *     stores when {@code token} is set
 * @param maxKeys upper bound on objects plus common prefixes in the page, 1 to 1000
 */
public record ListRequest(
    String prefix,
    @Nullable String delimiter,
    @Nullable String token,
    @Nullable String startAfter,
    int maxKeys) {
  public static final int MAX_KEYS = 1000;

  public ListRequest {
    if (maxKeys < 1 || maxKeys > MAX_KEYS) {
      throw new IllegalArgumentException("maxKeys must be 1 to 1000, is " + maxKeys);
    }
  }

  /** First page of the entries directly below {@code prefix}. */
  public static ListRequest directory(String prefix) {
    return new ListRequest(prefix, "/", null, null, MAX_KEYS);
  }

  /** The page after the one that answered {@code nextToken}. */
  public ListRequest next(String nextToken) {
    return new ListRequest(prefix, delimiter, nextToken, null, maxKeys);
  }
}
