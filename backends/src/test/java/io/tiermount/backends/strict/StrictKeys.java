package io.tiermount.backends.strict;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** Whom the strict server lets in. Keys come, expire and go while it runs. */
public final class StrictKeys {
  /**
   * One that is known.
   *
   * @param token must be sent, where there is one
   */
  record Known(String secretKey, @Nullable String token, boolean expired) {}

  private final Map<String, Known> keys = new ConcurrentHashMap<>();

  /** From now on requests signed with it are answered. */
  public void add(String accessKey, String secretKey, @Nullable String token) {
    keys.put(accessKey, new Known(secretKey, token, false));
  }

  /** From now on it gets ExpiredToken. */
  public void expire(String accessKey) {
    keys.computeIfPresent(
        accessKey, (_, known) -> new Known(known.secretKey(), known.token(), true));
  }

  /** From now on it gets InvalidAccessKeyId. */
  public void remove(String accessKey) {
    keys.remove(accessKey);
  }

  /**
   * The one that signed a request.
   *
   * @throws S3Refusal as S3 refuses: a HEAD's has no body
   */
  Known check(String accessKey, @Nullable String token) throws S3Refusal {
    Known known = keys.get(accessKey);
    if (known == null) {
      throw new S3Refusal(403, "InvalidAccessKeyId", "unknown key " + accessKey);
    }
    if (known.token() != null && !known.token().equals(token)) {
      throw new S3Refusal(400, "InvalidToken", "not the token of " + accessKey);
    }
    if (known.expired()) {
      throw new S3Refusal(400, "ExpiredToken", "the token of " + accessKey + " has expired");
    }
    return known;
  }
}
