package io.tiermount.daemon.config;

import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * Where in a store a mount's files are: URLs ↔ paths below mounts. Knows what the configuration
 * says, and asks neither a store nor the kernel. Immutable; safe from any thread.
 */
public final class SourcePlace {
  private final MountConfig mount;
  private final SourceUrl source;

  private SourcePlace(MountConfig mount, SourceUrl source) {
    this.mount = mount;
    this.source = source;
  }

  /** A place in a mount, or the object there. */
  public record Found(MountConfig mount, String text) {}

  /**
   * The key's path below the mount that shows it; of several mounts the one that shows the least.
   *
   * @param url as in {@code source}, with the key behind the bucket
   * @return {@code text} is the key below the mount's prefix, still a key and not a file name
   * @throws IllegalArgumentException where this is no URL, with what to write
   */
  public static Optional<Found> ofUrl(List<MountConfig> mounts, String url) {
    SourceUrl wanted;
    try {
      wanted = SourceUrl.parse(url);
    } catch (BadValueException e) {
      throw new IllegalArgumentException(
          SourceUrl.shown(url)
              + " is no URL of an object"
              + (e.hint().isEmpty() ? "" : ": " + e.hint()));
    }
    // A key ends as it was written: the reader of sources adds a slash.
    String key = wanted.prefix();
    if (!url.endsWith("/") && key.endsWith("/")) {
      key = key.substring(0, key.length() - 1);
    }
    Optional<Found> best = Optional.empty();
    int length = -1;
    for (SourcePlace place : places(mounts)) {
      Optional<String> inside = place.inside(wanted, key);
      if (inside.isPresent() && place.depth() > length) {
        best = Optional.of(new Found(place.mount, inside.get()));
        length = place.depth();
      }
    }
    return best;
  }

  /** The URL of what a path below a mount shows; {@code key} turns the rest of it into a key. */
  public static Optional<Found> ofPath(
      List<MountConfig> mounts, Path path, java.util.function.UnaryOperator<String> key) {
    return places(mounts).stream()
        .filter(place -> path.startsWith(place.mount.path()))
        .max(Comparator.comparingInt(place -> place.mount.path().getNameCount()))
        .map(place -> {
          Path below = place.mount.path().relativize(path);
          boolean directory = place.mount.source() instanceof SourceConfig.LocalDirectory;
          String rest = below.toString();
          return new Found(place.mount, place.url(directory ? rest : key.apply(rest)));
        });
  }

  private static List<SourcePlace> places(List<MountConfig> mounts) {
    return mounts.stream()
        .map(mount -> {
          try {
            return new SourcePlace(mount, SourceUrl.parse(mount.source().url()));
          } catch (BadValueException e) {
            throw new IllegalStateException("a source that was not checked", e);
          }
        })
        .toList();
  }

  private int depth() {
    return mount.source() instanceof SourceConfig.LocalDirectory local
        ? local.directory().getNameCount()
        : mount.volume().prefix().length();
  }

  private Optional<String> inside(SourceUrl wanted, String key) {
    if (mount.source() instanceof SourceConfig.LocalDirectory local) {
      Path file = wanted.directory();
      return wanted.kind() == SourceUrl.Kind.LOCAL_DIRECTORY
              && file != null
              && file.startsWith(local.directory())
          ? Optional.of(local.directory().relativize(file).toString())
          : Optional.empty();
    }
    if (mount.source() instanceof SourceConfig.LocalBucket bucket
        && wanted.kind() == SourceUrl.Kind.LOCAL_DIRECTORY
        && wanted.directory() != null
        && wanted.directory().startsWith(bucket.directory())) {
      return below(bucket.directory().relativize(wanted.directory()).toString());
    }
    return sameStore(wanted) ? below(key) : Optional.empty();
  }

  private Optional<String> below(String key) {
    String prefix = mount.volume().prefix();
    if (key.startsWith(prefix)) {
      return Optional.of(key.substring(prefix.length()));
    }
    // The prefix itself, written without its slash.
    return prefix.equals(key + "/") ? Optional.of("") : Optional.empty();
  }

  /** A store is written as the source is, or with its host and port. */
  private boolean sameStore(SourceUrl wanted) {
    if (wanted.store().equals(source.store())) {
      return true;
    }
    return wanted.kind() == SourceUrl.Kind.S3
        && mount.source() instanceof SourceConfig.S3 s3
        && wanted.bucket().equals(source.bucket())
        && wanted.endpoint() != null
        && s3.options().endpoint() != null
        && wanted.endpoint().getAuthority().equals(s3.options().endpoint().getAuthority());
  }

  private String url(String rest) {
    String prefix = mount.volume().prefix();
    return switch (mount.source()) {
      case SourceConfig.LocalDirectory local -> "file://" + local.directory().resolve(rest);
      case SourceConfig.LocalBucket bucket -> "file://" + bucket.directory() + "/" + prefix + rest;
      case SourceConfig.S3 _, SourceConfig.NotYet _ -> root() + prefix + rest;
    };
  }

  /** The source's URL up to its own path, with a slash at the end. */
  private String root() {
    String url = source.url();
    String own = source.prefix();
    String written = url.endsWith("/") ? url : url + "/";
    return written.substring(0, written.length() - own.length());
  }
}
