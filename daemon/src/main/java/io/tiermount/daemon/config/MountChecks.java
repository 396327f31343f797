package io.tiermount.daemon.config;

import io.tiermount.fs.cache.CacheOptions;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What must hold between mounts, and between them and the cache. */
final class MountChecks {
  private static final String APART = "a path that lies in no other mount";

  private final List<Place> places;
  private final List<MountReader.Outcome.Mounted> mounts;
  private final @Nullable CacheOptions cache;
  private final KeyReader root;

  /**
   * Where a mount wants to be, right or wrong in everything else.
   *
   * @param path absolute
   */
  record Place(KeyReader mount, Path path) {
    String text() {
      return mount.name() + " (" + mount.positionOf(MountKeys.PATH).text() + ")";
    }

    void report(String found, String accepted) {
      mount.wrong(MountKeys.PATH, found, accepted, "");
    }
  }

  MountChecks(
      List<Place> places,
      List<MountReader.Outcome.Mounted> mounts,
      @Nullable CacheOptions cache,
      KeyReader root) {
    this.places = places;
    this.mounts = mounts;
    this.cache = cache;
    this.root = root;
  }

  /** Reports what is wrong and answers with what a person should know. */
  List<String> check() {
    for (int later = 0; later < places.size(); later++) {
      for (Place earlier : places.subList(0, later)) {
        checkPaths(earlier, places.get(later));
      }
      checkCache(places.get(later));
    }
    List<String> notices = new ArrayList<>();
    for (int later = 0; later < mounts.size(); later++) {
      for (MountReader.Outcome.Mounted earlier : mounts.subList(0, later)) {
        checkSources(earlier, mounts.get(later), notices);
      }
      checkOwnSource(mounts.get(later));
    }
    return notices;
  }

  private static void checkPaths(Place one, Place other) {
    if (one.path().equals(other.path())) {
      other.report(one.path() + ", the path of " + one.text() + " too", "a path of its own");
    } else if (other.path().startsWith(one.path())) {
      other.report(other.path() + ", inside " + one.text(), APART);
    } else if (one.path().startsWith(other.path())) {
      one.report(one.path() + ", inside " + other.text(), APART);
    }
  }

  /** Two views of one source are allowed: often one is read-only. They are as two nodes are. */
  private static void checkSources(
      MountReader.Outcome.Mounted one, MountReader.Outcome.Mounted other, List<String> notices) {
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
    Path path = mount.config().path();
    if (directory != null && (directory.startsWith(path) || path.startsWith(directory))) {
      mount
          .reader()
          .wrong(
              MountKeys.SOURCE,
              directory + ", in the way of the mount at " + path,
              "a directory that is neither inside the mount nor around it",
              "");
    }
  }

  /** The cache of a mount must not lie in a mount: each would wait for the other. */
  private void checkCache(Place place) {
    if (cache == null) {
      return;
    }
    for (CacheOptions.Directory directory : cache.directories()) {
      if (directory.path().startsWith(place.path())) {
        root.wrong(
            root.has(NodeKeys.CACHE_DIRS) ? NodeKeys.CACHE_DIRS : NodeKeys.CACHE_BASE_DIR,
            directory.path() + ", inside " + place.text(),
            "a directory outside all mounts",
            "");
      } else if (place.path().startsWith(directory.path())) {
        place.report(place.path() + ", inside the cache", "a path outside " + directory.path());
      }
    }
  }
}
