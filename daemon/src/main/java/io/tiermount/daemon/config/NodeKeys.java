package io.tiermount.daemon.config;

import io.tiermount.fs.cache.CacheOptions;
import io.tiermount.fs.fuse.FuseOptions;
import java.util.List;

/**
 * The keys of the node as a whole: {@code identity}, {@code storage}, {@code fuse}, {@code memory}.
 */
final class NodeKeys {
  static final Key<String> ORG =
      Key.open(
          "identity.org", ValueTypes.ANY_TEXT, "$TIERMOUNT_ORG", "the organisation, in prefixes");
  static final Key<String> CLOUD =
      Key.open("identity.cloud", ValueTypes.ANY_TEXT, "$TIERMOUNT_CLOUD", "the cloud, in prefixes");
  static final Key<String> CLUSTER =
      Key.open(
          "identity.cluster",
          ValueTypes.ANY_TEXT,
          "$TIERMOUNT_CLUSTER",
          "the cluster, in the prefix of cluster scopes");
  static final Key<String> USER =
      Key.open(
          "identity.user",
          ValueTypes.ANY_TEXT,
          "$TIERMOUNT_USER",
          "whose node this is, in the prefix of user scopes");
  static final Key<String> NODE =
      Key.open("identity.node", ValueTypes.ANY_TEXT, "the host name", "this node's own name");

  static final Key<String> CACHE_BASE_DIR =
      Key.open(
          "storage.cache.default_base_dir",
          ValueTypes.CACHE_PATH,
          "local NVMe if there is some, else /var/cache/tiermount",
          "where the cache lives");
  static final Key<List<Node.Section>> CACHE_DIRS =
      Key.open(
          "storage.cache.dirs",
          new ValueType.Sections(
              "a list of sections: [ { path = /nvme0/tiermount, max_used_bytes = 500G } ]"),
          "none",
          "several disks used together, instead of default_base_dir");
  static final Key<String> CACHE_DIR_PATH =
      Key.open(
          "storage.cache.dirs.[].path", ValueTypes.CACHE_PATH, "required", "where on this disk");
  static final Key<Long> CACHE_DIR_MAX_USED =
      Key.of(
          "storage.cache.dirs.[].max_used_bytes",
          ValueTypes.SIZE_OR_NONE,
          "0",
          "the cache's ceiling on this disk");
  static final Key<Long> CACHE_MAX_USED =
      Key.of(
          "storage.cache.size.max_used_bytes",
          ValueTypes.SIZE_OR_NONE,
          "0",
          "the cache's hard ceiling, all mounts together");
  static final Key<Long> CACHE_MIN_FREE =
      Key.of(
          "storage.cache.size.min_free_bytes",
          ValueTypes.SIZE_OR_NONE,
          "2G",
          "free space to leave on each disk");
  static final Key<Integer> CACHE_MARGIN =
      Key.of(
          "storage.cache.size.cleanup_margin_percent",
          ValueTypes.PERCENT_BELOW_100,
          "5",
          "how far below the ceiling one clean-up pass goes");
  static final Key<Long> CACHE_MAX_FILE =
      Key.of(
          "storage.cache.size.max_file_bytes",
          ValueTypes.SIZE_OR_NONE,
          "0",
          "larger files are read through without being kept");
  static final Key<Long> CACHE_BLOCK =
      Key.of(
          "storage.cache.block_size",
          ValueTypes.SIZE_IN_BYTES,
          "4M",
          "what one fetch brings: a power of two from 64K to 64M");
  static final Key<CacheOptions.Verify> CACHE_VERIFY =
      Key.of(
          "storage.cache.verify",
          ValueTypes.choice(CacheOptions.Verify.class),
          "on_open",
          "when checksums of cached data are looked at");

  static final Key<FuseOptions.Transport> FUSE_TRANSPORT =
      Key.of(
          "fuse.transport",
          ValueTypes.choice(FuseOptions.Transport.class),
          "auto",
          "how the daemon speaks to the kernel");
  static final Key<Boolean> FUSE_PASSTHROUGH =
      Key.of(
          "fuse.passthrough",
          ValueTypes.SWITCH,
          "on",
          "the kernel reads whole cached files by itself");
  static final Key<FuseOptions.Open> FUSE_OPEN =
      Key.of(
          "fuse.open",
          ValueTypes.choice(FuseOptions.Open.class),
          "normal",
          "whether the daemon hears of opens");

  static final Key<Long> MEMORY_MAX =
      Key.of(
          "memory.max",
          ValueTypes.SIZE_IN_BYTES,
          "512M",
          "anonymous memory of the daemon as a whole, at least 64M");

  static final Key<Boolean> RELOAD =
      Key.of(
          "reload_config",
          ValueTypes.BOOLEAN,
          "false",
          "changes of the files are followed without being told");
  static final Key<LogLevels> LOG_LEVELS =
      Key.open(
          "log_levels",
          new ValueType.Single<>(
              "a level (error, warn, info, debug, trace), then LOGGER=LEVEL, by commas",
              LogLevels::parse),
          "$TIERMOUNT_LOG, else info",
          "how much the daemon logs, and its parts");

  static final List<Key<?>> ALL =
      List.of(
          ORG,
          CLOUD,
          CLUSTER,
          USER,
          NODE,
          CACHE_BASE_DIR,
          CACHE_DIRS,
          CACHE_DIR_PATH,
          CACHE_DIR_MAX_USED,
          CACHE_MAX_USED,
          CACHE_MIN_FREE,
          CACHE_MARGIN,
          CACHE_MAX_FILE,
          CACHE_BLOCK,
          CACHE_VERIFY,
          FUSE_TRANSPORT,
          FUSE_PASSTHROUGH,
          FUSE_OPEN,
          MEMORY_MAX,
          RELOAD,
          LOG_LEVELS);

  private NodeKeys() {}
}
