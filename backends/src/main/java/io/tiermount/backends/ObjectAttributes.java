package io.tiermount.backends;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a writer says about an object beside its bytes.
 *
 * @param contentType MIME type, null for the store's default
 * @param metadata user metadata, lower-case names without the store's prefix
 */
public record ObjectAttributes(@Nullable String contentType, Map<String, String> metadata) {
  public static final ObjectAttributes NONE = new ObjectAttributes(null, Map.of());

  public ObjectAttributes {
    metadata = Map.copyOf(metadata);
  }
}
