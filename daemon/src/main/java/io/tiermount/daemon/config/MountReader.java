package io.tiermount.daemon.config;

import io.tiermount.fs.cache.MountCacheOptions;
import io.tiermount.fs.fuse.FuseOptions;
import io.tiermount.fs.scope.AccessOptions;
import io.tiermount.fs.scope.QuotaOptions;
import io.tiermount.fs.scope.ScopeKind;
import io.tiermount.fs.volume.VolumeOptions;
import io.tiermount.fs.write.WriteOptions;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Reads one entry of {@code mounts}. */
final class MountReader {
  private static final Duration READ_ONLY_TTL = Duration.ofSeconds(60);
  private static final Duration WRITABLE_TTL = Duration.ofSeconds(1);

  private final KeyReader mount;
  private final FuseOptions nodeFuse;
  private final Map<String, String> environment;
  private final PermissionsReader permissions;
  private final boolean severalUsers;

  /** What became of an entry. */
  sealed interface Outcome {
    /**
     * To be mounted.
     *
     * @param rule the entry of a pasted clearml.conf that its store is reached by; null for none
     */
    record Mounted(KeyReader reader, SourceUrl source, MountConfig config, @Nullable StoreRule rule)
        implements Outcome {}

    /** Its source is undefined. */
    record Skipped(String why) implements Outcome {}

    /** Reported; its path is still its own where it has one. */
    record Refused(@Nullable Path path) implements Outcome {}
  }

  MountReader(
      KeyReader mount, FuseOptions nodeFuse, Map<String, String> environment, NodeFacts node) {
    this.mount = mount;
    this.nodeFuse = nodeFuse;
    this.environment = environment;
    this.permissions = new PermissionsReader(mount, node);
    this.severalUsers = node.severalUsers();
  }

  /**
   * @param scopeRequired false for a mount without a file: without a scope it is shared and shows
   *     all of its source
   */
  Outcome read(
      CredentialsReader credentials, StoreRules rules, PrefixRule prefixes, boolean scopeRequired) {
    int before = mount.problems().count();
    Path path = path();
    ScopeKind scope = scope(scopeRequired);
    boolean readOnly = mount.read(MountKeys.READ_ONLY);
    FuseOptions fuse = fuse();
    WriteOptions write = write(rules, scope);
    MountCacheOptions cache = cache();
    QuotaOptions quota = quota();
    boolean scoped = scopeRequired || mount.has(MountKeys.SCOPE);
    AccessOptions access = permissions.access(scope, scoped);
    checkOpenSkip(fuse, access);
    StoreReader store = new StoreReader(mount, credentials, rules);
    store.readPut();

    Node written = mount.node(MountKeys.SOURCE);
    if (!Undefined.variables(written).isEmpty()) {
      return mount.problems().count() > before
          ? new Outcome.Refused(path)
          : new Outcome.Skipped(
              "its source is undefined: "
                  + Undefined.names(Undefined.variables(written))
                  + " not set");
    }
    SourceUrl url = source();
    if (url == null) {
      return new Outcome.Refused(path);
    }
    checkEntrance(scope, access);
    String prefix = prefixes.prefix(mount, scope, url, scoped);
    SourceConfig source = store.source(url, localMode(url, access, quota), prefix);
    VolumeOptions volume = volume(rules, url, prefix == null ? "" : prefix, readOnly, access);
    if (path == null || source == null || mount.problems().count() > before) {
      return new Outcome.Refused(path);
    }
    return new Outcome.Mounted(
        mount,
        url,
        new MountConfig(
            mount.name(),
            path,
            scope,
            source,
            fuse,
            volume,
            access.making(
                scoped && !url.prefix().equals(prefix), prefixes.layout(mount, scope, url, scoped)),
            write,
            cache,
            quota,
            mount.readOrNull(MountKeys.CREDENTIALS)),
        store.rule());
  }

  private @Nullable Path path() {
    String text = mount.required(MountKeys.PATH);
    if (text == null) {
      return null;
    }
    try {
      Path path = ValueTypes.expand(text, environment);
      if (path.getNameCount() > 0) {
        return path;
      }
      mount.wrongValue(MountKeys.PATH, "a directory below the root", "");
    } catch (BadValueException e) {
      mount.wrongValue(MountKeys.PATH, MountKeys.PATH.type().accepted(), e.hint());
    }
    return null;
  }

  private ScopeKind scope(boolean required) {
    ScopeKind scope =
        required ? mount.required(MountKeys.SCOPE) : mount.readOrNull(MountKeys.SCOPE);
    return scope == null ? ScopeKind.SHARED : scope;
  }

  private @Nullable SourceUrl source() {
    String text = mount.required(MountKeys.SOURCE);
    if (text == null) {
      return null;
    }
    try {
      return SourceUrl.parse(text);
    } catch (BadValueException e) {
      mount.wrong(
          MountKeys.SOURCE,
          Found.text(SourceUrl.shown(text)),
          MountKeys.SOURCE.type().accepted(),
          e.hint());
      return null;
    }
  }

  private FuseOptions fuse() {
    FuseOptions.Transport transport = mount.readOrNull(MountKeys.FUSE_TRANSPORT);
    Boolean passthrough = mount.readOrNull(MountKeys.FUSE_PASSTHROUGH);
    FuseOptions.Open open = mount.readOrNull(MountKeys.FUSE_OPEN);
    return new FuseOptions(
        transport == null ? nodeFuse.transport() : transport,
        passthrough == null ? nodeFuse.passthrough() : passthrough,
        open == null ? nodeFuse.open() : open);
  }

