package io.tiermount.daemon.config;

import io.tiermount.backends.Credentials;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Reads {@code aws.s3}: for mounts of S3 that name no credentials, the most specific entry, else
 * the default, else the provider's chain where that is switched on, else an error. What one entry
 * lacks is never taken from another.
 */
final class S3Rules {
  private static final Pattern HOST =
      Pattern.compile("(\\[[0-9A-Fa-f:.]+]|[A-Za-z0-9._-]+):(\\d{1,5})");

  /** AWS's own endpoints, also where they are written out. */
  private static final Pattern AWS = Pattern.compile("(?i).*\\.amazonaws\\.com(\\.cn)?(:\\d+)?");

  private final KeyReader root;
  private final List<StoreRule> entries = new ArrayList<>();
  private final StoreRule byDefault;
  private final boolean written;

  S3Rules(KeyReader root) {
    this.root = root;
    for (KeyReader entry : root.elements(ClearmlKeys.ENTRIES)) {
      entry(entry).ifPresent(this::add);
    }
    this.byDefault =
        rule(root, ClearmlKeys.DEFAULT, null, null, "", root.positionOf(ClearmlKeys.DEFAULT.key()));
    this.written =
        root.has(ClearmlKeys.ENTRIES) || ClearmlKeys.DEFAULT.all().stream().anyMatch(root::has);
  }

  /** True where the configuration has an {@code aws.s3}: only then do its rules hold. */
  boolean areWritten() {
    return written;
  }

  /** {@code aws.s3}'s own, for buckets without an entry. */
  StoreRule byDefault() {
    return byDefault;
  }

  /**
   * The rule of a mount; empty where nothing gives it credentials. A host without an entry gets
   * none: the default keys are AWS's.
   *
   * @param authority of the endpoint; null for AWS
   */
  Optional<StoreRule> forMount(@Nullable String authority, String bucket, String prefix) {
    String host = authority == null || AWS.matcher(authority).matches() ? null : authority;
    Optional<StoreRule> entry =
        entries.stream()
            .filter(rule -> rule.matches(host, bucket, prefix))
            .max(Comparator.comparingInt(StoreRule::specificity));
    if (entry.isPresent() || host != null || byDefault.credentials() == null) {
      return entry;
    }
    return Optional.of(byDefault);
  }

  private void add(StoreRule rule) {
    for (StoreRule other : entries) {
      if (other.samePlace(rule)) {
        root.problems()
            .add(
                rule.at(),
                rule.path(),
                "a second entry for " + rule.place(),
                "one entry for a place",
                other.at().text() + " has the first");
        return;
      }
    }
    entries.add(rule);
  }

  private static Optional<StoreRule> entry(KeyReader entry) {
    int before = entry.problems().count();
    String host = text(entry, ClearmlKeys.HOST);
    String bucket = bare(text(entry, ClearmlKeys.BUCKET));
    String subdir = bare(text(entry, ClearmlKeys.SUBDIR));
    if (host != null && !isHost(host)) {
      entry.wrongValue(
          ClearmlKeys.HOST,
          "host:port, the port always given",
          host.contains("://") ? "without " + host.substring(0, host.indexOf("://") + 3) : "");
    }
    if (bucket != null && bucket.contains("://")) {
      entry.wrongValue(ClearmlKeys.BUCKET, "a bucket's name", "without the scheme");
    } else if (bucket != null && bucket.contains("/")) {
      // Its code takes a path behind the bucket too.
      int slash = bucket.indexOf('/');
      String rest = bucket.substring(slash + 1);
      subdir = subdir == null ? rest : rest + "/" + subdir;
      bucket = bucket.substring(0, slash);
    }
    if (host == null && bucket == null) {
      entry
          .problems()
          .add(
              entry.section().position(),
              entry.path(),
              "neither bucket nor host",
              "an entry for a bucket, a host, or a bucket of a host",
              "keys for everything else stand in aws.s3 itself");
    }
    if (subdir != null && bucket == null) {
      entry.wrong(ClearmlKeys.SUBDIR, "no bucket beside it", "the bucket that it is a part of", "");
    }
    StoreRule rule =
        rule(
            entry,
            ClearmlKeys.OF_ENTRY,
            host == null ? null : StoreRule.lower(host),
            bucket,
            subdir == null ? "" : SourceUrl.withSlash(subdir),
            entry.section().position());
    if (rule.credentials() == null && entry.problems().count() == before) {
      entry
          .problems()
          .add(
              entry.section().position(),
              entry.path(),
              "no credentials" + undefined(entry),
              "key and secret, profile, or use_credentials_chain = true",
              "");
    }
    return entry.problems().count() == before ? Optional.of(rule) : Optional.empty();
  }

  private static String undefined(KeyReader entry) {
    java.util.Set<String> names = new java.util.TreeSet<>();
    names.addAll(Undefined.variables(entry.node(ClearmlKeys.OF_ENTRY.key())));
    names.addAll(Undefined.variables(entry.node(ClearmlKeys.OF_ENTRY.secret())));
    return names.isEmpty() ? "" : ": " + Undefined.names(names) + " not set";
  }

  private static StoreRule rule(
      KeyReader reader,
      ClearmlKeys.S3Keys keys,
      @Nullable String host,
      @Nullable String bucket,
      String subdir,
      Position at) {
    return new StoreRule(
        host,
        bucket,
        subdir,
        credentials(reader, keys),
        text(reader, keys.region()),
        reader.readOrNull(keys.secure()),
        reader.readOrNull(keys.multipart()),
        reader.readOrNull(keys.verify()),
        at,
        reader.path().isEmpty() ? "aws.s3" : reader.path());
  }

  /** Keys, then a profile, then the chain; null where none is set. */
  private static @Nullable Credentials credentials(KeyReader reader, ClearmlKeys.S3Keys keys) {
    String key = text(reader, keys.key());
    String secret = text(reader, keys.secret());
    String token = text(reader, keys.token());
    String profile = text(reader, keys.profile());
    boolean chain = reader.read(keys.chain());
    if (key != null && secret != null) {
      return new Credentials.S3Static(key, secret, token);
    }
    if (key != null || secret != null || token != null) {
      for (Key<String> half : List.of(keys.key(), keys.secret())) {
        if (text(reader, half) == null) {
          reader.wrong(half, Undefined.nothing(reader.node(half)), "key and secret together", "");
        }
      }
      return null;
    }
    if (profile != null) {
      return new Credentials.S3Profile(profile);
    }
    return chain ? new Credentials.Chain() : null;
  }

  /** A text of a pasted file: empty is not set. */
  static @Nullable String text(KeyReader reader, Key<String> key) {
    String text = reader.readOrNull(key);
    return text == null || text.isBlank() ? null : text.strip();
  }

  /** Without quotes around it and slashes around it, as ClearML's code reads it. */
  static @Nullable String bare(@Nullable String text) {
    if (text == null) {
      return null;
    }
    String bare = text.replaceAll("^[\"']+|[\"']+$", "").replaceAll("^/+|/+$", "");
    return bare.isEmpty() ? null : bare;
  }

  private static boolean isHost(String host) {
    Matcher matcher = HOST.matcher(host);
    return matcher.matches() && Integer.parseInt(matcher.group(2)) <= 65_535;
  }
}
