package io.tiermount.daemon.config;

import io.tiermount.backends.Credentials;
import io.tiermount.backends.s3.PutOptions;
import io.tiermount.backends.s3.S3Options;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Reads how a mount's store is reached. */
final class StoreReader {
  private static final Duration DEADLINE = Duration.ofSeconds(30);

  private static final List<Key<?>> PUT =
      List.of(
          MountKeys.PUT_SSE,
          MountKeys.PUT_KMS_KEY_ID,
          MountKeys.PUT_ACL,
          MountKeys.PUT_STORAGE_CLASS,
          MountKeys.PUT_REQUEST_PAYER);
  private static final List<Key<?>> S3_ONLY = List.of(MountKeys.REGION, MountKeys.PATH_STYLE);
  private static final List<Key<?>> OBJECTS_ONLY =
      List.of(MountKeys.ENDPOINT, MountKeys.VERIFY, MountKeys.CREDENTIALS);

  private final KeyReader mount;
  private final CredentialsReader credentials;
  private final StoreRules rules;
  private @Nullable StoreRule rule;

  StoreReader(KeyReader mount, CredentialsReader credentials, StoreRules rules) {
    this.mount = mount;
    this.credentials = credentials;
    this.rules = rules;
  }

  /** Which entry of a pasted clearml.conf the source took its credentials from; null for none. */
  @Nullable StoreRule rule() {
    return rule;
  }

  /** Null after reporting. */
  @Nullable SourceConfig source(
      SourceUrl url, SourceConfig.LocalMode localMode, @Nullable String prefix) {
    return switch (url.kind()) {
      case S3 -> s3(url, below(prefix));
      case LOCAL_BUCKET -> {
        refuse("a file: source", OBJECTS_ONLY, S3_ONLY, PUT);
        yield new SourceConfig.LocalBucket(url.url(), directory(url));
      }
      case LOCAL_DIRECTORY -> {
        refuse("a file: source", OBJECTS_ONLY, S3_ONLY, PUT);
        Path below = directory(url).resolve(prefix == null ? "" : prefix);
        yield new SourceConfig.LocalDirectory(url.url(), below, localMode);
      }
      case GCS -> {
        refuse("a gs: source", S3_ONLY, PUT);
        rule =
            mount.has(MountKeys.CREDENTIALS)
                ? null
                : rules.others().forGoogle(url.bucket(), below(prefix)).orElse(null);
        yield notYet(url, CredentialKeys.Kind.GCS, "gcs");
      }
      case AZURE -> {
        refuse("an azure: source", S3_ONLY, PUT);
        rule =
            mount.has(MountKeys.CREDENTIALS)
                ? null
                : rules.others().forContainer(url.bucket(), below(prefix)).orElse(null);
        yield notYet(url, CredentialKeys.Kind.AZURE, "azure");
      }
      case NFS -> {
        refuse("an nfs: source", OBJECTS_ONLY, S3_ONLY, PUT);
        yield new SourceConfig.NotYet(url.url(), "nfs");
      }
    };
  }

  private SourceConfig notYet(SourceUrl url, CredentialKeys.Kind kind, String name) {
    credentials.forMount(mount, kind);
    mount.readOrNull(MountKeys.ENDPOINT);
    trust();
    return new SourceConfig.NotYet(url.url(), name);
  }

  private static Path directory(SourceUrl url) {
    if (url.directory() == null) {
      throw new IllegalArgumentException(url.url());
    }
    return url.directory();
  }

  /** Reports keys that mean nothing for a source. */
  @SafeVarargs
  private void refuse(String source, List<Key<?>>... groups) {
    for (List<Key<?>> group : groups) {
      for (Key<?> key : group) {
        if (mount.has(key)) {
          mount.wrong(key, "a key that has no meaning for " + source, "nothing", "leave it out");
        }
      }
    }
  }

  private static String below(@Nullable String prefix) {
    return prefix == null ? "" : prefix;
  }

  private @Nullable SourceConfig s3(SourceUrl url, String prefix) {
    URI endpoint = endpoint(url);
    Boolean pathStyle = mount.readOrNull(MountKeys.PATH_STYLE);
    int before = mount.problems().count();
    StoreRule from = rules.s3Rule(mount, url, endpoint, prefix);
    rule = from;
    Credentials who =
        from == null
            ? credentials.forMount(mount, CredentialKeys.Kind.S3)
            : rules.credentials(from);
    PutOptions put = readPut();
    String region = mount.readOrNull(MountKeys.REGION);
    String trust = trust();
    if (who == null || mount.problems().count() > before) {
      return null;
    }
    return new SourceConfig.S3(
        url.url(),
        new S3Options(
            url.bucket(),
            from != null && rules.secure(from) ? secured(url, endpoint) : endpoint,
            region == null && from != null ? from.region() : region,
            pathStyle == null ? endpoint != null : pathStyle,
            who,
            !trust.equals("false"),
            trust.startsWith("/") ? Path.of(trust) : null,
            rules.multipart(from),
            rules.maxConnections(),
            DEADLINE,
            rules.maxRetries(),
            rules.backoffFactor(),
            put));
  }

  /**
   * {@code secure} of an entry speaks of {@code s3://host:port}, which has no scheme of its own.
   */
  private static @Nullable URI secured(SourceUrl url, @Nullable URI endpoint) {
    return endpoint != null && endpoint.equals(url.endpoint())
        ? URI.create("https://" + endpoint.getAuthority())
        : endpoint;
  }

  private @Nullable URI endpoint(SourceUrl url) {
    String text = mount.readOrNull(MountKeys.ENDPOINT);
    if (text == null) {
      return url.endpoint();
    }
    if (url.endpoint() != null) {
      mount.wrongValue(
          MountKeys.ENDPOINT,
          "one endpoint: this key, or the host and port in the source",
          "source = s3://bucket, with endpoint beside it");
    }
    try {
      return EndpointText.parse(text);
    } catch (BadValueException e) {
      throw new IllegalStateException("its key checked it", e);
    }
  }

  private String trust() {
    String own = mount.readOrNull(MountKeys.VERIFY);
    return own == null ? rules.verify(rule) : own;
  }

  /** Also for a source that is skipped: its mistakes are mistakes. */
  PutOptions readPut() {
    String sse = mount.readOrNull(MountKeys.PUT_SSE);
    String kmsKeyId = mount.readOrNull(MountKeys.PUT_KMS_KEY_ID);
    if (kmsKeyId != null && (sse == null || !sse.startsWith("aws:kms"))) {
      mount.wrong(
          MountKeys.PUT_KMS_KEY_ID,
          sse == null ? "no put.sse beside it" : "put.sse = " + sse,
          "put.sse = aws:kms or aws:kms:dsse beside it",
          "");
      kmsKeyId = null;
    }
    return new PutOptions(
        sse,
        kmsKeyId,
        mount.readOrNull(MountKeys.PUT_ACL),
        mount.readOrNull(MountKeys.PUT_STORAGE_CLASS),
        mount.readOrNull(MountKeys.PUT_REQUEST_PAYER) != null);
  }
}
