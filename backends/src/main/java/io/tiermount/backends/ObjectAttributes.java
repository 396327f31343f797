package io.tiermount.backends;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a writer says about an object beside its bytes.
 *
 * @param contentType MIME type, null for the store's default
 * @param metadata user metadata, lower-case names without the store's prefix
 * @param headers HTTP headers that the store gives back with the object, of {@link
 *     MetadataRules#HEADERS}; null for none, and with a copy for those of its source
 */
public record ObjectAttributes(
    @Nullable String contentType,
    Map<String, String> metadata,
    @Nullable Map<String, String> headers) {
  public static final ObjectAttributes NONE = new ObjectAttributes(null, Map.of());

  public ObjectAttributes {
    metadata = Map.copyOf(metadata);
    headers = headers == null ? null : Map.copyOf(headers);
  }

  /** Without headers of its own. */
  public ObjectAttributes(@Nullable String contentType, Map<String, String> metadata) {
    this(contentType, metadata, null);
  }

  /** The headers of an object written with these attributes. */
  public Map<String, String> headersWritten() {
    return headers == null ? Map.of() : headers;
  }

  /**
   * What a copy of this source has.
   *
   * @param source with metadata and headers that are known
   * @param replacement null keeps all
   */
  public static ObjectAttributes ofCopy(ObjectInfo source, @Nullable ObjectAttributes replacement) {
    Map<String, String> headers = source.headers();
    if (replacement == null) {
      Map<String, String> metadata = source.metadata();
      return new ObjectAttributes(
          source.contentType(), metadata == null ? Map.of() : metadata, headers);
    }
    return replacement.headers != null
        ? replacement
        : new ObjectAttributes(replacement.contentType, replacement.metadata, headers);
  }
}
