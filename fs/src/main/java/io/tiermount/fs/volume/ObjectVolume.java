package io.tiermount.fs.volume;

import io.tiermount.backends.ObjectStore;
import io.tiermount.backends.StoreException;
import io.tiermount.backends.Version;
import io.tiermount.fs.cache.BlockCache;
import io.tiermount.fs.cache.CachedFile;
import io.tiermount.fs.cache.ContentKey;
import io.tiermount.fs.fuse.Attributes;
import io.tiermount.fs.meta.IndexStore;
import io.tiermount.fs.scope.AccessOptions;
import io.tiermount.fs.tree.Node;
import io.tiermount.fs.volume.Resolution.Found;
import io.tiermount.fs.volume.Resolution.Missing;
import io.tiermount.fs.volume.VolumeOptions.Revalidate;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * A namespace over keys: a file is an object under the same key, a directory is what has keys below
 * it or a marker (SEMANTICS, "Names").
 */
public final class ObjectVolume implements Volume {
  /** Longest symlink target Linux follows. */
  private static final int MAX_LINK_BYTES = 4095;

  private static final int BLOCK_BYTES = 4096;
  private static final long MIN_PAGE_AGE_MILLIS = 250;

  private final ObjectStore store;
  private final String scope;
  private final VolumeOptions options;
  private final AccessOptions access;
  private final BlockCache cache;
  private final InstantSource clock;
  private final FactsStore facts;
  private final StoreHealth health;
  private final Resolver resolver;
  private final Listings listings;
  private final MetadataPrefetch prefetch;
  private final ListRevalidation revalidation;
  private final SingleFlight<Name, Resolution> flights = new SingleFlight<>();
  private final boolean full;
  private final long maxAgeMillis;
  private final long startedAtNanos;

  private record Name(long dirId, String name) {}

  /**
   * @param store keys are relative to the mount: its prefix is the store's business
   * @param scope the mount's own name space in the cache and the node table
   */
  public ObjectVolume(
      ObjectStore store,
      String scope,
      VolumeOptions options,
      AccessOptions access,
      BlockCache cache,
      IndexStore index,
      InstantSource clock) {
    this.store = store;
    this.scope = scope;
    this.options = options;
    this.access = access;
    this.cache = cache;
    this.clock = clock;
    this.full = options.attributes() == VolumeOptions.AttributeMode.FULL;
    this.facts = new FactsStore(index);
    this.health = new StoreHealth(clock);
    this.resolver = new Resolver(store, full, clock);
    this.listings = new Listings(store, facts, resolver, health, full, clock);
    this.prefetch = new MetadataPrefetch(facts);
    this.revalidation = new ListRevalidation(listings);
    Duration ttl =
        options.attrTtl().compareTo(options.entryTtl()) < 0
            ? options.attrTtl()
            : options.entryTtl();
    this.maxAgeMillis =
        options.revalidateOnOpen() == Revalidate.NEVER ? Long.MAX_VALUE / 2 : ttl.toMillis();
    this.startedAtNanos = TimeUnit.MILLISECONDS.toNanos(clock.millis());
  }

  @Override
  public VolumeOptions options() {
    return options;
  }

  @Override
  public long rootIno() {
    return hash("/");
  }

  @Override
  public long ino(Node dir, String segment, boolean directory) {
    return hash("/" + dirKey(dir) + segment + (directory ? "/" : ""));
  }

