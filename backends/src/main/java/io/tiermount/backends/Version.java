package io.tiermount.backends;

/**
 * One immutable content of an object, as the store names it: S3's ETag (without quotes), GCS's
 * generation, Azure's ETag, a local file's identity. Opaque: compare for equality only.
 */
public record Version(String token) {
  public Version {
    if (token.isEmpty()) {
      throw new IllegalArgumentException("a version needs a token");
    }
  }

  @Override
  public String toString() {
    return token;
  }
}
