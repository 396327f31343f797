package io.tiermount.daemon;

import io.tiermount.backends.MeteredStore;
import io.tiermount.backends.StoreMeter;
import io.tiermount.backends.StoreMeter.Operation;
import io.tiermount.backends.os.LibC;
import io.tiermount.daemon.admin.AdminApi.CacheResult;
import io.tiermount.daemon.config.MountConfig;
import io.tiermount.daemon.config.SourceConfig;
import io.tiermount.fs.FileSystem;
import io.tiermount.fs.fuse.Connection;
import io.tiermount.fs.fuse.FuseOptions;
import io.tiermount.fs.fuse.FuseTransport;
import io.tiermount.fs.fuse.KernelCache;
import io.tiermount.fs.fuse.MountOptions;
import io.tiermount.fs.scope.AccessPolicy;
import io.tiermount.fs.scope.Entrance;
import io.tiermount.fs.tree.Handles;
import io.tiermount.fs.tree.NodeIds;
import io.tiermount.fs.tree.Nodes;
import io.tiermount.fs.tree.OpenTable;
import io.tiermount.fs.volume.Backlog;
import io.tiermount.fs.volume.Changes;
import io.tiermount.fs.volume.Inherited;
import io.tiermount.fs.volume.ObjectVolume;
import io.tiermount.fs.volume.Quota;
import io.tiermount.fs.volume.ScopeDirectory;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Objects of a store, mounted through a transport. */
final class ObjectMount implements MountDriver {
  /**
   * The kernel's own read-ahead: with 1 MiB a sequential reader costs an eighth of the READs that
   * 128 KiB would.
   */
  private static final long READ_AHEAD_BYTES = 1 << 20;

  private static final Logger log = LoggerFactory.getLogger(ObjectMount.class);

  /** For requests under way when a successor is about to come; the rest it gets again. */
  private static final long LEAVE_MILLIS = 200;

  private volatile MountConfig config;
  private final MeteredStore store;
  private final @Nullable ScopeDirectory scopeDirectory;
  private final FuseTransport transport;
  private final Watched watched;
  private final ObjectVolume volume;
  private final Handles handles;
  private final Nodes nodes;
  private final Entrance entrance;
  private final FileSystem fs;
  private final @Nullable Backlog backlog;
  private volatile @Nullable KernelCache kernel;

  /** Where what the kernel has open is written down. */
  interface OpenTables {
    OpenTable of(long rootId) throws IOException;
  }

  /**
   * @param store shows the mount's prefix alone; closed with the mount
   * @param scopeDirectory made where it is missing; null where that is not ours to do
   */
  ObjectMount(
      MountConfig config,
      MeteredStore store,
      @Nullable ScopeDirectory scopeDirectory,
      FuseTransport transport,
      DiskCache cache,
      NodeIds ids,
      OpenTables tables,
      int blockBytes,
      Clock clock)
      throws IOException {
    this.config = config;
    this.store = store;
    this.scopeDirectory = scopeDirectory;
    this.transport = transport;
    watched = new Moving(store, transport);
    entrance = Entrance.of(config.access(), config.volume().owner(), config.volume().group());
    String scope = store.id();
    volume =
        new ObjectVolume(
            store, scope, config.volume(), config.access(), cache.blocks(), cache.index(), clock);
    // Two mounts of one source share blocks, but not node numbers.
    nodes = new Nodes(cache.state(), ids, scope + '\0' + config.path(), volume.rootIno());
    handles = new Handles(tables.of(nodes.root().id()));
    if (!config.volume().readOnly()) {
      backlog =
          volume.enableWrites(
              config.path().toString(),
              cache.state(),
              nodes,
              config.write(),
              config.quota(),
              inherited());
    } else {
      backlog = null;
    }
    // libfuse 2 would hand ENOSYS to the program instead of remembering it.
    FuseOptions.Open open =
        transport.name().equals("dev") ? config.fuse().open() : FuseOptions.Open.NORMAL;
    fs =
        new FileSystem(
            config.path().toString(),
            volume,
            nodes,
            handles,
            blockBytes,
            open,
            new AccessPolicy(config.access(), Path.of("/proc"), LibC.getuid()),
            entrance.acl());
  }