  /**
   * 63 bits of SHA-256 over scope and key: the same on every node, and no two alike in practice.
   */
  private long hash(String path) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      digest.update(scope.getBytes(StandardCharsets.UTF_8));
      digest.update((byte) 0);
      byte[] bytes = digest.digest(path.getBytes(StandardCharsets.UTF_8));
      return ByteBuffer.wrap(bytes).getLong() & Long.MAX_VALUE;
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every JDK has SHA-256", e);
    }
  }

  @Override
  public @Nullable Resolution peek(Node dir, String name, @Nullable Node known) {
    if (known != null
        && known.attachment() instanceof Facts attached
        && fresh(attached.seenAtMillis())
        && complete(attached)) {
      return new Found(known.segment(), attached);
    }
    Facts stored = facts.get(dir.id(), name);
    if (stored != null && fresh(stored.seenAtMillis()) && complete(stored)) {
      return found(name, known, stored);
    }
    if (stored != null && health.down()) {
      return whileDown(dir, name, known, stored);
    }
    if (options.negativeTtl().isPositive() && (stored == null || !fresh(stored.seenAtMillis()))) {
      long listedAt = facts.listedAt(dir.id());
      if (clock.millis() - listedAt < options.negativeTtl().toMillis()
          && (stored == null || stored.seenAtMillis() < listedAt)) {
        return new Missing(listedAt);
      }
    }
    return null;
  }

  /** What was known stays; nobody waits for the one question a second whether the store is back. */
  private Found whileDown(Node dir, String name, @Nullable Node known, Facts stored) {
    if (health.probe()) {
      Thread.startVirtualThread(() -> {
        try {
          lookUp(dir, name, null);
          health.answered();
        } catch (StoreException e) {
          boolean _ = health.failed(e);
        }
      });
    }
    return found(name, known, stored);
  }

  private static Found found(String name, @Nullable Node known, Facts stored) {
    return new Found(known != null ? known.segment() : FactsStore.segment(name, stored), stored);
  }

  private boolean fresh(long seenAtMillis) {
    return clock.millis() - seenAtMillis < maxAgeMillis;
  }

  @Override
  public Resolution resolve(Node dir, String name, @Nullable Node known) throws StoreException {
    Facts stored = facts.get(dir.id(), name);
    if (stored != null && health.down()) {
      return whileDown(dir, name, known, stored);
    }
    // What a page confirms must last for the names behind it: not with a time to live near zero.
    if (stored != null && maxAgeMillis >= MIN_PAGE_AGE_MILLIS && !fresh(stored.seenAtMillis())) {
      stored = revalidated(dir, name, stored);
      if (fresh(stored.seenAtMillis()) && complete(stored)) {
        return found(name, known, stored);
      }
    }
    boolean refine = stored != null && fresh(stored.seenAtMillis()) && !complete(stored);
    if (refine) {
      prefetch.asked(
          dir.id(),
          name,
          clock.millis() - maxAgeMillis,
          entry -> {
            try {
              lookUp(dir, entry.name(), entry.facts());
            } catch (StoreException e) {
              // Whoever asks for this entry asks the store again and gets the error.
            }
          });
    }
    try {
      Resolution resolution = lookUp(dir, name, refine ? stored : null);
      health.answered();
      return resolution;
    } catch (StoreException e) {
      if (health.failed(e) && stored != null) {
        return found(name, known, stored);
      }
      throw e;
    }
  }

  /** What is known after a page of the listing may have confirmed or replaced it. */
  private Facts revalidated(Node dir, String name, Facts stored) throws StoreException {
    try {
      if (revalidation.asked(dir.id(), dirKey(dir), FactsStore.segment(name, stored))) {
        Facts now = facts.get(dir.id(), name);
        return now != null ? now : stored;
      }
    } catch (StoreException e) {
      if (!health.failed(e)) {
        throw e;
      }
    }
    return stored;
  }

  /**
   * @param listed what a listing showed of the name, where only its metadata is missing
   */
  private Resolution lookUp(Node dir, String name, @Nullable Facts listed) throws StoreException {
    long askedAtMillis = clock.millis();
    return flights.run(
        new Name(dir.id(), name),
        () -> {
          // Whoever came first may just have finished.
          Facts stored = facts.get(dir.id(), name);
          if (stored != null
              && complete(stored)
              && fresh(stored.seenAtMillis())
              && (options.revalidateOnOpen() != Revalidate.ALWAYS
                  || stored.seenAtMillis() > askedAtMillis)) {
            return found(name, null, stored);
          }
          Resolution resolution = listed == null ? ask(dir, name) : refine(dir, name, listed);
          switch (resolution) {
            case Found found -> facts.put(dir.id(), name, found.facts());
            case Missing missing -> {
              if (stored != null) {
                facts.remove(dir.id(), name);
              }
            }
          }
          return resolution;
        });
  }

  private Resolution refine(Node dir, String name, Facts listed) throws StoreException {
    String segment = FactsStore.segment(name, listed);
    Optional<Facts> facts = resolver.refine(dirKey(dir), segment, listed);
    return facts.isPresent() ? new Found(segment, facts.get()) : ask(dir, name);
  }

  private Resolution ask(Node dir, String name) throws StoreException {
    return resolver.ask(dirKey(dir), name);
  }

  @Override
  public Facts rootFacts() {
    return Facts.implicit(PosixMetadata.NONE, clock.millis());
  }

  /** The prefix of what lies below a directory: "" for the root. */
  private static String dirKey(Node dir) {
    Node parent = dir.parent();
    return parent == null ? "" : dirKey(parent) + dir.segment() + "/";
  }

  @Override
  public boolean complete(Facts known) {
    return !full || known.posix() != null;
  }

  @Override
  public Attributes attributes(Node node, Facts known) {
    PosixMetadata posix = known.posix() == null ? PosixMetadata.NONE : known.posix();
    int type = known.directory() ? Attributes.S_IFDIR : Attributes.S_IFREG;
    int permissions = known.directory() ? options.dirMode() : options.fileMode();
    Integer mode = posix.mode();
    if (mode != null) {
      permissions = mode & 07777;
      if (!known.directory() && (mode & Attributes.S_IFMT) != 0) {
        type = mode & Attributes.S_IFMT;
      }
    }
    long modified = known.modifiedNanos() != 0 ? known.modifiedNanos() : startedAtNanos;
    long mtime = or(posix.mtimeNanos(), modified);
    long size = known.directory() ? BLOCK_BYTES : known.sizeBytes();
    return new Attributes(
        node.ino(),
        type | (permissions & ~access.umask()),
        1,
        owner(posix.uid(), access.uidMap(), options.owner()),
        owner(posix.gid(), access.gidMap(), options.group()),
        posix.rdev() != null ? posix.rdev() : 0,
        size,
        (size + 511) / 512,
        BLOCK_BYTES,
        or(posix.atimeNanos(), mtime),
        mtime,
        or(posix.ctimeNanos(), mtime));
  }

  private static int owner(
      @Nullable Integer stored, Map<Integer, Integer> toThisNode, int otherwise) {
    return stored == null ? otherwise : toThisNode.getOrDefault(stored, stored);
  }

  private static long or(@Nullable Long value, long otherwise) {
    return value != null ? value : otherwise;
  }

  @Override
  public long attrTtlNanos(Facts known) {
    return left(options.attrTtl(), known);
  }

  @Override
  public long entryTtlNanos(Facts known) {
    return left(options.entryTtl(), known);
  }

  /** What has been waited already counts against the kernel's timeout. */
  private long left(Duration ttl, Facts known) {
    if (options.revalidateOnOpen() == Revalidate.NEVER) {
      return TimeUnit.HOURS.toNanos(1);
    }
    long age = TimeUnit.MILLISECONDS.toNanos(clock.millis() - known.seenAtMillis());
    return Math.max(0, ttl.toNanos() - age);
  }

  @Override
  public CachedFile open(Facts known) throws IOException {
    String key = known.key();
    Version version = known.version();
    if (key == null || version == null) {
      throw new IllegalArgumentException("a directory has no content");
    }
    return cache.open(
        new ContentKey(scope, key, version),
        known.sizeBytes(),
        (offset, length, target) -> store.read(key, version, offset, length, target));
  }

  @Override
  public byte[] readLink(Facts known) throws IOException {
    int size = (int) Math.min(known.sizeBytes(), MAX_LINK_BYTES);
    byte[] target = new byte[size];
    try (CachedFile file = open(known);
        Arena arena = Arena.ofConfined()) {
      MemorySegment segment = arena.allocate(Math.max(1, size)).asSlice(0, size);
      file.read(0, segment, false);
      MemorySegment.copy(segment, ValueLayout.JAVA_BYTE, 0, target, 0, size);
    }
    return target;
  }

  @Override
  public DirectoryStream openDirectory(Node dir) {
    String dirKey = dirKey(dir);
    return new ObjectDirectory(() -> listings.open(dir.id(), dirKey, maxAgeMillis));
  }

  /**
   * What left the cache.
   *
   * @param files contents, whole or in part
   */
  public record Evicted(long files, long bytes) {}

  /**
   * Drops the cached content of a file, or of all that lies below a directory. Who has a file open
   * keeps reading it.
   *
   * @param inside relative to the mount; "" is the whole mount
   */
  public Evicted evict(Path inside) throws IOException {
    StringBuilder key = new StringBuilder();
    boolean cut = false;
    for (Path name : inside) {
      KeyNames.Target target = KeyNames.parse(name.toString());
      if (target != null && !name.toString().isEmpty()) {
        // Of a cut name only the beginning is known: all keys that share it go.
        String segment = target.segment();
        cut = segment == null;
        key.append(key.isEmpty() ? "" : "/").append(cut ? target.beginning() : segment);
      }
    }
    String prefix = key.toString();
    boolean open = cut || prefix.isEmpty();
    AtomicLong files = new AtomicLong();
    long bytes =
        cache.evictAll(
            scope,
            cached -> {
              boolean in = open ? cached.key().startsWith(prefix) : below(cached.key(), prefix);
              files.addAndGet(in ? 1 : 0);
              return in;
            });
    return new Evicted(files.get(), bytes);
  }

  private static boolean below(String key, String prefix) {
    return key.equals(prefix) || key.startsWith(prefix + "/");
  }

  @Override
  public void close() {
    store.close();
  }
}
