package io.tiermount.daemon.config;

import java.util.List;
import java.util.stream.Stream;

/** What {@code storage} holds beside the cache; ClearML's files have the same keys. */
final class StorageKeys {
  static final Key<List<Node.Section>> DIRECT_ACCESS =
      Key.open(
          "storage.direct_access",
          new ValueType.Sections("a list of sections: [ { url = \"s3://raw/**\" } ]"),
          "file:///dir sources alone",
          "what is read where it lies and never cached");
  static final Key<String> DIRECT_URL =
      Key.open(
          "storage.direct_access.[].url",
          ValueTypes.URL_GLOB,
          "none",
          "a glob of URLs, * over slashes too");
  static final Key<String> DIRECT_TYPE =
      Key.open(
          "storage.direct_access.[].content_type",
          ValueTypes.URL_GLOB,
          "none",
          "a glob of media types");

  static final PathKeys PATHS = new PathKeys("storage.path_substitution");

  /** The other place where ClearML's documentation puts them. */
  static final PathKeys CACHE_PATHS = new PathKeys("storage.cache.path_substitution");

  static final List<Key<?>> ALL =
      Stream.of(
              List.<Key<?>>of(DIRECT_ACCESS, DIRECT_URL, DIRECT_TYPE),
              PATHS.all(),
              CACHE_PATHS.all())
          .flatMap(List::stream)
          .toList();

  private StorageKeys() {}

  /** A list of substitutions. */
  record PathKeys(
      Key<List<Node.Section>> list,
      Key<String> registered,
      Key<String> local,
      Key<Boolean> windows,
      Key<Boolean> linux,
      Key<PathSubstitution.Match> match) {
    PathKeys(String path) {
      this(
          Key.open(
              path,
              new ValueType.Sections(
                  "a list of sections: [ { registered_prefix = A, local_prefix = B } ]"),
              "none",
              "where URLs of a store lie on this node; the first match wins"),
          Key.open(
              path + ".[].registered_prefix", ValueTypes.TEXT, "required", "how the URLs begin"),
          Key.open(
              path + ".[].local_prefix", ValueTypes.TEXT, "required", "what stands there here"),
          Key.of(
              path + ".[].replace_windows_sep",
              ValueTypes.PYTHON_BOOLEAN,
              "false",
              "\\ behind the prefix becomes /"),
          Key.of(
              path + ".[].replace_linux_sep",
              ValueTypes.PYTHON_BOOLEAN,
              "false",
              "/ behind the prefix becomes \\"),
          Key.of(
              path + ".[].match",
              ValueTypes.choice(PathSubstitution.Match.class),
              "components",
              "text: prefixes are compared sign by sign"));
    }

    List<Key<?>> all() {
      return List.of(list, registered, local, windows, linux, match);
    }
  }
}