  @Override
  public void start() throws IOException {
    KernelCache mounted = transport.start(options(), fs);
    fs.mounted();
    kernel = mounted;
    store.begin();
    if (scopeDirectory != null) {
      scopeDirectory.start();
    }
  }

  private Inherited inherited() {
    List<OpenTable.Open> opens = handles.table().opens();
    return new Inherited(
        handles.table().isReopened(),
        opens.stream()
            .filter(open -> !open.directory())
            .map(OpenTable.Open::nodeId)
            .collect(Collectors.toSet()));
  }

  private MountOptions options() {
    return new MountOptions(
        config.path(),
        config.source().url(),
        config.volume().readOnly(),
        true,
        READ_AHEAD_BYTES,
        config.fuse().passthrough(),
        0,
        entrance.acl() != null);
  }

  @Override
  public void resume(@Nullable Connection connection) throws IOException {
    if (connection == null) {
      throw new IOException(config.path() + ": its connection to the kernel was not kept");
    }
    fs.restore();
    KernelCache mounted = transport.resume(options(), connection, fs);
    fs.mounted();
    kernel = mounted;
    store.begin();
  }

  @Override
  public @Nullable Connection connection() {
    return transport.connection();
  }

  @Override
  public boolean canBeLeft() {
    return transport.connection() != null;
  }

  @Override
  public void leave() {
    transport.leave(LEAVE_MILLIS);
    volume.close();
  }

  @Override
  public void stop(Duration deadline) {
    if (scopeDirectory != null) {
      scopeDirectory.close();
    }
    transport.close();
    boolean _ = volume.drain(deadline);
    volume.close();
    try {
      handles.table().close();
    } catch (IOException e) {
      log.warn("the table of what was open on {} stays behind", config.path(), e);
    }
  }

  @Override
  public boolean change(MountConfig next) {
    MountConfig now = config;
    // The times of libfuse 2 are the whole mount's, told once.
    if (!now.differsInLivePartsAlone(next)
        || (!transport.name().equals("dev") && !now.volume().equals(next.volume()))) {
      return false;
    }
    volume.change(next.volume(), next.write());
    if (next.source() instanceof SourceConfig.S3 s3 && !s3.equals(now.source())) {
      store.changeCredentials(s3.options().credentials());
    }
    config = next;
    return true;
  }

  @Override
  public @Nullable String release(Duration deadline) {
    if (!volume.drain(deadline)) {
      return volume.pendingChanges()
          + " changes are not in the store yet: reload once status shows pending_changes 0";
    }
    return Unmount.unlessBusy(config.path());
  }

  @Override
  public boolean cached() {
    return true;
  }

  @Override
  public CacheResult evict(Path inside) throws IOException {
    ObjectVolume.Evicted evicted = volume.evict(inside);
    return new CacheResult(evicted.files(), evicted.bytes(), List.of());
  }

  @Override
  public boolean drain(Duration deadline) {
    return volume.drain(deadline);
  }

  @Override
  public @Nullable Backlog backlog() {
    return backlog;
  }

  @Override
  public Watched watched() {
    return watched;
  }

  /** What of it is watched. */
  private record Moving(MeteredStore store, FuseTransport transport) implements Watched {
    @Override
    public long progress() {
      return store.meter().progress();
    }

    @Override
    public int stuck(Duration longerThan) {
      return transport.stuckRequests(longerThan);
    }

    @Override
    public int end(Duration longerThan) {
      return transport.endStuckRequests(longerThan);
    }
  }

