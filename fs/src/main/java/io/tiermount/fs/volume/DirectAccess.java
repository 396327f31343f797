package io.tiermount.fs.volume;

import java.util.List;
import java.util.Objects;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Which objects of a mount are read where they lie and never cached: {@code storage.direct_access}.
 * Globs are as fnmatch(3) without flags reads them: {@code *} and {@code ?} stand for slashes too,
 * {@code [a-z]} and {@code [!a-z]} for one sign. Safe from any thread.
 */
public final class DirectAccess {
  /** Everything is cached. */
  public static final DirectAccess NONE = new DirectAccess("", List.of(), List.of());

  private final String baseUrl;
  private final List<String> urlGlobs;
  private final List<String> typeGlobs;
  private final List<Pattern> urls;
  private final List<Pattern> types;

  /**
   * @param baseUrl what stands before a key of the mount in the URL of its object
   * @param urlGlobs of whole URLs
   * @param typeGlobs of whole media types, without regard to case
   */
  public DirectAccess(String baseUrl, List<String> urlGlobs, List<String> typeGlobs) {
    this.baseUrl = baseUrl;
    this.urlGlobs = List.copyOf(urlGlobs);
    this.typeGlobs = List.copyOf(typeGlobs);
    this.urls = urlGlobs.stream().map(glob -> pattern(glob, 0)).toList();
    this.types = typeGlobs.stream().map(glob -> pattern(glob, Pattern.CASE_INSENSITIVE)).toList();
  }

  /** True where media types decide, so that they have to be known. */
  public boolean asksForTypes() {
    return !types.isEmpty();
  }

  /** The globs of URLs, as written. */
  public List<String> urlGlobs() {
    return urlGlobs;
  }

  /** The globs of media types, as written. */
  public List<String> typeGlobs() {
    return typeGlobs;
  }

  /**
   * True where an object is not to be cached.
   *
   * @param key relative to the mount
   * @param contentType null where it is not known
   */
  public boolean covers(String key, @Nullable String contentType) {
    return (!urls.isEmpty() && coversUrl(baseUrl + key)) || coversType(contentType);
  }

  /** The same for a URL alone. */
  public boolean coversUrl(String url) {
    return urls.stream().anyMatch(pattern -> pattern.matcher(url).matches());
  }

  private boolean coversType(@Nullable String contentType) {
    if (contentType == null || types.isEmpty()) {
      return false;
    }
    int parameters = contentType.indexOf(';');
    String bare = parameters < 0 ? contentType : contentType.substring(0, parameters);
    return types.stream().anyMatch(pattern -> pattern.matcher(bare.strip()).matches());
  }

  private static Pattern pattern(String glob, int flags) {
    StringBuilder regex = new StringBuilder();
    for (int i = 0; i < glob.length(); i++) {
      char c = glob.charAt(i);
      int end = c == '[' ? glob.indexOf(']', i + 2) : -1;
      if (end > 0) {
        String set = glob.substring(i + 1, end).replace("\\", "\\\\").replace("[", "\\[");
        String body =
            set.startsWith("!") ? "^" + set.substring(1) : set.replaceFirst("^\\^", "\\\\^");
        regex.append('[').append(body.replace("&&", "&\\&")).append(']');
        i = end;
      } else {
        regex.append(c == '*' ? ".*" : c == '?' ? "." : Pattern.quote(String.valueOf(c)));
      }
    }
    return Pattern.compile(regex.toString(), flags | Pattern.DOTALL);
  }

  /** The same where the same is written: patterns have no equality of their own. */
  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof DirectAccess its
        && baseUrl.equals(its.baseUrl)
        && urlGlobs.equals(its.urlGlobs)
        && typeGlobs.equals(its.typeGlobs);
  }

  @Override
  public int hashCode() {
    return Objects.hash(baseUrl, urlGlobs, typeGlobs);
  }
}
