package io.tiermount.backends.s3.keys;

import io.tiermount.backends.Credentials;
import java.time.Instant;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentials;
import software.amazon.awssdk.auth.credentials.AwsSessionCredentials;

/**
 * One set of keys.
 *
 * @param sessionToken the third part of temporary ones
 * @param expiresAt null where their source does not say
 */
record Keys(
    String accessKey,
    String secretKey,
    @Nullable String sessionToken,
    @Nullable Instant expiresAt) {
  AwsCredentials credentials() {
    return sessionToken == null
        ? AwsBasicCredentials.create(accessKey, secretKey)
        : AwsSessionCredentials.create(accessKey, secretKey, sessionToken);
  }

  /** The same keys, whatever their source says about their end. */
  boolean same(Keys other) {
    return withoutEnd().equals(other.withoutEnd());
  }

  private Keys withoutEnd() {
    return new Keys(accessKey, secretKey, sessionToken, null);
  }

  /** No secret. */
  @Override
  public String toString() {
    return "Keys[" + Credentials.lastFour(accessKey) + ", until " + expiresAt + "]";
  }
}
