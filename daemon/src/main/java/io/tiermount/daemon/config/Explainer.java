package io.tiermount.daemon.config;

import io.tiermount.backends.Credentials;
import io.tiermount.backends.s3.S3Options;
import io.tiermount.daemon.config.MountReader.Outcome.Mounted;
import io.tiermount.fs.cache.CacheOptions;
import java.net.URI;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Says which settings of a configuration apply to a URL, and where each of them stands. */
final class Explainer {
  /** Of shorter secrets four characters would tell too much. */
  private static final int MIN_SHOWN_SECRET = 8;

  private final KeyReader root;
  private final List<Mounted> mounts;
  private final StoreRules rules;
  private final CacheOptions cache;
  private final PathSubstitution paths;

  Explainer(
      KeyReader root,
      List<Mounted> mounts,
      StoreRules rules,
      CacheOptions cache,
      PathSubstitution paths) {
    this.root = root;
    this.mounts = List.copyOf(mounts);
    this.rules = rules;
    this.cache = cache;
    this.paths = paths;
  }

  Explanation explain(String url) {
    SourceUrl asked;
    try {
      asked = SourceUrl.parse(url);
    } catch (BadValueException e) {
      String why = e.hint().isEmpty() ? MountKeys.SOURCE.type().accepted() : e.hint();
      return new Explanation(
          SourceUrl.shown(url), null, List.of(setting("mount", "none", "not a URL: " + why)));
    }
    String place = DirectReader.root(asked) + asked.prefix();
    Optional<Mounted> shown =
        mounts.stream()
            .filter(mount -> below(mount, place) != null)
            .max(Comparator.comparingInt(mount -> mount.config().volume().prefix().length()));
    List<Explanation.Setting> settings = new ArrayList<>();
    if (shown.isPresent()) {
      mounted(shown.get(), place, settings);
    } else {
      settings.add(setting("mount", "none", "no source of a mount is a prefix of it"));
      unmounted(asked, settings);
    }
    String plain = url.strip();
    paths
        .toLocal(plain)
        .ifPresent(path ->
            settings.add(
                setting("path_substitution", path, at(root, StorageKeys.PATHS.list(), "none"))));
    return new Explanation(url, shown.map(mount -> mount.config().name()).orElse(null), settings);
  }

  /** The URL's part below a mount, with a slash at its end; null where it is not in it. */
  private static @Nullable String below(Mounted mount, String place) {
    for (String base : bases(mount)) {
      if (place.startsWith(base)) {
        return place.substring(base.length());
      }
    }
    return null;
  }

  /** A bucket of an endpoint has two names: with the endpoint in the URL and without it. */
  private static List<String> bases(Mounted mount) {
    String prefix = mount.config().volume().prefix();
    List<String> bases = new ArrayList<>();
    bases.add(DirectReader.root(mount.source()) + prefix);
    if (mount.config().source() instanceof SourceConfig.S3 s3
        && s3.options().endpoint() != null
        && mount.source().endpoint() == null) {
      String host = s3.options().endpoint().getAuthority();
      bases.add("s3://" + host + "/" + mount.source().bucket() + "/" + prefix);
    }
    return bases;
  }

  private void mounted(Mounted mount, String place, List<Explanation.Setting> settings) {
    KeyReader reader = mount.reader();
    MountConfig config = mount.config();
    settings.add(setting("mount", config.name(), at(reader)));
    String below = String.valueOf(below(mount, place));
    String inside = below.endsWith("/") ? below.substring(0, below.length() - 1) : below;
    settings.add(
        setting(
            "path",
            config.path() + (inside.isEmpty() ? "" : "/" + inside),
            at(reader, MountKeys.PATH, "")));
    settings.add(setting("source", config.source().url(), at(reader, MountKeys.SOURCE, "")));
    String prefix = config.volume().prefix();
    String prefixWhy =
        mount.source().namesPath() ? "the source names it" : "scope = " + word(config.scope());
    settings.add(
        setting(
            "prefix", prefix.isEmpty() ? "none" : prefix, at(reader, MountKeys.PREFIX, prefixWhy)));
    settings.add(credentials(mount));
    switch (config.source()) {
      case SourceConfig.S3 s3 -> {
        s3(mount, s3.options(), settings);
        cache(mount, place, settings);
      }
      case SourceConfig.LocalBucket _ -> cache(mount, place, settings);
      case SourceConfig.LocalDirectory local ->
          settings.add(
              setting(
                  "cache",
                  "never: read where it lies",
                  at(reader, MountKeys.LOCAL_MODE, word(local.mode()) + " of a directory")));
      case SourceConfig.NotYet other ->
          settings.add(
              setting(
                  "state",
                  "refused at mount",
                  "this version has no store for " + other.kind() + " yet"));
    }
  }

