package io.tiermount.fs;

import static org.assertj.core.api.Assertions.assertThat;

import io.tiermount.backends.ObjectStore;
import io.tiermount.backends.PrefixedStore;
import io.tiermount.backends.WalledStore;
import io.tiermount.backends.os.LibC;
import io.tiermount.fs.cache.BlockCache;
import io.tiermount.fs.cache.CacheOptions;
import io.tiermount.fs.fuse.FuseOptions;
import io.tiermount.fs.fuse.FuseTransport;
import io.tiermount.fs.fuse.KernelCache;
import io.tiermount.fs.fuse.MountOptions;
import io.tiermount.fs.fuse.dev.DevFuseTransport;
import io.tiermount.fs.meta.IndexStore;
import io.tiermount.fs.meta.MetaMemory;
import io.tiermount.fs.meta.StateStore;
import io.tiermount.fs.scope.AccessOptions;
import io.tiermount.fs.scope.AccessPolicy;
import io.tiermount.fs.scope.QuotaOptions;
import io.tiermount.fs.tree.Handles;
import io.tiermount.fs.tree.NodeIds;
import io.tiermount.fs.tree.Nodes;
import io.tiermount.fs.volume.Backlog;
import io.tiermount.fs.volume.Inherited;
import io.tiermount.fs.volume.ObjectVolume;
import io.tiermount.fs.volume.UploadWatch;
import io.tiermount.fs.volume.VolumeOptions;
import io.tiermount.fs.volume.VolumeOptions.AttributeMode;
import io.tiermount.fs.volume.VolumeOptions.Revalidate;
import io.tiermount.fs.write.WriteOptions;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A real mount of a store, in this process, with everything between: cache, index, state, volume,
 * transport. Commands run as processes of their own, each under a time limit; closing unmounts and
 * frees all, also after a failure.
 */
public final class MountFixture implements AutoCloseable {
  private static final long COMMAND_SECONDS = 60;

  /** How a mount of a test differs from the usual one. */
  public record Options(
      AttributeMode attributes,
      Duration ttl,
      Duration negativeTtl,
      Revalidate revalidate,
      boolean passthrough,
      long maxUsedBytes,
      FuseOptions.Open open,
      @Nullable WriteOptions writes,
      QuotaOptions quota) {
    /** {@code full}, fresh for as long as a test runs, passthrough. */
    public static final Options USUAL =
        new Options(
            AttributeMode.FULL,
            Duration.ofMinutes(10),
            Duration.ZERO,
            Revalidate.TTL,
            true,
            Long.MAX_VALUE,
            FuseOptions.Open.NORMAL,
            null,
            QuotaOptions.DEFAULTS);

    /** Writable, with this durability and an upload that follows soon. */
    public static Options writable(WriteOptions.Durability durability) {
      return USUAL.writes(new WriteOptions(durability, Duration.ofSeconds(1), 8, false));
    }

    /** Null for read-only. */
    public Options writes(@Nullable WriteOptions options) {
      return new Options(
          attributes,
          ttl,
          negativeTtl,
          revalidate,
          passthrough,
          maxUsedBytes,
          open,
          options,
          quota);
    }

    public Options attributes(AttributeMode mode) {
      return new Options(
          mode, ttl, negativeTtl, revalidate, passthrough, maxUsedBytes, open, writes, quota);
    }

    public Options ttl(Duration newTtl) {
      return new Options(
          attributes,
          newTtl,
          negativeTtl,
          revalidate,
          passthrough,
          maxUsedBytes,
          open,
          writes,
          quota);
    }

    public Options negativeTtl(Duration newTtl) {
      return new Options(
          attributes, ttl, newTtl, revalidate, passthrough, maxUsedBytes, open, writes, quota);
    }

    public Options revalidate(Revalidate when) {
      return new Options(
          attributes, ttl, negativeTtl, when, passthrough, maxUsedBytes, open, writes, quota);
    }

    public Options passthrough(boolean on) {
      return new Options(
          attributes, ttl, negativeTtl, revalidate, on, maxUsedBytes, open, writes, quota);
    }

    public Options open(FuseOptions.Open how) {
      return new Options(
          attributes, ttl, negativeTtl, revalidate, passthrough, maxUsedBytes, how, writes, quota);
    }

    public Options maxUsedBytes(long bytes) {
      return new Options(
          attributes, ttl, negativeTtl, revalidate, passthrough, bytes, open, writes, quota);
    }

    public Options quota(QuotaOptions limits) {
      return new Options(
          attributes,
          ttl,
          negativeTtl,
          revalidate,
          passthrough,
          maxUsedBytes,
          open,
          writes,
          limits);
    }
  }

  /** What every mount of the suite sees of its store, which is told of all that asks for more. */
  private static final String PREFIX = "org/scope of tests/";

  private final WalledStore walled;
  private final Path mount;
  private final MetaMemory memory = new MetaMemory(MetaMemory.DEFAULT_BYTES);
  private final IndexStore index;
  private final StateStore state;
  private final BlockCache cache;
  private final Handles handles = new Handles();
  private final FuseTransport transport;
  private final ObjectVolume volume;
  private final KernelCache kernel;
  private final Nodes nodes;
  private final @Nullable Backlog backlog;

  /** Mounts over the dev transport. */
  public MountFixture(Path dir, ObjectStore store, Options options) throws IOException {
    this(dir, store, options, new DevFuseTransport());
  }

  /**
   * Mounts the store as what lies below a prefix of a bucket: closing fails where any request left
   * it.
   *
   * @param dir of the test; the cache in it is found again by the next fixture
   */
  public MountFixture(Path dir, ObjectStore store, Options options, FuseTransport transport)
      throws IOException {
    this(dir, store, options, transport, PREFIX);
  }

