package io.tiermount.daemon.config;

import io.tiermount.backends.Credentials;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * How one store, or one part of it, is reached, as a pasted clearml.conf says: an entry of a list,
 * or what holds for everything without one. Names match whole, by component: {@code my-bucket} is
 * not {@code my-bucket2}.
 *
 * @param host with its port; null for the provider's own endpoint
 * @param bucket of S3 and Google, {@code account/container} or {@code account/} of Azure; null for
 *     all
 * @param subdir "" for all of it, else ends with a slash
 * @param credentials null where nothing is set
 * @param at where it stands
 * @param path its key, {@code aws.s3.credentials[1]}
 */
record StoreRule(
    @Nullable String host,
    @Nullable String bucket,
    String subdir,
    @Nullable Credentials credentials,
    @Nullable String region,
    @Nullable Boolean secure,
    @Nullable Boolean multipart,
    @Nullable String verify,
    Position at,
    String path) {
  /**
   * True where it is about all of a mount.
   *
   * @param authority host and port of another endpoint; null for the provider's own
   * @param prefix "" or ends with a slash
   */
  boolean matches(@Nullable String authority, String wanted, String prefix) {
    boolean sameHost =
        host == null ? authority == null : authority != null && host.equals(lower(authority));
    boolean sameBucket =
        bucket == null
            || bucket.equals(wanted)
            || (bucket.endsWith("/") && wanted.startsWith(bucket));
    return sameHost && sameBucket && prefix.startsWith(subdir);
  }

  /** A larger one is about less. */
  int specificity() {
    int bucketWeight = bucket == null ? 0 : bucket.endsWith("/") ? 1 : 2;
    return bucketWeight * 100_000 + subdir.length();
  }

  /** The same place as another's: one of the two would never be used. */
  boolean samePlace(StoreRule other) {
    return java.util.Objects.equals(host, other.host)
        && java.util.Objects.equals(bucket, other.bucket)
        && subdir.equals(other.subdir);
  }

  /** What it is about, in a few words. */
  String place() {
    String where = host == null ? "" : host + "/";
    return where + (bucket == null ? "" : bucket) + (subdir.isEmpty() ? "" : "/" + subdir);
  }

  static String lower(String host) {
    return host.toLowerCase(Locale.ROOT);
  }
}
