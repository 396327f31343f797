package io.tiermount.backends;

import java.nio.charset.StandardCharsets;
import java.util.Comparator;

/** What every store checks about keys before it sends anything, and the order of listings. */
public final class Keys {
  /**
   * Key order of listings: the binary order of the UTF-8 bytes, which is code point order and not
   * that of {@link String#compareTo} (surrogates sort below U+E000 there).
   */
  public static final Comparator<String> ORDER = Keys::compare;

  private Keys() {}

  /**
   * Accepts every key a store of these limits can hold.
   *
   * @throws StoreException {@code INVALID} for an empty key, a lone surrogate (it has no UTF-8
   *     form) and a key longer than {@link StoreLimits#maxKeyBytes}
   */
  public static void check(String key, StoreLimits limits) throws StoreException {
    if (key.isEmpty()) {
      throw new StoreException(
          StoreException.Kind.INVALID, key, "an object needs a key, this one is empty");
    }
    if (!StandardCharsets.UTF_8.newEncoder().canEncode(key)) {
      throw new StoreException(
          StoreException.Kind.INVALID,
          key,
          "the key " + key + " is not Unicode (a lone surrogate): rename it");
    }
    int bytes = utf8Bytes(key);
    if (bytes > limits.maxKeyBytes()) {
      throw new StoreException(
          StoreException.Kind.INVALID,
          key,
          "the key "
              + key
              + " has "
              + bytes
              + " bytes, the store takes "
              + limits.maxKeyBytes()
              + ": use a shorter path");
    }
  }

  /** Length of the key in UTF-8. */
  public static int utf8Bytes(String key) {
    return key.getBytes(StandardCharsets.UTF_8).length;
  }

  private static int compare(String left, String right) {
    int common = Math.min(left.length(), right.length());
    for (int i = 0; i < common; i++) {
      char a = left.charAt(i);
      char b = right.charAt(i);
      if (a != b) {
        return Integer.compare(codePointRank(a), codePointRank(b));
      }
    }
    return Integer.compare(left.length(), right.length());
  }

  /** Moves surrogates (code points from U+10000) above U+E000 to U+FFFF. */
  private static int codePointRank(char unit) {
    if (unit < 0xD800) {
      return unit;
    }
    return unit < 0xE000 ? unit + 0x2000 : unit - 0x800;
  }
}
