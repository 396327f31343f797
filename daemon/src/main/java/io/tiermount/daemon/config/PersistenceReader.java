package io.tiermount.daemon.config;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Translates {@code persistence}, Polyaxon's form, into mounts and credentials of the native one:
 * tree to tree, with the positions of what people wrote.
 */
final class PersistenceReader {
  private final Node.Section tree;
  private final KeyReader root;
  private final Map<String, String> environment;
  private final Problems problems;

  private final Map<String, Node> mounts = new TreeMap<>();
  private final Map<String, Node> credentials = new TreeMap<>();
  private final List<Ordered> volumes = new ArrayList<>();
  private final Map<String, AwaitedSecret> awaited = new TreeMap<>();
  private final List<Path> secretFiles = new ArrayList<>();
  private final List<String> notices = new ArrayList<>();

  private record Ordered(Position position, JobVolume volume) {}

  /**
   * The tree with the volumes among its mounts.
   *
   * @param volumes in the order in which they were defined: file, line, name
   * @param awaited volumes whose secret is not there yet; they are mounts of the tree without
   *     credentials, and may not be mounted so
   * @param secrets the files of all secrets, there or not
   */
  record Translated(
      Node.Section tree,
      List<JobVolume> volumes,
      Map<String, AwaitedSecret> awaited,
      List<Path> secrets,
      List<String> notices) {}

  private PersistenceReader(Node.Section tree, Map<String, String> environment, Problems problems) {
    this.tree = tree;
    this.root = KeyReader.root(tree, problems);
    this.environment = environment;
    this.problems = problems;
  }

  /**
   * Translates; what is wrong is reported and left out.
   *
   * @param secrets false: the secrets' files are of another machine, and are not looked at
   */
  static Translated translate(
      Node.Section tree, Map<String, String> environment, boolean secrets, Problems problems) {
    return new PersistenceReader(tree, environment, problems).read(secrets);
  }

  private Translated read(boolean secrets) {
    Path secretsDirectory = directory(PersistenceKeys.SECRETS_DIR);
    Path claimsDirectory = directory(PersistenceKeys.CLAIMS_DIR);
    for (PersistenceKeys.Volume keys : List.of(PersistenceKeys.DATA, PersistenceKeys.OUTPUTS)) {
      for (KeyReader entry : root.named(keys.parent())) {
        Map<String, Node> mount = new TreeMap<>();
        put(mount, "scope", "shared", entry.section().position());
        Place place = place(entry, keys, claimsDirectory);
        Path path = path(entry, keys);
        boolean free = isFree(entry);
        if (place == null || path == null || !free) {
          continue;
        }
        put(mount, "path", path.toString(), entry.positionOf(keys.mountPath()));
        put(mount, "source", place.source(), entry.positionOf(place.key()));
        boolean readOnly = entry.read(keys.readOnly());
        put(mount, "read_only", String.valueOf(readOnly), entry.positionOf(keys.readOnly()));
        if (place.store() != null) {
          // All of it, as Polyaxon mounts it: no scope's prefix.
          put(mount, "prefix", "", entry.positionOf(place.key()));
          secret(entry, keys, place, secrets ? secretsDirectory : null, mount);
        }
        mounts.put(entry.name(), new Node.Section(mount, entry.section().position()));
        JobVolume.Kind kind =
            keys.equals(PersistenceKeys.DATA) ? JobVolume.Kind.DATA : JobVolume.Kind.OUTPUTS;
        volumes.add(
            new Ordered(
                entry.section().position(), new JobVolume(entry.name(), kind, path, readOnly)));
      }
    }
    volumes.sort(
        Comparator.comparing((Ordered ordered) -> ordered.position().file())
            .thenComparingInt(ordered -> ordered.position().line())
            .thenComparing(ordered -> ordered.volume().name()));
    Map<String, Node> entries = new LinkedHashMap<>(tree.entries());
    merge(entries, "mounts", mounts);
    merge(entries, "credentials", credentials);
    return new Translated(
        new Node.Section(entries, tree.position()),
        volumes.stream().map(Ordered::volume).toList(),
        awaited,
        secretFiles,
        notices);
  }

  /**
   * What is behind a volume.
   *
   * @param key what says so
   * @param store null for a directory
   * @param account of an Azure source; else ""
   */
  private record Place(
      String source, Key<?> key, PersistenceKeys.@Nullable Store store, String account) {}

  private @Nullable Place place(
      KeyReader entry, PersistenceKeys.Volume keys, @Nullable Path claimsDirectory) {
    List<Key<?>> given = new ArrayList<>();
    for (Key<?> key : List.of(keys.hostPath(), keys.existingClaim(), keys.store())) {
      if (entry.has(key)) {
        given.add(key);
      }
    }
    if (given.size() != 1) {
      boolean nothing = given.isEmpty();
      Key<?> at = nothing ? keys.store() : given.getLast();
      entry.wrong(
          at,
          nothing ? "nothing behind the volume" : given.size() + " things behind one volume",
          "one of hostPath, existingClaim, store with bucket",
          "");
      return null;
    }
    if (entry.has(keys.store())) {
      return bucket(entry, keys);
    }
    for (Key<?> key : List.of(keys.bucket(), keys.secret(), keys.secretKey())) {
      if (entry.has(key)) {
        entry.wrong(key, "a key of a bucket, on a directory", "nothing", "leave it out");
      }
    }
    if (entry.has(keys.hostPath())) {
      String text = entry.readOrNull(keys.hostPath());
      Path path = text == null ? null : expanded(entry, keys.hostPath(), text);
      return path == null ? null : new Place(fileUrl(path), keys.hostPath(), null, "");
    }
    String claim = entry.readOrNull(keys.existingClaim());
    if (claim == null || claimsDirectory == null) {
      return null;
    }
    Path directory = claimsDirectory.resolve(claim);
    return new Place(fileUrl(directory), keys.existingClaim(), null, "");
  }

