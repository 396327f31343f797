package io.tiermount.daemon.config;

import io.tiermount.backends.Credentials;
import java.net.URI;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/** What holds for the stores of all mounts: a pasted clearml.conf's entries, and the defaults. */
final class StoreRules {
  private final KeyReader root;
  private final S3Rules s3;
  private final OtherRules others;
  private final DirectReader direct;
  private final int maxConnections;
  private final int maxRetries;
  private final Duration backoffFactor;
  private final int uploadThreads;
  private final OptionalInt transferParts;
  private final Duration starvationWarning;

  StoreRules(KeyReader root, Map<String, String> environment) {
    this.root = root;
    this.s3 = new S3Rules(root);
    this.others = new OtherRules(root, environment);
    this.direct = new DirectReader(root);
    this.maxConnections = Math.toIntExact(root.read(ClearmlKeys.POOL_CONNECTIONS));
    this.maxRetries = Math.toIntExact(root.read(ClearmlKeys.MAX_RETRIES));
    this.backoffFactor = root.read(ClearmlKeys.BACKOFF_FACTOR);
    this.uploadThreads = Math.toIntExact(root.read(ClearmlKeys.UPLOAD_THREADS));
    Long parts = root.readOrNull(ClearmlKeys.MULTIPART_CONCURRENCY);
    this.transferParts =
        parts == null ? OptionalInt.empty() : OptionalInt.of(Math.toIntExact(parts));
    this.starvationWarning = root.read(ClearmlKeys.STARVATION_WARNING);
    // Reported here, whether a mount asks for it or not.
    root.readOrNull(ClearmlKeys.API_VERIFY);
  }

  int maxConnections() {
    return maxConnections;
  }

  int maxRetries() {
    return maxRetries;
  }

  /** The delay before the first retry at least; doubled before each further one. */
  Duration backoffFactor() {
    return backoffFactor;
  }

  /** Uploads at the same time of a mount that says nothing itself. */
  int uploadThreads() {
    return uploadThreads;
  }

  /** Parts of one upload at the same time; empty for as many as there are threads. */
  OptionalInt transferParts() {
    return transferParts;
  }

  Duration starvationWarning() {
    return starvationWarning;
  }

  /** What is never cached. */
  DirectReader direct() {
    return direct;
  }

  OtherRules others() {
    return others;
  }

  /**
   * The rule for a mount of S3 that names no credentials; null where the configuration has no rules
   * (the provider's own chain then), or after reporting that none gives it any.
   */
  @Nullable StoreRule s3Rule(
      KeyReader mount, SourceUrl url, @Nullable URI endpoint, String prefix) {
    if (mount.has(MountKeys.CREDENTIALS) || !s3.areWritten()) {
      return null;
    }
    String authority = endpoint == null ? null : authority(endpoint);
    Optional<StoreRule> rule = s3.forMount(authority, url.bucket(), prefix);
    if (rule.isEmpty()) {
      mount.wrong(
          MountKeys.SOURCE,
          Found.text(url.url()) + ", for which aws.s3 has no credentials",
          "an entry of aws.s3.credentials for "
              + (authority == null ? "the bucket, aws.s3.key and secret" : "this host")
              + ", or credentials = NAME",
          authority == null
              ? "aws.s3.use_credentials_chain = true takes the environment's"
              : "aws.s3.key and secret are never sent to another host than AWS");
    }
    return rule.orElse(null);
  }

  /** The rule that a mount of this URL would have; empty where it would have none. */
  Optional<StoreRule> s3Rule(SourceUrl url) {
    URI endpoint = url.endpoint();
    return s3.forMount(endpoint == null ? null : authority(endpoint), url.bucket(), url.prefix());
  }

  Credentials credentials(StoreRule rule) {
    if (rule.credentials() == null) {
      throw new IllegalArgumentException(rule.path() + " has no credentials");
    }
    return rule.credentials();
  }

  boolean secure(StoreRule rule) {
    Boolean own = rule.secure() == null ? s3.byDefault().secure() : rule.secure();
    return own != null && own;
  }

  boolean multipart(@Nullable StoreRule rule) {
    if (rule == null) {
      return true;
    }
    Boolean own = rule.multipart() == null ? s3.byDefault().multipart() : rule.multipart();
    return own == null || own;
  }

  /** "true", "false" or a CA bundle, for a mount that says nothing itself. */
  String verify(@Nullable StoreRule rule) {
    if (rule != null) {
      String own = rule.verify() == null ? s3.byDefault().verify() : rule.verify();
      if (own != null) {
        return own;
      }
    }
    return root.read(ClearmlKeys.API_VERIFY);
  }

  /** Where {@link #verify} comes from. */
  String verifyWhy(@Nullable StoreRule rule) {
    String byApi = Explainer.at(root, ClearmlKeys.API_VERIFY, "default");
    if (rule == null) {
      return byApi;
    }
    return rule.verify() != null
        ? rule.path() + " (" + rule.at().text() + ")"
        : Explainer.at(root, ClearmlKeys.DEFAULT.verify(), byApi);
  }

  /** Where {@link #multipart} comes from. */
  String multipartWhy(@Nullable StoreRule rule) {
    return rule != null && rule.multipart() != null
        ? rule.path() + " (" + rule.at().text() + ")"
        : Explainer.at(root, ClearmlKeys.DEFAULT.multipart(), "default");
  }

  private static String authority(URI endpoint) {
    int port =
        endpoint.getPort() >= 0
            ? endpoint.getPort()
            : "https".equals(endpoint.getScheme()) ? 443 : 80;
    return endpoint.getHost() + ":" + port;
  }
}
