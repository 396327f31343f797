package io.tiermount.daemon.config;

import io.tiermount.backends.Credentials;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Reads {@code credentials}. An entry whose values come from undefined variables is no error until
 * a mount uses it: one file serves nodes with different secrets.
 */
final class CredentialsReader {
  private final Map<String, String> environment;
  private final Map<String, Entry> entries = new TreeMap<>();

  /**
   * One entry.
   *
   * @param credentials null where the entry was reported, or lacks the variables
   */
  private record Entry(
      KeyReader reader,
      CredentialKeys.@Nullable Kind kind,
      @Nullable Credentials credentials,
      Set<String> undefined) {}

  CredentialsReader(KeyReader root, Map<String, String> environment) {
    this.environment = environment;
    for (KeyReader entry : root.named("credentials")) {
      entries.put(entry.name(), read(entry));
    }
  }

  /** What a mount of a kind of store uses; null after reporting. */
  @Nullable Credentials forMount(KeyReader mount, CredentialKeys.Kind kind) {
    String name = mount.readOrNull(MountKeys.CREDENTIALS);
    if (name == null) {
      return mount.has(MountKeys.CREDENTIALS) ? null : new Credentials.Chain();
    }
    Entry entry = entries.get(name);
    if (entry == null) {
      String known =
          entries.isEmpty()
              ? "an entry of credentials (there is none)"
              : String.join(" | ", entries.keySet());
      Optional<String> nearest = Nearest.to(name, entries.keySet());
      mount.wrongValue(
          MountKeys.CREDENTIALS, known, nearest.map(n -> "did you mean " + n + "?").orElse(""));
      return null;
    }
    if (entry.kind() != null && entry.kind() != kind) {
      mount.wrong(
          MountKeys.CREDENTIALS,
          name + ", which has type = " + word(entry.kind()),
          "an entry with type = " + word(kind),
          entry.reader().positionOf(CredentialKeys.TYPE).text() + " defines it");
      return null;
    }
    if (entry.credentials() == null && !entry.undefined().isEmpty()) {
      mount.wrong(
          MountKeys.CREDENTIALS,
          name + ", whose " + Undefined.names(entry.undefined()) + " not set",
          "an entry that is complete",
          entry.reader().section().position().text() + " defines it");
    }
    return entry.credentials();
  }

  private static String word(CredentialKeys.Kind kind) {
    return kind.name().toLowerCase(java.util.Locale.ROOT);
  }

  private Entry read(KeyReader entry) {
    CredentialKeys.Kind kind = entry.readOrNull(CredentialKeys.TYPE);
    if (kind == null && !entry.has(CredentialKeys.TYPE)) {
      entry.wrong(CredentialKeys.TYPE, "nothing", CredentialKeys.TYPE.type().accepted(), "");
    }
    Set<String> undefined = new TreeSet<>();
    Map<Key<?>, Object> given = given(entry, undefined);
    Credentials credentials = null;
    if (kind != null && belongs(entry, kind, given.keySet())) {
      List<Credentials> ways = ways(entry, kind, given, undefined);
      if (ways.size() > 1) {
        entry
            .problems()
            .add(
                entry.section().position(),
                entry.path(),
                ways.size() + " ways to prove who one is",
                "one of " + accepted(kind),
                "");
      } else if (!ways.isEmpty()) {
        credentials = ways.getFirst();
      } else if (undefined.isEmpty() && given.isEmpty()) {
        entry
            .problems()
            .add(entry.section().position(), entry.path(), "no way in", accepted(kind), "");
      }
    }
    return new Entry(entry, kind, credentials, undefined);
  }

  /** What the entry says, {@code false} being as good as nothing. */
  private static Map<Key<?>, Object> given(KeyReader entry, Set<String> undefined) {
    Map<Key<?>, Object> given = new java.util.LinkedHashMap<>();
    for (Key<?> key : CredentialKeys.ALL) {
      Set<String> variables = Undefined.variables(entry.node(key));
      if (!variables.isEmpty()) {
        undefined.addAll(variables);
      } else if (!key.equals(CredentialKeys.TYPE)) {
        Object value = entry.readOrNull(key);
        if (value == null && entry.has(key)) {
          // Reported: not "no way in" as well.
          given.put(key, false);
        } else if (value != null && !value.equals((Object) false)) {
          given.put(key, value);
        }
      }
    }
    return given;
  }

  /** True where no key is of another kind of store. */
  private static boolean belongs(KeyReader entry, CredentialKeys.Kind kind, Set<Key<?>> given) {
    boolean belongs = true;
    for (Key<?> key : given) {
      if (!kinds(key).contains(kind)) {
        entry.wrong(
            key,
            "a key of another type of store",
            "with type = " + word(kind) + ": " + accepted(kind),
            "");
        belongs = false;
      }
    }
    return belongs;
  }