  /** Characters that mean something in a URL are escaped. */
  private static String fileUrl(Path path) {
    return "file://" + path.toString().replace("%", "%25").replace("?", "%3F");
  }

  private @Nullable Place bucket(KeyReader entry, PersistenceKeys.Volume keys) {
    PersistenceKeys.Store store = entry.readOrNull(keys.store());
    String bucket = entry.readOrNull(keys.bucket());
    if (bucket == null && !entry.has(keys.bucket())) {
      entry.wrong(keys.bucket(), "nothing", keys.bucket().type().accepted(), "");
    }
    if (store == null || bucket == null) {
      return null;
    }
    SourceUrl url;
    try {
      url = SourceUrl.parse(bucket);
    } catch (BadValueException e) {
      entry.wrong(
          keys.bucket(),
          Found.text(SourceUrl.shown(bucket)),
          keys.bucket().type().accepted(),
          bucket.contains("://") ? e.hint() : scheme(store) + bucket + "?");
      return null;
    }
    SourceUrl.Kind kind =
        switch (store) {
          case S3 -> SourceUrl.Kind.S3;
          case GCS -> SourceUrl.Kind.GCS;
          case AZURE -> SourceUrl.Kind.AZURE;
        };
    if (url.kind() != kind) {
      entry.wrong(
          keys.bucket(),
          Found.text(SourceUrl.shown(bucket)),
          "a bucket of the store that stands beside it: " + scheme(store) + "…",
          "");
      return null;
    }
    int slash = url.bucket().indexOf('/');
    return new Place(
        bucket, keys.bucket(), store, slash < 0 ? "" : url.bucket().substring(0, slash));
  }

  private static String scheme(PersistenceKeys.Store store) {
    return switch (store) {
      case S3 -> "s3://";
      case GCS -> "gs://";
      case AZURE -> "wasbs://";
    };
  }

  private @Nullable Path path(KeyReader entry, PersistenceKeys.Volume keys) {
    String text = entry.readOrNull(keys.mountPath());
    if (text != null) {
      return expanded(entry, keys.mountPath(), text);
    }
    return entry.has(keys.mountPath()) ? null : Path.of("/mnt", entry.name());
  }

  private boolean isFree(KeyReader entry) {
    boolean native_ =
        tree.entries().get("mounts") instanceof Node.Section section
            && section.entries().containsKey(entry.name());
    if (native_ || mounts.containsKey(entry.name())) {
      problems.add(
          entry.section().position(),
          entry.path(),
          entry.name() + ", the name of " + (native_ ? "a mount" : "a data volume") + " too",
          "a name of its own",
          "jobs name volumes by it");
      return false;
    }
    return true;
  }

  /**
   * @param secretsDirectory null: the files are not looked at
   */
  private void secret(
      KeyReader entry,
      PersistenceKeys.Volume keys,
      Place place,
      @Nullable Path secretsDirectory,
      Map<String, Node> mount) {
    String secret = entry.readOrNull(keys.secret());
    String secretKey = entry.readOrNull(keys.secretKey());
    if (entry.has(keys.secret()) != entry.has(keys.secretKey())) {
      Key<String> missing = entry.has(keys.secret()) ? keys.secretKey() : keys.secret();
      entry.wrong(missing, "nothing", "secret and secretKey together", "");
    }
    if (secret == null || secretKey == null || secretsDirectory == null || place.store() == null) {
      return;
    }
    Path file = secretsDirectory.resolve(secret).resolve(secretKey);
    secretFiles.add(file);
    if (!Files.exists(file)) {
      awaited.put(entry.name(), new AwaitedSecret(file));
      return;
    }
    SecretFile.Keys read = SecretFile.read(file, place.store(), place.account(), problems, notices);
    if (read != null) {
      // Brackets are in no name that an operator can give.
      String name = "persistence[" + entry.name() + "]";
      Position at = entry.positionOf(keys.secret());
      credentials.put(name, new Node.Section(read.credentials(), at));
      put(mount, "credentials", name, at);
      mount.putAll(read.mount());
    }
  }

  private @Nullable Path directory(Key<String> key) {
    return expanded(root, key, root.read(key));
  }

  private @Nullable Path expanded(KeyReader reader, Key<String> key, String text) {
    try {
      return ValueTypes.expand(text, environment);
    } catch (BadValueException e) {
      reader.wrongValue(key, key.type().accepted(), e.hint());
      return null;
    }
  }

  private static void put(Map<String, Node> section, String key, String text, Position at) {
    section.put(key, new Node.Scalar(text, at));
  }

  private static void merge(Map<String, Node> entries, String section, Map<String, Node> added) {
    if (added.isEmpty()) {
      return;
    }
    Node there = entries.get(section);
    Map<String, Node> all = new TreeMap<>(added);
    Position at = added.values().iterator().next().position();
    if (there instanceof Node.Section native_) {
      all.putAll(native_.entries());
      at = native_.position();
    }
    entries.put(section, new Node.Section(all, at));
  }
}
