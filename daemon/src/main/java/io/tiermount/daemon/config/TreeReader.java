package io.tiermount.daemon.config;

import io.tiermount.fs.cache.CacheOptions;
import io.tiermount.fs.fuse.FuseOptions;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** The native form: a tree in, records out, with every error found on the way. */
final class TreeReader {
  private static final long MIN_MEMORY_BYTES = 64L << 20;

  private final Map<String, String> environment;
  private final NodeFacts node;

  TreeReader(Map<String, String> environment, NodeFacts node) {
    this.environment = environment;
    this.node = node;
  }

  /** What was read, and who can say why. */
  record Read(TiermountConfig config, Explainer explainer) {}

  /**
   * Reads a whole tree.
   *
   * @param scopeRequired false for a mount without a file
   * @param notices what was understood before; more is added
   */
  Read read(Node.Section given, boolean scopeRequired, List<String> notices, Problems problems)
      throws InvalidConfigException {
    Node.Section tree = ServerForm.translate(given, notices, problems);
    Schema.check(tree, problems);
    PersistenceReader.Translated translated =
        PersistenceReader.translate(
            AnyscaleDefaults.translate(tree, environment, node, notices, problems),
            environment,
            true,
            problems);
    KeyReader root = KeyReader.root(translated.tree(), problems);
    ServerOptions server = new AdminReader(root).read();
    IdentityReader identity = new IdentityReader(root, environment, node);
    CredentialsReader credentials = new CredentialsReader(root, environment);
    CacheOptions cache = new CacheReader(root, environment, node, scopeRequired, notices).read();
    FuseOptions fuse = fuse(root);
    long memoryMaxBytes = memory(root);
    StoreRules rules = new StoreRules(root, environment);
    PathSubstitution paths = new PathReader(root).read();
    NodeOptions options =
        new NodeOptions(
            paths,
            root.read(ClearmlKeys.RELOAD) || root.read(NodeKeys.RELOAD),
            root.readOrNull(NodeKeys.LOG_LEVELS));
    PrefixRule prefixes = new PrefixRule(identity);
    List<MountReader.Outcome.Mounted> mounted = new ArrayList<>();
    List<MountChecks.Place> places = new ArrayList<>();
    Map<String, String> skipped = new TreeMap<>();
    for (KeyReader mount : root.named("mounts")) {
      MountReader reader = new MountReader(mount, fuse, environment, node);
      switch (reader.read(credentials, rules, prefixes, scopeRequired)) {
        case MountReader.Outcome.Mounted outcome -> {
          places.add(new MountChecks.Place(mount, outcome.config().path()));
          AwaitedSecret secret = translated.awaited().get(mount.name());
          if (secret == null) {
            mounted.add(outcome);
          } else {
            skipped.put(mount.name(), secret.why());
          }
        }
        case MountReader.Outcome.Skipped outcome -> skipped.put(mount.name(), outcome.why());
        case MountReader.Outcome.Refused outcome -> {
          if (outcome.path() != null) {
            places.add(new MountChecks.Place(mount, outcome.path()));
          }
        }
      }
    }
    identity.reportMissed();
    notices.addAll(translated.notices());
    notices.addAll(LaterKeys.notices(tree));
    notices.addAll(new MountChecks(places, mounted, cache, root).check());
    problems.throwIfAny();
    if (cache == null) {
      throw new IllegalStateException("a wrong cache section was not reported");
    }
    TiermountConfig config =
        new TiermountConfig(
            identity.identity(),
            cache,
            memoryMaxBytes,
            mounted.stream()
                .map(MountReader.Outcome.Mounted::config)
                .sorted(Comparator.comparing(MountConfig::path))
                .toList(),
            skipped,
            notices,
            new JobVolumes(translated.volumes(), translated.awaited(), translated.secrets()),
            options,
            server);
    return new Read(config, new Explainer(root, mounted, rules, cache, paths));
  }

  private static FuseOptions fuse(KeyReader root) {
    return new FuseOptions(
        root.read(NodeKeys.FUSE_TRANSPORT),
        root.read(NodeKeys.FUSE_PASSTHROUGH),
        root.read(NodeKeys.FUSE_OPEN));
  }

  private static long memory(KeyReader root) {
    long bytes = root.read(NodeKeys.MEMORY_MAX);
    if (bytes < MIN_MEMORY_BYTES) {
      root.wrongValue(NodeKeys.MEMORY_MAX, "at least 64M", "");
    }
    return bytes;
  }
}
