package io.tiermount.backends;

import io.tiermount.backends.StoreException.Kind;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Pages of a sorted map, as S3's ListObjectsV2 answers them. */
final class MemoryListing {
  private MemoryListing() {}

  static <T> ListPage page(
      NavigableMap<String, T> objects, Function<T, ObjectInfo> info, ListRequest request)
      throws StoreException {
    @Nullable String after =
        request.token() == null ? request.startAfter() : decode(request, request.token());
    List<ObjectInfo> found = new ArrayList<>();
    List<String> prefixes = new ArrayList<>();
    String last = "";
    for (Map.Entry<String, T> entry : objects.tailMap(request.prefix(), true).entrySet()) {
      String key = entry.getKey();
      if (!key.startsWith(request.prefix())) {
        break;
      }
      String rolled = rollUp(key, request);
      if (rolled.equals(last) || (after != null && Keys.ORDER.compare(rolled, after) <= 0)) {
        continue;
      }
      if (found.size() + prefixes.size() == request.maxKeys()) {
        return new ListPage(found, prefixes, encode(request, last));
      }
      last = rolled;
      if (isRolled(key, rolled, request)) {
        prefixes.add(rolled);
      } else {
        found.add(info.apply(entry.getValue()));
      }
    }
    return new ListPage(found, prefixes, null);
  }

  /** The key, or the common prefix that stands for it. */
  private static String rollUp(String key, ListRequest request) {
    String delimiter = request.delimiter();
    int at = delimiter == null ? -1 : key.indexOf(delimiter, request.prefix().length());
    return at < 0 ? key : key.substring(0, at + Objects.requireNonNull(delimiter).length());
  }

  /** S3 rolls a key up to a common prefix even where the key itself ends with the delimiter. */
  private static boolean isRolled(String key, String rolled, ListRequest request) {
    String delimiter = request.delimiter();
    return !rolled.equals(key)
        || (delimiter != null && key.indexOf(delimiter, request.prefix().length()) >= 0);
  }

  private static String encode(ListRequest request, String last) {
    String text = request.prefix() + "\0" + request.delimiter() + "\0" + last;
    return Base64.getUrlEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
  }

  private static String decode(ListRequest request, String token) throws StoreException {
    String own = request.prefix() + "\0" + request.delimiter() + "\0";
    String text;
    try {
      text = new String(Base64.getUrlDecoder().decode(token), StandardCharsets.UTF_8);
    } catch (IllegalArgumentException e) {
      throw foreign(request, e);
    }
    if (!text.startsWith(own)) {
      throw foreign(request, null);
    }
    return text.substring(own.length());
  }

  private static StoreException foreign(ListRequest request, @Nullable Throwable cause) {
    return new StoreException(
        Kind.INVALID, request.prefix(), "the token is not of this listing", cause);
  }
}
