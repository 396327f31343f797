package io.tiermount.backends;

import java.time.Instant;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a store says about one object.
 *
 * @param key the whole key below the bucket (or below the prefix of a PrefixedStore)
 * @param sizeBytes content length
 * @param version the content's version
 * @param lastModified the store's own time of the last write
 * @param contentType MIME type, null where the answer carries none (S3 listings)
 * @param metadata user metadata with lower-case names and without the store's prefix ({@code
 *     x-amz-meta-}), null where the answer carries none (S3 listings): null is "not known", an
 *     empty map is "known to have none"
 * @param headers those of {@link MetadataRules#HEADERS} that it was written with, null as with
 *     metadata
 */
public record ObjectInfo(
    String key,
    long sizeBytes,
    Version version,
    Instant lastModified,
    @Nullable String contentType,
    @Nullable Map<String, String> metadata,
    @Nullable Map<String, String> headers) {
  public ObjectInfo {
    if (sizeBytes < 0) {
      throw new IllegalArgumentException("size of " + key + " is negative: " + sizeBytes);
    }
    metadata = metadata == null ? null : Map.copyOf(metadata);
    headers = headers == null ? null : Map.copyOf(headers);
  }

  /** One whose headers are not known. */
  public ObjectInfo(
      String key,
      long sizeBytes,
      Version version,
      Instant lastModified,
      @Nullable String contentType,
      @Nullable Map<String, String> metadata) {
    this(key, sizeBytes, version, lastModified, contentType, metadata, null);
  }

  /** The same object under another key (prefix added or removed). */
  public ObjectInfo withKey(String newKey) {
    return new ObjectInfo(newKey, sizeBytes, version, lastModified, contentType, metadata, headers);
  }
}
