package io.tiermount.daemon.config;

import io.tiermount.backends.Credentials;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Reads {@code azure.storage} and {@code google.storage} for mounts that name no credentials. A
 * container's own entry beats its account's, the longest sub-directory wins, whatever the order.
 */
final class OtherRules {
  private final Map<String, String> environment;
  private final List<StoreRule> azure = new ArrayList<>();
  private final List<StoreRule> google = new ArrayList<>();

  OtherRules(KeyReader root, Map<String, String> environment) {
    this.environment = environment;
    for (KeyReader entry : root.elements(ClearmlKeys.CONTAINERS)) {
      container(entry).ifPresent(rule -> add(root, azure, rule));
    }
    for (KeyReader entry : root.elements(ClearmlKeys.GOOGLE_ENTRIES)) {
      googleEntry(entry).ifPresent(rule -> add(root, google, rule));
    }
    String file = S3Rules.text(root, ClearmlKeys.CREDENTIALS_JSON);
    Credentials credentials =
        file == null ? null : keyFile(root, ClearmlKeys.CREDENTIALS_JSON, file);
    if (credentials != null) {
      google.add(
          rule(
              null,
              "",
              credentials,
              root.positionOf(ClearmlKeys.CREDENTIALS_JSON),
              "google.storage"));
    }
  }

  /** The rule for a container; empty for the provider's own chain. */
  Optional<StoreRule> forContainer(String accountAndContainer, String prefix) {
    return best(azure, accountAndContainer, prefix);
  }

  /** The rule for a bucket of Google's; empty for the provider's own chain. */
  Optional<StoreRule> forGoogle(String bucket, String prefix) {
    return best(google, bucket, prefix);
  }

  private static Optional<StoreRule> best(List<StoreRule> rules, String bucket, String prefix) {
    return rules.stream()
        .filter(rule -> rule.matches(null, bucket, prefix))
        .max(Comparator.comparingInt(StoreRule::specificity));
  }

  private static void add(KeyReader root, List<StoreRule> rules, StoreRule rule) {
    for (StoreRule other : rules) {
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
    rules.add(rule);
  }

  private static Optional<StoreRule> container(KeyReader entry) {
    int before = entry.problems().count();
    String account = entry.required(ClearmlKeys.ACCOUNT_NAME);
    String key = S3Rules.text(entry, ClearmlKeys.ACCOUNT_KEY);
    String container = S3Rules.bare(S3Rules.text(entry, ClearmlKeys.CONTAINER_NAME));
    boolean machine = entry.read(ClearmlKeys.DEFAULT_CREDENTIAL);
    if (key == null && !machine && entry.problems().count() == before) {
      entry.wrong(
          ClearmlKeys.ACCOUNT_KEY,
          Undefined.nothing(entry.node(ClearmlKeys.ACCOUNT_KEY)),
          "the account's key, or use_default_credential = true",
          "");
    }
    if (entry.problems().count() > before) {
      return Optional.empty();
    }
    return Optional.of(
        rule(
            account + "/" + (container == null ? "" : container),
            "",
            new Credentials.Azure(key, null, null, key == null),
            entry.section().position(),
            entry.path()));
  }

  private Optional<StoreRule> googleEntry(KeyReader entry) {
    String bucket = S3Rules.bare(entry.required(ClearmlKeys.GOOGLE_BUCKET));
    String subdir = S3Rules.bare(S3Rules.text(entry, ClearmlKeys.GOOGLE_SUBDIR));
    String file = entry.required(ClearmlKeys.GOOGLE_FILE);
    Credentials credentials = file == null ? null : keyFile(entry, ClearmlKeys.GOOGLE_FILE, file);
    if (bucket == null || credentials == null) {
      return Optional.empty();
    }
    return Optional.of(
        rule(
            bucket,
            subdir == null ? "" : SourceUrl.withSlash(subdir),
            credentials,
            entry.section().position(),
            entry.path()));
  }

  private @Nullable Credentials keyFile(KeyReader reader, Key<String> key, String text) {
    try {
      Path path = ValueTypes.expandAll(text, environment);
      if (path.isAbsolute()) {
        return new Credentials.GcsKeyFile(path);
      }
      reader.wrongValue(key, "the absolute path of a key file", "");
    } catch (BadValueException e) {
      reader.wrongValue(key, "the absolute path of a key file", e.hint());
    }
    return null;
  }

  private static StoreRule rule(
      @Nullable String bucket, String subdir, Credentials credentials, Position at, String path) {
    return new StoreRule(null, bucket, subdir, credentials, null, null, null, null, at, path);
  }
}