  @Override
  public Report report() {
    KernelCache mounted = kernel;
    boolean passthrough =
        mounted != null
            && mounted.passthrough()
            && config.fuse().passthrough()
            && config.fuse().open() == FuseOptions.Open.NORMAL;
    Map<String, Object> counters = new LinkedHashMap<>();
    counters.put("read_only", config.volume().readOnly());
    counters.put("pending_changes", volume.pendingChanges());
    Changes changes = volume.changes();
    if (changes != null && changes.quota().isLimited()) {
      counters.put("quota", quotaCounters(changes.quota().report()));
    }
    if (backlog != null) {
      Backlog.Report now = backlog.report();
      counters.put("dirty_bytes", now.dirtyBytes());
      counters.put("oldest_dirty_seconds", TimeUnit.MILLISECONDS.toSeconds(now.oldestMillis()));
      counters.put("failing_uploads", now.failing());
      counters.put("uploads_waiting", backlog.uploads().waiting());
      backlog
          .uploads()
          .starvingSince()
          .ifPresent(since -> counters.put("uploads_starving_since", since.toString()));
    }
    Map<String, Long> requests = new TreeMap<>(transport.requestCounts());
    requests.values().removeIf(count -> count == 0);
    counters.put("requests", requests);
    counters.put("open_files", handles.openFiles());
    counters.put("passthrough_opens", handles.passthroughOpens());
    counters.put("daemon_opens", handles.cachedOpens());
    counters.put("kernel_nodes", nodes.held());
    counters.put("store", storeCounters());
    return new Report(
        transport.name(),
        passthrough,
        passthrough ? null : passthroughOff(mounted),
        trouble(),
        counters);
  }

  private static Map<String, Object> quotaCounters(Quota.Report quota) {
    Map<String, Object> counters = new LinkedHashMap<>();
    counters.put("used_bytes", quota.used().bytes());
    if (quota.limits().maxBytes() != Long.MAX_VALUE) {
      counters.put("max_bytes", quota.limits().maxBytes());
    }
    counters.put("used_objects", quota.used().objects());
    if (quota.limits().maxObjects() != Long.MAX_VALUE) {
      counters.put("max_objects", quota.limits().maxObjects());
    }
    counters.put("percent", quota.percent());
    counters.put("warning", quota.warns());
    counters.put("refused", quota.refused());
    if (quota.countedAtMillis() != 0) {
      counters.put("counted_at", Instant.ofEpochMilli(quota.countedAtMillis()).toString());
    }
    return counters;
  }

  private Map<String, Object> storeCounters() {
    Map<String, Object> counters = new LinkedHashMap<>();
    counters.put("id", store.id());
    counters.put("reach", store.meter().status().reach().name().toLowerCase(Locale.ROOT));
    for (Operation operation : Operation.values()) {
      StoreMeter.Count count = store.meter().count(operation);
      if (count.calls() > 0) {
        counters.put(
            operation.name().toLowerCase(Locale.ROOT),
            Map.of(
                "calls", count.calls(),
                "failures", count.failures(),
                "bytes", count.bytes(),
                "p50_micros", count.quantileMicros(0.5),
                "p99_micros", count.quantileMicros(0.99)));
      }
    }
    return counters;
  }

  private @Nullable String trouble() {
    @Nullable String own = store.trouble();
    if (own != null) {
      return own;
    }
    StoreMeter.Status status = store.meter().status();
    StoreMeter.LastError error = status.lastError();
    return switch (status.reach()) {
      case UNKNOWN, REACHABLE ->
          backlog == null
              ? null
              : backlog
                  .uploads()
                  .starvingSince()
                  .map(since -> "no upload has moved since " + since)
                  .orElse(null);
      case REFUSED, UNREACHABLE ->
          (status.reach() == StoreMeter.Reach.REFUSED
                  ? "the store refuses the keys since "
                  : "the store can't be reached since ")
              + status.since().truncatedTo(ChronoUnit.SECONDS)
              + (error == null ? "" : ": " + error.text());
    };
  }

  private String passthroughOff(@Nullable KernelCache mounted) {
    if (!config.fuse().passthrough()) {
      return "fuse.passthrough = off in the configuration";
    }
    if (config.fuse().open() == FuseOptions.Open.SKIP) {
      return "fuse.open = skip: the daemon hears of no open that it could answer with passthrough";
    }
    return mounted == null ? "the mount is not up" : mounted.passthroughOff();
  }
}
