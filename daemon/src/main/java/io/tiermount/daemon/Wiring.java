package io.tiermount.daemon;

import io.tiermount.backends.Credentials;
import io.tiermount.backends.ListPage;
import io.tiermount.backends.ListRequest;
import io.tiermount.backends.MeteredStore;
import io.tiermount.backends.ObjectStore;
import io.tiermount.backends.PrefixedStore;
import io.tiermount.backends.local.LocalObjectStore;
import io.tiermount.backends.s3.S3Store;
import io.tiermount.backends.s3.keys.AwsEnvironment;
import io.tiermount.backends.s3.keys.SpotNotice;
import io.tiermount.daemon.admin.AdminApi.MountOrder;
import io.tiermount.daemon.admin.AdminException;
import io.tiermount.daemon.admin.Json;
import io.tiermount.daemon.admin.RunDirectory;
import io.tiermount.daemon.cli.CallerKeys;
import io.tiermount.daemon.cli.CommandException;
import io.tiermount.daemon.cli.ExitCode;
import io.tiermount.daemon.cli.Program;
import io.tiermount.daemon.config.ConfigParser;
import io.tiermount.daemon.config.Explanation;
import io.tiermount.daemon.config.InvalidConfigException;
import io.tiermount.daemon.config.MountConfig;
import io.tiermount.daemon.config.SourceConfig;
import io.tiermount.daemon.config.ThisNode;
import io.tiermount.daemon.config.TiermountConfig;
import io.tiermount.daemon.jobs.MountedPath;
import io.tiermount.fs.fuse.libfuse.LibFuseOptions;
import io.tiermount.fs.fuse.select.FuseTransports;
import io.tiermount.fs.tree.NodeIds;
import io.tiermount.fs.tree.OpenTable;
import io.tiermount.fs.volume.ScopeDirectory;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/** The one place that constructs. */
final class Wiring implements Program {
  private final Map<String, String> environment;
  private final RunDirectory runDirectory;
  private final Json json;
  private final Clock clock;

  Wiring(Map<String, String> environment, RunDirectory runDirectory, Json json, Clock clock) {
    this.environment = environment;
    this.runDirectory = runDirectory;
    this.json = json;
    this.clock = clock;
  }

