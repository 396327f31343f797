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
  /** Enough for the read-ahead of a few streams; the SDK's own default of 50 starves them. */
  private static final int MAX_CONNECTIONS = 128;

  private static final Duration DEADLINE = Duration.ofSeconds(30);
  private static final int MAX_RETRIES = 5;
  private static final Duration RETRY_BASE = Duration.ofMillis(200);

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

  StoreReader(KeyReader mount, CredentialsReader credentials) {
    this.mount = mount;
    this.credentials = credentials;
  }

  /** Null after reporting. */
  @Nullable SourceConfig source(
      SourceUrl url, SourceConfig.LocalMode localMode, @Nullable String prefix) {
    return switch (url.kind()) {
      case S3 -> s3(url);
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
        yield notYet(url, CredentialKeys.Kind.GCS, "gcs");
      }
      case AZURE -> {
        refuse("an azure: source", S3_ONLY, PUT);
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

  private @Nullable SourceConfig s3(SourceUrl url) {
    URI endpoint = endpoint(url);
    Boolean pathStyle = mount.readOrNull(MountKeys.PATH_STYLE);
    Credentials who = credentials.forMount(mount, CredentialKeys.Kind.S3);
    PutOptions put = readPut();
    String region = mount.readOrNull(MountKeys.REGION);
    String trust = trust();
    if (who == null) {
      return null;
    }
    return new SourceConfig.S3(
        url.url(),
        new S3Options(
            url.bucket(),
            endpoint,
            region,
            pathStyle == null ? endpoint != null : pathStyle,
            who,
            !trust.equals("false"),
            trust.startsWith("/") ? Path.of(trust) : null,
            true,
            MAX_CONNECTIONS,
            DEADLINE,
            MAX_RETRIES,
            RETRY_BASE,
            put));
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
    return mount.read(MountKeys.VERIFY);
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