  /** A URL that no mount shows still has an entry that one would take. */
  private void unmounted(SourceUrl asked, List<Explanation.Setting> settings) {
    Optional<StoreRule> rule =
        switch (asked.kind()) {
          case S3 -> rules.s3Rule(asked);
          case GCS -> rules.others().forGoogle(asked.bucket(), asked.prefix());
          case AZURE -> rules.others().forContainer(asked.bucket(), asked.prefix());
          case LOCAL_BUCKET, LOCAL_DIRECTORY, NFS -> Optional.empty();
        };
    rule.ifPresent(found ->
        settings.add(
            setting(
                "credentials",
                shown(found.credentials()),
                at(found) + ", for a mount that names none")));
  }

  private Explanation.Setting credentials(Mounted mount) {
    KeyReader reader = mount.reader();
    String name = mount.config().credentials();
    StoreRule rule = mount.rule();
    if (name != null) {
      KeyReader entry =
          root.named("credentials").stream()
              .filter(candidate -> candidate.name().equals(name))
              .findFirst()
              .orElse(reader);
      String where = at(entry) + ", named by " + at(reader, MountKeys.CREDENTIALS, "");
      Credentials who =
          mount.config().source() instanceof SourceConfig.S3 s3 ? s3.options().credentials() : null;
      return setting("credentials", name + (who == null ? "" : ": " + shown(who)), where);
    }
    if (rule != null) {
      boolean byDefault = rule.bucket() == null && rule.host() == null;
      return setting(
          "credentials",
          shown(rule.credentials()),
          at(rule) + (byDefault ? ", the default" : ", the most specific entry for it"));
    }
    return switch (mount.config().source()) {
      case SourceConfig.S3 _, SourceConfig.NotYet _ ->
          setting("credentials", "the provider's own chain", "nothing names any");
      case SourceConfig.LocalBucket _, SourceConfig.LocalDirectory _ ->
          setting("credentials", "none", "files of this node need none");
    };
  }

  private void s3(Mounted mount, S3Options options, List<Explanation.Setting> settings) {
    KeyReader reader = mount.reader();
    StoreRule rule = mount.rule();
    URI endpoint = options.endpoint();
    String inSource = mount.source().endpoint() == null ? "default" : "the source names it";
    settings.add(
        setting(
            "endpoint",
            endpoint == null ? "AWS" : endpoint.toString(),
            at(reader, MountKeys.ENDPOINT, inSource)));
    String regionWhy =
        rule != null && rule.region() != null
            ? at(rule)
            : "from the environment or profile, else us-east-1";
    settings.add(
        setting(
            "region",
            options.region() == null ? "not set" : options.region(),
            at(reader, MountKeys.REGION, regionWhy)));
    boolean tls = endpoint == null || "https".equals(endpoint.getScheme());
    String tlsWhy =
        endpoint == null
            ? "AWS is always spoken to by TLS"
            : reader.has(MountKeys.ENDPOINT)
                ? at(reader, MountKeys.ENDPOINT, "")
                : rule == null ? "s3://host:port without an entry" : secureWhy(rule);
    settings.add(setting("tls", tls ? "on" : "off", tlsWhy));
    String verified =
        options.caBundle() != null
            ? "by " + options.caBundle()
            : options.verifyTls() ? "yes" : "no: any certificate is accepted";
    settings.add(setting("verify", verified, at(reader, MountKeys.VERIFY, rules.verifyWhy(rule))));
    settings.add(
        setting(
            "path_style",
            String.valueOf(options.pathStyle()),
            at(
                reader,
                MountKeys.PATH_STYLE,
                endpoint == null ? "default without an endpoint" : "default with an endpoint")));
    settings.add(
        setting(
            "multipart",
            options.multipart()
                ? "yes, " + mount.config().write().transferParts() + " parts at once"
                : "never",
            rules.multipartWhy(rule)
                + "; "
                + at(root, ClearmlKeys.MULTIPART_CONCURRENCY, "as many as upload threads")));
    settings.add(
        setting(
            "uploads",
            mount.config().write().uploadThreads() + " at once",
            at(reader, MountKeys.UPLOAD_THREADS, at(root, ClearmlKeys.UPLOAD_THREADS, "default"))));
    settings.add(
        setting(
            "connections",
            String.valueOf(options.maxConnections()),
            at(root, ClearmlKeys.POOL_CONNECTIONS, "default")));
    settings.add(
        setting(
            "retries",
            options.maxRetries() + ", the first after " + options.retryBase().toMillis() + " ms",
            at(root, ClearmlKeys.MAX_RETRIES, "default")
                + "; "
                + at(root, ClearmlKeys.BACKOFF_FACTOR, "default")));
  }

