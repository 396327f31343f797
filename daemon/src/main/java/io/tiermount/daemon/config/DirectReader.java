package io.tiermount.daemon.config;

import io.tiermount.fs.volume.DirectAccess;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Reads {@code storage.direct_access}. Without a list {@code file:///dir} sources alone lie where
 * they are read, as bind mounts; a directory used as a bucket is one to this list too, and cached
 * unless a glob names it.
 */
final class DirectReader {
  private final List<String> urls = new ArrayList<>();
  private final List<String> types = new ArrayList<>();

  DirectReader(KeyReader root) {
    for (KeyReader entry : root.elements(StorageKeys.DIRECT_ACCESS)) {
      String url = entry.readOrNull(StorageKeys.DIRECT_URL);
      String type = entry.readOrNull(StorageKeys.DIRECT_TYPE);
      if (entry.has(StorageKeys.DIRECT_URL) == entry.has(StorageKeys.DIRECT_TYPE)) {
        root.problems()
            .add(
                entry.section().position(),
                entry.path(),
                url == null ? "neither url nor content_type" : "both url and content_type",
                "one of the two",
                url == null ? "" : "two entries: each of them is enough");
      }
      if (url != null) {
        urls.add(url);
      }
      if (type != null) {
        types.add(type);
      }
    }
  }

  /** What of a mount is never cached; reports where that could not be known. */
  DirectAccess forMount(KeyReader mount, SourceUrl source, String prefix, boolean listed) {
    if (urls.isEmpty() && types.isEmpty()) {
      return DirectAccess.NONE;
    }
    if (listed && !types.isEmpty() && source.kind() == SourceUrl.Kind.S3) {
      mount.wrongValue(
          MountKeys.ATTRIBUTES,
          "full, as storage.direct_access asks for content types, which no listing tells",
          "");
    }
    return new DirectAccess(root(source) + prefix, urls, types);
  }

  /** The glob that covers a URL; null for none. */
  @Nullable String coveringUrl(String url) {
    for (String glob : urls) {
      if (new DirectAccess("", List.of(glob), List.of()).coversUrl(url)) {
        return glob;
      }
    }
    return null;
  }

  /** What stands before a key in an object's URL. */
  static String root(SourceUrl source) {
    Path directory = source.directory();
    if (directory != null) {
      return "file://" + directory + "/";
    }
    String host = source.endpoint() == null ? "" : source.endpoint().getAuthority() + "/";
    String scheme =
        switch (source.kind()) {
          case S3 -> "s3://";
          case GCS -> "gs://";
          case AZURE -> "azure://";
          case NFS -> "nfs://";
          case LOCAL_BUCKET, LOCAL_DIRECTORY -> "file://";
        };
    return scheme + host + source.bucket() + "/";
  }
}