  /** Mounts all of a bucket: keys that begin with dots are reachable there. */
  public static MountFixture wholeBucket(
      Path dir, ObjectStore store, Options options, FuseTransport transport) throws IOException {
    return new MountFixture(dir, store, options, transport, "");
  }

  private MountFixture(
      Path dir, ObjectStore store, Options options, FuseTransport transport, String prefix)
      throws IOException {
    this.transport = transport;
    walled = new WalledStore(store, prefix);
    mount = Files.createDirectories(dir.resolve("mnt"));
    Path cacheDir = Files.createDirectories(dir.resolve("cache"));
    index = IndexStore.open(cacheDir.resolve("index"), memory);
    state = StateStore.open(cacheDir.resolve("state"), memory);
    CacheOptions cacheOptions =
        new CacheOptions(
            List.of(new CacheOptions.Directory(cacheDir, options.maxUsedBytes)),
            0,
            10,
            Long.MAX_VALUE,
            4 << 20,
            CacheOptions.Verify.ON_OPEN);
    cache = BlockCache.open(cacheOptions, index);
    cache.staging().sweep(Inherited.journalledFiles(state)::contains);
    VolumeOptions volumeOptions =
        new VolumeOptions(
            "",
            options.writes == null,
            options.attributes,
            0,
            0,
            0644,
            0755,
            options.ttl,
            options.ttl,
            options.negativeTtl,
            options.revalidate);
    volume =
        new ObjectVolume(
            prefix.isEmpty() ? walled : new PrefixedStore(walled, prefix),
            "test",
            volumeOptions,
            AccessOptions.DEFAULTS,
            cache,
            index,
            InstantSource.system());
    nodes = new Nodes(state, new NodeIds(state), "test", volume.rootIno());
    if (options.writes != null) {
      backlog =
          volume.enableWrites(
              "test", state, nodes, options.writes, options.quota, Inherited.NOTHING);
    } else {
      backlog = null;
    }
    FileSystem fs =
        new FileSystem(
            "test",
            volume,
            nodes,
            handles,
            4 << 20,
            options.open,
            new AccessPolicy(AccessOptions.DEFAULTS, Path.of("/proc"), LibC.getuid()),
            null);
    kernel =
        transport.start(
            new MountOptions(
                mount, "test", options.writes == null, true, 1 << 20, options.passthrough, 0),
            fs);
    fs.mounted();
  }

  public ObjectVolume volume() {
    return volume;
  }

  /** Of a writable mount. */
  public UploadWatch uploads() {
    return Objects.requireNonNull(backlog).uploads();
  }

  public Path mount() {
    return mount;
  }

  public BlockCache cache() {
    return cache;
  }

  public Handles handles() {
    return handles;
  }

  public Nodes nodes() {
    return nodes;
  }

  public KernelCache kernel() {
    return kernel;
  }

  public Map<String, Long> requests() {
    return transport.requestCounts();
  }

  public long requests(String opcode) {
    return transport.requestCounts().getOrDefault(opcode, 0L);
  }

  public String path(String name) {
    return mount + "/" + name;
  }

  /** What a command left behind. */
  public record Result(int exit, byte[] out, String err) {
    public String text() {
      return new String(out, StandardCharsets.UTF_8);
    }

    public List<String> lines() {
      return text().lines().toList();
    }
  }

  /** Runs a command to its end. */
  public static Result run(String... command) throws IOException, InterruptedException {
    List<String> all =
        new ArrayList<>(List.of("timeout", "-s", "KILL", String.valueOf(COMMAND_SECONDS)));
    all.addAll(List.of(command));
    Process process = new ProcessBuilder(all).start();
    CompletableFuture<byte[]> err =
        CompletableFuture.supplyAsync(() -> drain(process.getErrorStream()));
    byte[] out = drain(process.getInputStream());
    process.waitFor();
    return new Result(process.exitValue(), out, new String(err.join(), StandardCharsets.UTF_8));
  }

  private static byte[] drain(InputStream stream) {
    try (stream) {
      return stream.readAllBytes();
    } catch (IOException e) {
      return new byte[0];
    }
  }

  /** Runs a shell line in the mount's directory. */
  public Result sh(String line) throws IOException, InterruptedException {
    return run("sh", "-c", "cd '" + mount + "' && " + line);
  }

  /** The content of a file, as {@code cat} reads it. */
  public byte[] cat(String name) throws IOException, InterruptedException {
    Result result = run("cat", path(name));
    if (result.exit != 0) {
      throw new IOException(result.err);
    }
    return result.out;
  }

  /** Drops the kernel's caches: names, attributes and pages are asked for again. */
  public static void dropKernelCaches() throws IOException {
    Files.writeString(Path.of("/proc/sys/vm/drop_caches"), "3");
  }

  /** Waits for what happens in the background. */
  @SuppressWarnings("BusyWait") // There is nothing to be notified by.
  public static void await(Condition condition) throws InterruptedException, IOException {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(COMMAND_SECONDS);
    while (!condition.holds()) {
      if (System.nanoTime() > deadline) {
        throw new AssertionError("did not happen within " + COMMAND_SECONDS + " s");
      }
      Thread.sleep(5);
    }
  }

  /** Something that will be true. */
  public interface Condition {
    boolean holds() throws IOException, InterruptedException;
  }

  /** Ends all but the store. */
  @Override
  public void close() {
    transport.close();
    volume.stop();
    cache.close();
    index.close();
    state.close();
    memory.close();
    assertThat(walled.outside()).as("R31, S16: no request leaves the mount's prefix").isEmpty();
  }

  /** Null unless the mount is gone. */
  public @Nullable String left() throws IOException {
    return Files.readString(Path.of("/proc/mounts")).contains(mount.toString())
        ? mount.toString()
        : null;
  }
}
