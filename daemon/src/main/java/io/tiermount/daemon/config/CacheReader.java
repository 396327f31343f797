package io.tiermount.daemon.config;

import io.tiermount.fs.cache.CacheOptions;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Reads {@code storage.cache}. */
final class CacheReader {
  private static final Path FALLBACK = Path.of("/var/cache/tiermount");
  private static final int MIN_BLOCK_BYTES = CacheOptions.CHUNK_BYTES;
  private static final int MAX_BLOCK_BYTES = 64 << 20;

  private final KeyReader root;
  private final Map<String, String> environment;
  private final NodeFacts node;

  CacheReader(KeyReader root, Map<String, String> environment, NodeFacts node) {
    this.root = root;
    this.environment = environment;
    this.node = node;
  }

  /** Null after reporting. */
  @Nullable CacheOptions read() {
    int before = root.problems().count();
    List<CacheOptions.Directory> directories = directories();
    long blockBytes = root.read(NodeKeys.CACHE_BLOCK);
    if (Long.bitCount(blockBytes) != 1
        || blockBytes < MIN_BLOCK_BYTES
        || blockBytes > MAX_BLOCK_BYTES) {
      root.wrongValue(NodeKeys.CACHE_BLOCK, "a power of two from 64K to 64M", "");
    }
    long minFreeBytes = root.read(NodeKeys.CACHE_MIN_FREE);
    int marginPercent = root.read(NodeKeys.CACHE_MARGIN);
    long maxFileBytes = orNoLimit(root.read(NodeKeys.CACHE_MAX_FILE));
    CacheOptions.Verify verify = root.read(NodeKeys.CACHE_VERIFY);
    if (root.problems().count() > before) {
      return null;
    }
    return new CacheOptions(
        directories, minFreeBytes, marginPercent, maxFileBytes, (int) blockBytes, verify);
  }

  private List<CacheOptions.Directory> directories() {
    long maxUsedBytes = orNoLimit(root.read(NodeKeys.CACHE_MAX_USED));
    List<Node.Section> several = root.readOrNull(NodeKeys.CACHE_DIRS);
    Path base = path(root, NodeKeys.CACHE_BASE_DIR);
    if (several == null) {
      Path directory = base == null ? node.nvmeDirectory().orElse(FALLBACK) : base;
      return List.of(new CacheOptions.Directory(directory, maxUsedBytes));
    }
    if (root.has(NodeKeys.CACHE_BASE_DIR)) {
      root.wrongValue(NodeKeys.CACHE_BASE_DIR, "default_base_dir or dirs, not both", "");
    }
    if (root.has(NodeKeys.CACHE_MAX_USED)) {
      root.wrongValue(
          NodeKeys.CACHE_MAX_USED, "with dirs: max_used_bytes in each of them instead", "");
    }
    List<CacheOptions.Directory> directories = new ArrayList<>();
    List<Node> written =
        root.node(NodeKeys.CACHE_DIRS) instanceof Node.Items list ? list.items() : List.of();
    for (int i = 0; i < written.size(); i++) {
      if (!(written.get(i) instanceof Node.Section section)) {
        continue;
      }
      KeyReader entry =
          new KeyReader(
              section,
              NodeKeys.CACHE_DIRS.path() + "." + Schema.ELEMENT,
              NodeKeys.CACHE_DIRS.path() + "[" + i + "]",
              root.problems());
      Path path = path(entry, NodeKeys.CACHE_DIR_PATH);
      if (path != null) {
        add(directories, entry, path, orNoLimit(entry.read(NodeKeys.CACHE_DIR_MAX_USED)));
      } else if (!entry.has(NodeKeys.CACHE_DIR_PATH)) {
        entry.wrong(NodeKeys.CACHE_DIR_PATH, "nothing", "an absolute path", "");
      }
    }
    if (several.isEmpty()) {
      root.wrong(NodeKeys.CACHE_DIRS, "an empty list", "at least one directory", "");
    }
    return directories;
  }

  private static void add(
      List<CacheOptions.Directory> directories, KeyReader entry, Path path, long maxUsedBytes) {
    for (CacheOptions.Directory other : directories) {
      if (path.startsWith(other.path()) || other.path().startsWith(path)) {
        entry.wrongValue(NodeKeys.CACHE_DIR_PATH, "a directory apart from " + other.path(), "");
      }
    }
    directories.add(new CacheOptions.Directory(path, maxUsedBytes));
  }

  private @Nullable Path path(KeyReader reader, Key<String> key) {
    String text = reader.readOrNull(key);
    if (text == null) {
      return null;
    }
    try {
      return ValueTypes.expand(text, environment);
    } catch (BadValueException e) {
      reader.wrongValue(key, key.type().accepted(), e.hint());
      return null;
    }
  }

  static long orNoLimit(long bytes) {
    return bytes == 0 ? Long.MAX_VALUE : bytes;
  }
}