  private static Set<CredentialKeys.Kind> kinds(Key<?> key) {
    if (key.equals(CredentialKeys.CHAIN)) {
      return EnumSet.of(CredentialKeys.Kind.S3, CredentialKeys.Kind.GCS);
    }
    if (key.equals(CredentialKeys.KEY_FILE)) {
      return EnumSet.of(CredentialKeys.Kind.GCS);
    }
    boolean azure =
        key.equals(CredentialKeys.ACCOUNT_KEY)
            || key.equals(CredentialKeys.CONNECTION_STRING)
            || key.equals(CredentialKeys.SAS_TOKEN)
            || key.equals(CredentialKeys.MANAGED_IDENTITY);
    return EnumSet.of(azure ? CredentialKeys.Kind.AZURE : CredentialKeys.Kind.S3);
  }

  private static String accepted(CredentialKeys.Kind kind) {
    return switch (kind) {
      case S3 ->
          "access_key + secret_key (+ session_token) | profile | web_identity = true | process ="
              + " [\"…\"] | chain = true | anonymous = true";
      case GCS -> "key_file | chain = true";
      case AZURE -> "account_key | connection_string | sas_token | managed_identity = true";
    };
  }

  private List<Credentials> ways(
      KeyReader entry, CredentialKeys.Kind kind, Map<Key<?>, Object> given, Set<String> undefined) {
    return switch (kind) {
      case S3 -> s3(entry, given, undefined);
      case GCS -> gcs(entry, given);
      case AZURE -> azure(entry, given);
    };
  }

  private static List<Credentials> s3(
      KeyReader entry, Map<Key<?>, Object> given, Set<String> undefined) {
    List<Credentials> ways = new ArrayList<>();
    String access = text(given, CredentialKeys.ACCESS_KEY);
    String secret = text(given, CredentialKeys.SECRET_KEY);
    if (access != null && secret != null) {
      ways.add(new Credentials.S3Static(access, secret, text(given, CredentialKeys.SESSION_TOKEN)));
    } else if (undefined.isEmpty()) {
      reportHalfKeys(entry, given);
    }
    String profile = text(given, CredentialKeys.PROFILE);
    if (profile != null) {
      ways.add(new Credentials.S3Profile(profile));
    }
    if (entry.read(CredentialKeys.WEB_IDENTITY)) {
      ways.add(new Credentials.S3WebIdentity());
    }
    List<String> process = entry.readOrNull(CredentialKeys.PROCESS);
    if (process != null && process.isEmpty()) {
      entry.wrong(CredentialKeys.PROCESS, "an empty list", "[\"/path/to/program\", …]", "");
    } else if (process != null) {
      ways.add(new Credentials.S3Process(process));
    }
    if (entry.read(CredentialKeys.CHAIN)) {
      ways.add(new Credentials.Chain());
    }
    if (entry.read(CredentialKeys.ANONYMOUS)) {
      ways.add(new Credentials.Anonymous());
    }
    return ways;
  }

  /** A key without its secret, or the reverse. */
  private static void reportHalfKeys(KeyReader entry, Map<Key<?>, Object> given) {
    List<Key<String>> keys =
        List.of(CredentialKeys.ACCESS_KEY, CredentialKeys.SECRET_KEY, CredentialKeys.SESSION_TOKEN);
    if (keys.stream().anyMatch(given::containsKey)) {
      for (Key<String> key : keys.subList(0, 2)) {
        if (!entry.has(key)) {
          entry.wrong(key, "nothing", "access_key and secret_key together", "");
        }
      }
    }
  }

  private static @Nullable String text(Map<Key<?>, Object> given, Key<String> key) {
    return given.get(key) instanceof String text ? text : null;
  }

  private List<Credentials> gcs(KeyReader entry, Map<Key<?>, Object> given) {
    List<Credentials> ways = new ArrayList<>();
    if (given.get(CredentialKeys.KEY_FILE) instanceof String file) {
      try {
        Path path = ValueTypes.expand(file, environment);
        ways.add(new Credentials.GcsKeyFile(path));
      } catch (BadValueException e) {
        entry.wrongValue(
            CredentialKeys.KEY_FILE, CredentialKeys.KEY_FILE.type().accepted(), e.hint());
      }
    }
    if (given.containsKey(CredentialKeys.CHAIN)) {
      ways.add(new Credentials.Chain());
    }
    return ways;
  }

  private static List<Credentials> azure(KeyReader entry, Map<Key<?>, Object> given) {
    List<Credentials> ways = new ArrayList<>();
    for (Key<String> key :
        List.of(
            CredentialKeys.ACCOUNT_KEY,
            CredentialKeys.CONNECTION_STRING,
            CredentialKeys.SAS_TOKEN)) {
      if (given.get(key) instanceof String text) {
        ways.add(
            new Credentials.Azure(
                key.equals(CredentialKeys.ACCOUNT_KEY) ? text : null,
                key.equals(CredentialKeys.CONNECTION_STRING) ? text : null,
                key.equals(CredentialKeys.SAS_TOKEN) ? text : null,
                false));
      }
    }
    if (entry.read(CredentialKeys.MANAGED_IDENTITY)) {
      ways.add(new Credentials.Azure(null, null, null, true));
    }
    return ways;
  }
}
