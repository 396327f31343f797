package io.tiermount.backends;

import java.util.Map;
import java.util.Set;

/**
 * What user metadata must look like to come back from a store unchanged. HTTP headers lower-case
 * names, trim values and mangle what is not ASCII, so all of that is refused before it is sent.
 */
public final class MetadataRules {
  private static final String NAME_SYMBOLS = "-_.!#$%&'*+^`|~";

  /** What an object carries beside its content type and goes out with every answer. */
  public static final Set<String> HEADERS =
      Set.of(
          "cache-control",
          "content-disposition",
          "content-encoding",
          "content-language",
          "expires");

  private MetadataRules() {}

  /**
   * Accepts attributes that a store of these limits returns as they were given.
   *
   * @throws StoreException {@code INVALID} for a name that is not a lower-case HTTP token, a value
   *     that is not printable ASCII or begins or ends with a space, a header not of {@link
   *     #HEADERS} or with an empty value, or more metadata than {@link
   *     StoreLimits#maxMetadataBytes} in all
   */
  public static void check(String key, ObjectAttributes attributes, StoreLimits limits)
      throws StoreException {
    for (Map.Entry<String, String> entry : attributes.metadata().entrySet()) {
      if (!isName(entry.getKey())) {
        throw invalid(key, "the metadata name '" + entry.getKey() + "' is no lower-case token");
      }
      if (!isValue(entry.getValue())) {
        throw invalid(
            key,
            "the value of metadata '"
                + entry.getKey()
                + "' is not printable ASCII without outer spaces: encode it");
      }
    }
    if (attributes.contentType() != null && !isValue(attributes.contentType())) {
      throw invalid(key, "the content type is not printable ASCII: " + attributes.contentType());
    }
    for (Map.Entry<String, String> entry : attributes.headersWritten().entrySet()) {
      if (!HEADERS.contains(entry.getKey())
          || entry.getValue().isEmpty()
          || !isValue(entry.getValue())) {
        throw invalid(key, "objects have no header " + entry.getKey() + ": " + entry.getValue());
      }
    }
    int bytes = sizeBytes(attributes.metadata());
    if (bytes > limits.maxMetadataBytes()) {
      throw invalid(
          key,
          "its metadata has "
              + bytes
              + " bytes, the store takes "
              + limits.maxMetadataBytes()
              + ": use fewer or shorter extended attributes");
    }
  }

  /** Names and values together, as S3 counts them. */
  public static int sizeBytes(Map<String, String> metadata) {
    return metadata.entrySet().stream()
        .mapToInt(entry -> Keys.utf8Bytes(entry.getKey()) + Keys.utf8Bytes(entry.getValue()))
        .sum();
  }

  private static boolean isName(String name) {
    return !name.isEmpty()
        && name.chars()
            .allMatch(c ->
                (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || NAME_SYMBOLS.indexOf(c) >= 0);
  }

  private static boolean isValue(String value) {
    return value.chars().allMatch(c -> c >= 0x20 && c < 0x7F)
        && !value.startsWith(" ")
        && !value.endsWith(" ");
  }

  private static StoreException invalid(String key, String what) {
    return new StoreException(
        StoreException.Kind.INVALID, key, "can't write '" + key + "': " + what);
  }
}