  @Override
  public String version() {
    Properties properties = new Properties();
    try (@Nullable InputStream in = Wiring.class.getResourceAsStream("version.properties")) {
      if (in != null) {
        properties.load(in);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("the program's own files can't be read: reinstall it", e);
    }
    return properties.getProperty("version", "unknown");
  }

  @Override
  public TiermountConfig configuration(Path file) throws CommandException {
    return read(() -> parser(environment).parseFiles(List.of(file)));
  }

  @Override
  public List<Explanation> explain(Path file, List<String> urls) throws CommandException {
    return read(() -> parser(environment).explain(List.of(file), urls));
  }

  @Override
  public TiermountConfig configuration() throws CommandException {
    return read(() -> parser(environment).parseConfigured());
  }

  @Override
  public TiermountConfig configuration(String source, Path directory, List<String> options)
      throws CommandException {
    Map<String, String> callers = CallerKeys.of(environment);
    TiermountConfig config = read(() -> parser(callers).parseMount(source, directory, options));
    return config.withMounts(
        config.mounts().stream().map(mount -> withCredentials(mount, callers)).toList());
  }

  private static ConfigParser parser(Map<String, String> environment) {
    return new ConfigParser(environment, new ThisNode());
  }

  private interface Reading<T> {
    T read() throws InvalidConfigException;
  }

  private static <T> T read(Reading<T> reading) throws CommandException {
    try {
      return reading.read();
    } catch (InvalidConfigException e) {
      throw new CommandException(
          ExitCode.BAD_CONFIG,
          "the configuration is refused:\n" + String.valueOf(e.getMessage()),
          e);
    }
  }

  @Override
  public ExitCode runConfigured(@Nullable Path file) throws CommandException {
    ConfigParser parser = parser(environment);
    List<Path> files = file == null ? List.of() : List.of(file);
    ConfigReading reading =
        new ConfigReading() {
          @Override
          public TiermountConfig read() throws InvalidConfigException {
            return files.isEmpty() ? parser.parseConfigured() : parser.parseFiles(files);
          }

          @Override
          public List<Path> files() {
            return parser.watched(files);
          }
        };
    return runDaemon(read(reading::read), reading, false);
  }

  @Override
  public ExitCode runDaemon(TiermountConfig config, boolean exitWhenUnused)
      throws CommandException {
    return runDaemon(config, null, exitWhenUnused);
  }

  private ExitCode runDaemon(
      TiermountConfig config, @Nullable ConfigReading reading, boolean exitWhenUnused)
      throws CommandException {
    DaemonLog.configure(environment);
    if (config.node().logLevels() != null) {
      DaemonLog.levels(config.node().logLevels());
    }
    Daemon daemon;
    try {
      daemon = followedDaemon(config, reading, exitWhenUnused);
    } catch (IOException e) {
      throw new CommandException(ExitCode.FAILED, String.valueOf(e.getMessage()), e);
    }
    AtomicBoolean ending = new AtomicBoolean();
    if (daemon.canBeFollowed()) {
      Signals.onTerminate(() -> {
        if (ending.compareAndSet(false, true)) {
          Thread.ofPlatform().daemon().start(() -> forceEnd());
          daemon.leave();
          Runtime.getRuntime().halt(ExitCode.FAILED.code());
        }
      });
    }
    Runtime.getRuntime()
        .addShutdownHook(
            Thread.ofPlatform()
                .name("stop")
                .unstarted(() -> {
                  if (ending.compareAndSet(false, true)) {
                    // A signal: a stop that was asked for is a success, and nothing may hold it up.
                    Thread.ofPlatform().daemon().start(() -> forceEnd());
                    daemon.close();
                    Runtime.getRuntime().halt(ExitCode.OK.code());
                  }
                }));
    try {
      daemon.start();
      daemon.await();
    } catch (IOException e) {
      throw new CommandException(ExitCode.FAILED, String.valueOf(e.getMessage()), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      if (ending.compareAndSet(false, true)) {
        daemon.close();
      }
    }
    return ExitCode.OK;
  }

  /** One that somebody starts again when it dies. */
  private Daemon followedDaemon(
      TiermountConfig config, @Nullable ConfigReading reading, boolean exitWhenUnused)
      throws IOException {
    Path cacheDirectory = config.cache().directories().getFirst().path();
    Path readyFile = cacheDirectory.resolve("daemon.ready");
    boolean follows = environment.getOrDefault(KeeperStore.KEPT, "").equals("1");
    CacheLock lock = CacheLock.take(cacheDirectory, follows);
    DescriptorStore store;
    try {
      store =
          follows
              ? KeeperStore.inherit(readyFile)
              : SystemdStore.isWanted(environment)
                  ? SystemdStore.open(environment)
                  : keeperWanted()
                      ? KeeperStore.start(lock.keeperFd(), readyFile, ownCommand(), environment)
                      : new NoStore();
    } catch (IOException | RuntimeException e) {
      lock.close();
      throw e;
    }
    try {
      return daemon(config, reading, exitWhenUnused, lock, store);
    } catch (IOException | RuntimeException e) {
      store.end();
      throw e;
    }
  }

  /**
   * The first process of a container takes everything with it when it ends, and systemd ends a
   * service's other processes with the first.
   */
  private boolean keeperWanted() {
    return environment.getOrDefault("NOTIFY_SOCKET", "").isEmpty()
        && !environment.getOrDefault("TIERMOUNT_KEEPER", "on").equals("off")
        && ProcessHandle.current().pid() != 1
        && Files.isExecutable(Path.of("/bin/sh"));
  }

  /** The command line of this very process (proc_pid_cmdline(5)), by the program's full path. */
  private static List<String> ownCommand() throws IOException {
    String text = Files.readString(Path.of("/proc/self/cmdline"));
    List<String> words = new ArrayList<>(List.of(text.split("\0", -1)));
    words.removeLast();
    words.set(0, Files.readSymbolicLink(Path.of("/proc/self/exe")).toString());
    return words;
  }

  /** A daemon that owns its cache directory already, and has mounted nothing yet. */
  Daemon daemon(TiermountConfig config, boolean exitWhenUnused) throws IOException {
    CacheLock lock = CacheLock.take(config.cache().directories().getFirst().path());
    return daemon(config, null, exitWhenUnused, lock, new NoStore());
  }

  private Daemon daemon(
      TiermountConfig config,
      @Nullable ConfigReading reading,
      boolean exitWhenUnused,
      CacheLock lock,
      DescriptorStore store)
      throws IOException {
    Path cacheDirectory = config.cache().directories().getFirst().path();
    @Nullable DiskCache cache = null;
    try {
      KeptMounts keeping = new KeptMounts(store, json);
      cache = DiskCache.open(config.cache(), config.memoryMaxBytes());
      DiskCache disk = cache;
      MountTable table = MountTable.ofProcess();
      MountRecord record = MountRecord.open(cacheDirectory.resolve("mounts.json"), json);
      StaleMounts stale = new StaleMounts(table, record);
      NodeIds ids = new NodeIds(cache.state());
      int blockBytes = config.cache().blockBytes();
      Mounts mounts =
          new Mounts(
              (mount, resumed) ->
                  driver(mount, disk, ids, tables(cacheDirectory, store, resumed), blockBytes),
              stale,
              record,
              table,
              keeping,
              config.skipped(),
              clock);
      ScheduledExecutorService timer =
          Executors.newSingleThreadScheduledExecutor(
              Thread.ofPlatform().daemon().name("timer").factory());
      var _ = timer.scheduleWithFixedDelay(mounts::lookAround, 2, 2, TimeUnit.SECONDS);
      Heartbeat heartbeat =
          new Heartbeat(
              new SystemdNotify(environment), () -> Heartbeat.summary(mounts.reports()), timer);
      return new Daemon(
          new Daemon.Parts(
              config,
              lock,
              mounts,
              keeping,
              new Watchdog(mounts, config.server().watchdog(), System::nanoTime),
              spot(config, mounts),
              stale,
              disk,
              new CacheTasks(mounts),
              new WriteTasks(mounts),
              this::mountConfig,
              reading == null
                  ? null
                  : new ConfigFollower(new Reload(reading, config, mounts, disk), timer),
              runDirectory,
              heartbeat,
              json,
              version(),
              clock.instant(),
              exitWhenUnused));
    } catch (IOException | RuntimeException e) {
      if (cache != null) {
        cache.close();
      }
      lock.close();
      throw e;
    }
  }

  /** Where a mount's opens are written down: nowhere, if nobody is to follow. */
  private static ObjectMount.OpenTables tables(
      Path cacheDirectory, DescriptorStore store, boolean resumed) {
    if (!store.survives()) {
      return _ -> OpenTable.none();
    }
    return rootId -> {
      Path directory = Files.createDirectories(cacheDirectory.resolve("opens"));
      Path file = directory.resolve(Long.toString(rootId));
      return resumed ? OpenTable.reopen(file) : OpenTable.create(file);
    };
  }

  private @Nullable SpotWatch spot(TiermountConfig config, Mounts mounts) {
    return switch (config.server().spotNotice()) {
      case OFF -> null;
      case AWS ->
          new SpotWatch(new SpotNotice(AwsEnvironment.of(environment))::ask, mounts::drainAll);
    };
  }

  /** What carries a mount. Called once per mount, on a thread of its own. */
  private MountDriver driver(
      MountConfig mount,
      DiskCache cache,
      NodeIds ids,
      ObjectMount.OpenTables tables,
      int blockBytes)
      throws IOException {
    return switch (mount.source()) {
      case SourceConfig.LocalDirectory local -> {
        if (local.mode() == SourceConfig.LocalMode.FUSE) {
          // A wall that is not there must not look as if it were.
          throw new IOException(
              mount.name()
                  + ": local.mode = fuse, which permissions or quota of a file:///dir source need,"
                  + " is not in this version; remove them, or use file:///dir?as=bucket");
        }
        yield new BindMount(local.directory(), mount.path(), mount.volume().readOnly());
      }
      case SourceConfig.LocalBucket _, SourceConfig.S3 _, SourceConfig.NotYet _ -> {
        String prefix = mount.volume().prefix();
        ObjectStore bucket = openStore(mount.source());
        boolean made = mount.access().root().made() && !mount.volume().readOnly();
        yield new ObjectMount(
            mount,
            new MeteredStore(prefix.isEmpty() ? bucket : new PrefixedStore(bucket, prefix), clock),
            made ? scopeDirectory(bucket, mount) : null,
            FuseTransports.choose(
                mount.fuse(),
                new LibFuseOptions(
                    mount.volume().entryTtl(),
                    mount.volume().attrTtl(),
                    mount.volume().negativeTtl())),
            cache,
            ids,
            tables,
            blockBytes,
            clock);
      }
    };
  }

  private ScopeDirectory scopeDirectory(ObjectStore bucket, MountConfig mount) {
    return new ScopeDirectory(bucket, mount.volume(), mount.access(), clock, Duration.ofSeconds(1));
  }

  private static IOException notYet(String url) {
    return new IOException(url + ": this build can't mount such a source yet");
  }

  private MountConfig mountConfig(MountOrder order) throws AdminException {
    try {
      Map<String, String> theirs = new TreeMap<>(environment);
      theirs.putAll(order.environment());
      TiermountConfig config =
          parser(theirs).parseMount(order.source(), Path.of(order.path()), order.options());
      return withCredentials(config.mounts().getFirst(), order.environment());
    } catch (InvalidConfigException e) {
      throw new AdminException(AdminException.Kind.BAD_CONFIG, String.valueOf(e.getMessage()), e);
    }
  }

  /**
   * Keys of the caller's environment become the mount's own: the daemon's environment, in which the
   * SDK would look, is another one.
   */
  private static MountConfig withCredentials(MountConfig mount, Map<String, String> theirs) {
    String key = theirs.getOrDefault("AWS_ACCESS_KEY_ID", "");
    String secret = theirs.getOrDefault("AWS_SECRET_ACCESS_KEY", "");
    String profile = theirs.getOrDefault("AWS_PROFILE", "");
    boolean keys = !key.isEmpty() && !secret.isEmpty();
    if (!(mount.source() instanceof SourceConfig.S3 s3)
        || !(s3.options().credentials() instanceof Credentials.Chain)
        || (!keys && profile.isEmpty())) {
      return mount;
    }
    Credentials own =
        keys
            ? new Credentials.S3Static(key, secret, theirs.get("AWS_SESSION_TOKEN"))
            : new Credentials.S3Profile(profile);
    return mount.withSource(new SourceConfig.S3(s3.url(), s3.options().withCredentials(own)));
  }

  @Override
  public void announceReady(String status) {
    new SystemdNotify(environment).ready(status);
  }

  @Override
  public boolean clearDeadMount(Path path) throws IOException {
    return StaleMounts.clearDead(MountTable.ofProcess(), path);
  }

  @Override
  public List<MountedPath> mounted() throws IOException {
    // A thread that has a mount namespace of its own sees that one.
    return new MountTable(Path.of("/proc/thread-self/mountinfo"))
        .entries().stream().map(entry -> new MountedPath(entry.path(), entry.type())).toList();
  }

  @Override
  public String probe(MountConfig mount) throws IOException {
    return switch (mount.source()) {
      case SourceConfig.LocalDirectory local -> {
        if (!Files.isDirectory(local.directory())) {
          yield local.directory() + " is missing, and is made at mount";
        }
        yield local.directory() + " is a directory";
      }
      case SourceConfig.LocalBucket _, SourceConfig.S3 _, SourceConfig.NotYet _ -> {
        try (ObjectStore store = openStore(mount.source())) {
          ListPage page = store.list(new ListRequest(mount.volume().prefix(), null, null, null, 1));
          yield store.id() + (page.objects().isEmpty() ? " answers; it is empty" : " answers");
        }
      }
    };
  }

  @Override
  public ObjectStore bucket(MountConfig mount) throws IOException {
    return openStore(mount.source());
  }

  @Override
  public Instant now() {
    return clock.instant();
  }

  /** The store behind a source. Contacts nobody. */
  private ObjectStore openStore(SourceConfig source) throws IOException {
    return switch (source) {
      case SourceConfig.LocalBucket bucket ->
          LocalObjectStore.open(bucket.directory(), true, clock);
      case SourceConfig.S3 s3 -> new S3Store(s3.options(), AwsEnvironment.of(environment));
      case SourceConfig.NotYet other -> throw notYet(other.url());
      case SourceConfig.LocalDirectory local ->
          throw new IllegalArgumentException(local.url() + " is no store");
    };
  }

  /** Unmounting has a deadline of its own; this is for what hangs beyond it. */
  private static void forceEnd() {
    try {
      Thread.sleep(Daemon.STOP_DEADLINE.plusSeconds(5));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    Runtime.getRuntime().halt(ExitCode.TIMEOUT.code());
  }
}
