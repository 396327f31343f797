package io.tiermount.daemon.config;

import io.tiermount.fs.cache.CacheOptions;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What must hold between mounts, and between them and the cache. */
final class MountChecks {
  private final List<MountReader.Outcome.Mounted> mounts;
  private final @Nullable CacheOptions cache;
  private final KeyReader root;
  private final List<String> notices = new ArrayList<>();

  MountChecks(
      List<MountReader.Outcome.Mounted> mounts, @Nullable CacheOptions cache, KeyReader root) {
    this.mounts = mounts;
    this.cache = cache;
    this.root = root;
  }

  /** Reports what is wrong and answers with what a person should know. */
  List<String> check() {
    for (int later = 0; later < mounts.size(); later++) {
      MountReader.Outcome.Mounted mount = mounts.get(later);
      for (int earlier = 0; earlier < later; earlier++) {
        checkPaths(mounts.get(earlier), mount);
        checkSources(mounts.get(earlier), mount);
      }
      checkOwnSource(mount);
      checkCache(mount);
    }
    return notices;
  }

  private static void checkPaths(
      MountReader.Outcome.Mounted one, MountReader.Outcome.Mounted other) {
    Path path = one.config().path();
    Path otherPath = other.config().path();
    if (path.equals(otherPath)) {
      report(other, "the path of " + named(one) + " too", "a path of its own", "");
    } else if (otherPath.startsWith(path)) {
      report(other, otherPath + ", inside " + named(one), "a path that lies in no other mount", "");
    } else if (path.startsWith(otherPath)) {
      report(one, path + ", inside " + named(other), "a path that lies in no other mount", "");
    }
  }

  private static String named(MountReader.Outcome.Mounted mount) {
    Position position = mount.reader().positionOf(MountKeys.PATH);
    return mount.reader().name() + " (" + position.text() + ")";
  }

  private static void report(
      MountReader.Outcome.Mounted mount, String found, String accepted, String hint) {
    mount.reader().wrong(MountKeys.PATH, found, accepted, hint);
  }

  /** Two views of one source are allowed: often one is read-only. They are as two nodes are. */
  private void checkSources(MountReader.Outcome.Mounted one, MountReader.Outcome.Mounted other) {
    String prefix = one.config().volume().prefix();
    String otherPrefix = other.config().volume().prefix();
    boolean same = one.source().store().equals(other.source().store());
    boolean writable = !one.config().volume().readOnly() || !other.config().volume().readOnly();
    boolean objects = !(one.config().source() instanceof SourceConfig.LocalDirectory);
    boolean overlap = prefix.startsWith(otherPrefix) || otherPrefix.startsWith(prefix);
    if (same && writable && objects && overlap) {
      notices.add(
          "mounts "
              + one.reader().name()
              + " and "
              + other.reader().name()
              + " show the same objects: each sees the other's changes as another node's, after"
              + " attr_ttl, and caches them for itself");
    }
  }

  private static void checkOwnSource(MountReader.Outcome.Mounted mount) {
    Path directory = mount.source().directory();
    if (directory != null && directory.startsWith(mount.config().path())) {
      mount
          .reader()
          .wrong(
              MountKeys.SOURCE,
              directory + ", which the mount at " + mount.config().path() + " would hide",
              "a directory outside the mount",
              "");
    }
  }

  /** The cache of a mount must not lie in a mount: each would wait for the other. */
  private void checkCache(MountReader.Outcome.Mounted mount) {
    if (cache == null) {
      return;
    }
    Path path = mount.config().path();
    for (CacheOptions.Directory directory : cache.directories()) {
      if (directory.path().startsWith(path)) {
        root.wrong(
            root.has(NodeKeys.CACHE_DIRS) ? NodeKeys.CACHE_DIRS : NodeKeys.CACHE_BASE_DIR,
            directory.path() + ", inside " + named(mount),
            "a directory outside all mounts",
            "");
      } else if (path.startsWith(directory.path())) {
        report(mount, path + ", inside the cache", "a path outside " + directory.path(), "");
      }
    }
  }
}
