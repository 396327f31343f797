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
  private static final String CLEARML_VARIABLE = "CLEARML_CACHE_DIR";
  private static final int MIN_BLOCK_BYTES = CacheOptions.CHUNK_BYTES;
  private static final int MAX_BLOCK_BYTES = 64 << 20;

  private final KeyReader root;
  private final Map<String, String> environment;
  private final NodeFacts node;
  private final boolean files;
  private final List<String> notices;

  /**
   * @param files false for a mount without a file: ClearML's variables are not about it
   * @param notices what a person should know is added
   */
  CacheReader(
      KeyReader root,
      Map<String, String> environment,
      NodeFacts node,
      boolean files,
      List<String> notices) {
    this.root = root;
    this.environment = environment;
    this.node = node;
    this.files = files;
    this.notices = notices;
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
    Path base = base();
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
    for (KeyReader entry : root.elements(NodeKeys.CACHE_DIRS)) {
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

  /**
   * {@code CLEARML_CACHE_DIR} wins over the files, as in ClearML's own code; what the command line
   * and our own variables say wins over it.
   */
  private @Nullable Path base() {
    String theirs = environment.getOrDefault(CLEARML_VARIABLE, "");
    Position written = root.positionOf(NodeKeys.CACHE_BASE_DIR);
    boolean fromFile = files && (!root.has(NodeKeys.CACHE_BASE_DIR) || written.line() > 0);
    if (theirs.isBlank() || !fromFile || root.has(NodeKeys.CACHE_DIRS)) {
      return path(root, NodeKeys.CACHE_BASE_DIR);
    }
    try {
      Path path = ValueTypes.expandAll(theirs.strip(), environment);
      if (path.isAbsolute()) {
        notices.add("the cache is in " + path + ": " + CLEARML_VARIABLE + " says so");
        return path;
      }
      wrongVariable(theirs, "");
    } catch (BadValueException e) {
      wrongVariable(theirs, e.hint());
    }
    return null;
  }

  private void wrongVariable(String found, String hint) {
    root.problems()
        .add(
            new Position("environment " + CLEARML_VARIABLE, 0),
            NodeKeys.CACHE_BASE_DIR.path(),
            Found.text(found),
            "an absolute path, also with ~ or $VARIABLE",
            hint);
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
      Path path = ValueTypes.expandAll(text, environment);
      if (path.isAbsolute()) {
        return path;
      }
      reader.wrongValue(key, key.type().accepted(), "");
      return null;
    } catch (BadValueException e) {
      reader.wrongValue(key, key.type().accepted(), e.hint());
      return null;
    }
  }

  static long orNoLimit(long bytes) {
    return bytes == 0 ? Long.MAX_VALUE : bytes;
  }
}