  /** Without opens the daemon can't tell callers apart. */
  private void checkOpenSkip(FuseOptions fuse, AccessOptions access) {
    if (fuse.open() == FuseOptions.Open.SKIP && access.hasLists()) {
      mount.wrong(
          MountKeys.FUSE_OPEN,
          "skip, on a mount with permissions.allow or permissions.deny",
          "normal",
          "without opens the daemon can't keep anybody out: set fuse.open = normal in this mount");
    }
  }

  /** A user's data on a node of several users needs to be told who that user is. */
  private void checkEntrance(ScopeKind scope, AccessOptions access) {
    if (scope == ScopeKind.USER
        && severalUsers
        && access.allow().isEmpty()
        && access.uidMap().isEmpty()
        && !mount.has(MountKeys.ALLOW)) {
      mount.wrong(
          MountKeys.ALLOW,
          "nothing, in a user scope on a node where several users can log in",
          "who may enter: allow = [1000], or a uid_map",
          "allow = [\"*\"] lets everyone in");
    }
  }

  private WriteOptions write(StoreRules rules, ScopeKind scope) {
    WriteOptions.Durability durability = mount.readOrNull(MountKeys.DURABILITY);
    if (durability == null) {
      durability =
          scope == ScopeKind.LOCAL ? WriteOptions.Durability.LOCAL : WriteOptions.Durability.REMOTE;
    }
    Long threads = mount.readOrNull(MountKeys.UPLOAD_THREADS);
    int uploadThreads = threads == null ? rules.uploadThreads() : Math.toIntExact(threads);
    return new WriteOptions(
        durability,
        mount.read(MountKeys.MAX_DIRTY_AGE),
        uploadThreads,
        mount.read(MountKeys.SYNC_ON_CLOSE),
        rules.transferParts().orElse(uploadThreads),
        rules.starvationWarning());
  }

  private MountCacheOptions cache() {
    List<String> pins = mount.readOrNull(MountKeys.CACHE_PIN);
    return new MountCacheOptions(
        CacheReader.orNoLimit(mount.read(MountKeys.CACHE_QUOTA)),
        Math.toIntExact(mount.read(MountKeys.CACHE_PRIORITY)),
        pins == null ? List.of() : pins);
  }

  private QuotaOptions quota() {
    Long objects = mount.readOrNull(MountKeys.QUOTA_MAX_OBJECTS);
    int warnPercent = mount.read(MountKeys.QUOTA_WARN_PERCENT);
    if (warnPercent == 0) {
      mount.wrongValue(MountKeys.QUOTA_WARN_PERCENT, "a percentage from 1 to 99", "");
      warnPercent = QuotaOptions.DEFAULTS.warnPercent();
    }
    return new QuotaOptions(
        CacheReader.orNoLimit(mount.read(MountKeys.QUOTA_MAX_BYTES)),
        objects == null ? Long.MAX_VALUE : objects,
        warnPercent);
  }

  private SourceConfig.LocalMode localMode(
      SourceUrl url, AccessOptions access, QuotaOptions quota) {
    boolean more = access.asksForMoreThanModeBits() || quota.isLimited();
    SourceConfig.LocalMode mode = mount.readOrNull(MountKeys.LOCAL_MODE);
    if (mode != null && url.kind() != SourceUrl.Kind.LOCAL_DIRECTORY) {
      mount.wrongValue(MountKeys.LOCAL_MODE, "nothing: it is for file:///dir sources alone", "");
    } else if (mode == SourceConfig.LocalMode.BIND && more) {
      mount.wrongValue(
          MountKeys.LOCAL_MODE,
          "fuse, as permissions or quota of this mount ask for more than mode bits",
          "");
    }
    if (mode != null) {
      return mode;
    }
    return more ? SourceConfig.LocalMode.FUSE : SourceConfig.LocalMode.BIND;
  }

  private VolumeOptions volume(
      StoreRules rules, SourceUrl url, String prefix, boolean readOnly, AccessOptions access) {
    Duration attrTtl = mount.readOrNull(MountKeys.ATTR_TTL);
    if (attrTtl == null) {
      attrTtl = readOnly ? READ_ONLY_TTL : WRITABLE_TTL;
    }
    Duration entryTtl = mount.readOrNull(MountKeys.ENTRY_TTL);
    VolumeOptions.AttributeMode attributes = mount.read(MountKeys.ATTRIBUTES);
    // A directory's prefix is part of its path already.
    boolean directory = url.kind() == SourceUrl.Kind.LOCAL_DIRECTORY;
    return new VolumeOptions(
        directory ? "" : prefix,
        readOnly,
        attributes,
        permissions.owner(),
        permissions.group(),
        mount.read(MountKeys.FILE_MODE) & ~access.umask(),
        mount.read(MountKeys.DIR_MODE) & ~access.umask(),
        attrTtl,
        entryTtl == null ? attrTtl : entryTtl,
        mount.read(MountKeys.NEGATIVE_TTL),
        mount.read(MountKeys.REVALIDATE),
        rules
            .direct()
            .forMount(mount, url, prefix, attributes == VolumeOptions.AttributeMode.LIST));
  }
}