  private String secureWhy(StoreRule rule) {
    return rule.secure() != null
        ? "secure of " + at(rule)
        : at(root, ClearmlKeys.DEFAULT.secure(), "secure is false by default");
  }

  private void cache(Mounted mount, String place, List<Explanation.Setting> settings) {
    KeyReader reader = mount.reader();
    String url = place.endsWith("/") ? place.substring(0, place.length() - 1) : place;
    String glob = rules.direct().coveringUrl(url);
    boolean byType = mount.config().volume().direct().asksForTypes();
    settings.add(
        setting(
            "cache",
            glob == null
                ? byType
                    ? "yes, unless its media type is one of "
                        + String.join(", ", mount.config().volume().direct().typeGlobs())
                    : "yes"
                : "never: " + glob + " is read where it lies",
            at(root, StorageKeys.DIRECT_ACCESS, "no direct_access list")));
    CacheOptions.Directory first = cache.directories().getFirst();
    settings.add(
        setting(
            "cache_directory",
            first.path() + (cache.directories().size() > 1 ? " and others" : ""),
            at(root, NodeKeys.CACHE_DIRS, at(root, NodeKeys.CACHE_BASE_DIR, "default"))));
    settings.add(
        setting(
            "cache_size",
            bytes(first.maxUsedBytes()),
            at(root, NodeKeys.CACHE_DIRS, at(root, NodeKeys.CACHE_MAX_USED, "default"))));
    settings.add(
        setting(
            "largest_file_kept",
            bytes(cache.maxFileBytes()),
            at(root, NodeKeys.CACHE_MAX_FILE, "default")));
    settings.add(
        setting(
            "block_size", bytes(cache.blockBytes()), at(root, NodeKeys.CACHE_BLOCK, "default")));
    settings.add(
        setting(
            "mount_cache_quota",
            bytes(mount.config().cache().quotaBytes()),
            at(reader, MountKeys.CACHE_QUOTA, "default")));
  }

  private static String bytes(long bytes) {
    return bytes == Long.MAX_VALUE ? "no limit" : bytes + " bytes";
  }

  private static String word(Enum<?> constant) {
    return constant.name().toLowerCase(java.util.Locale.ROOT);
  }

  /** What proves who we are, without what must stay secret. */
  private static String shown(@Nullable Credentials credentials) {
    return switch (credentials) {
      case null -> "none";
      case Credentials.Anonymous _ -> "none: requests are not signed";
      case Credentials.S3Static keys ->
          "key "
              + masked(keys.accessKey())
              + ", secret "
              + masked(keys.secretKey())
              + (keys.sessionToken() == null ? "" : ", token " + masked(keys.sessionToken()));
      case Credentials.S3Profile profile -> "profile " + profile.name();
      case Credentials.S3WebIdentity _ -> "web identity of the environment";
      case Credentials.S3Process process -> "program " + process.command().getFirst();
      case Credentials.Chain _ -> "the provider's own chain";
      case Credentials.GcsKeyFile file -> "key file " + file.path();
      case Credentials.Azure azure ->
          azure.accountKey() != null
              ? "account key " + masked(azure.accountKey())
              : azure.connectionString() != null
                  ? "a connection string"
                  : azure.sasToken() != null
                      ? "SAS token " + masked(azure.sasToken())
                      : "the machine's identity";
    };
  }

  private static String masked(String secret) {
    return secret.length() < MIN_SHOWN_SECRET ? "…" : Credentials.lastFour(secret);
  }

  private static Explanation.Setting setting(String name, String value, String why) {
    return new Explanation.Setting(name, value, why);
  }

  private static String at(KeyReader section) {
    return section.path() + " (" + section.section().position().text() + ")";
  }

  private static String at(StoreRule rule) {
    return rule.path() + " (" + rule.at().text() + ")";
  }

  /** Where a key stands; else what holds instead. */
  static String at(KeyReader reader, Key<?> key, String otherwise) {
    return reader.has(key)
        ? reader.pathOf(key) + " (" + reader.positionOf(key).text() + ")"
        : otherwise;
  }
}
