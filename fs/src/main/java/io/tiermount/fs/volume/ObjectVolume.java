package io.tiermount.fs.volume;

import io.tiermount.backends.ObjectStore;
import io.tiermount.backends.StoreException;
import io.tiermount.fs.cache.BlockCache;
import io.tiermount.fs.cache.CachedFile;
import io.tiermount.fs.fuse.Attributes;
import io.tiermount.fs.meta.IndexStore;
import io.tiermount.fs.meta.StateStore;
import io.tiermount.fs.scope.AccessOptions;
import io.tiermount.fs.scope.QuotaOptions;
import io.tiermount.fs.tree.Node;
import io.tiermount.fs.tree.Nodes;
import io.tiermount.fs.volume.Resolution.Found;
import io.tiermount.fs.volume.Resolution.Missing;
import io.tiermount.fs.volume.VolumeOptions.Revalidate;
import io.tiermount.fs.write.DirtyFile;
import io.tiermount.fs.write.WriteOptions;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A namespace over keys: a file is an object under the same key, a directory is what has keys below
 * it or a marker (SEMANTICS, "Names").
 */
public final class ObjectVolume implements Volume {
  private static final long MIN_PAGE_AGE_MILLIS = 250;

  private final ObjectStore store;
  private final String scope;
  private volatile VolumeOptions options;
  private final AccessOptions access;
  private final ShownAttributes shown;
  private final ObjectContents contents;
  private final StableInos inos;
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
  private volatile long maxAgeMillis;
  private volatile @Nullable WriteSide write;
  private volatile @Nullable LocalView view;

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
    this.contents = new ObjectContents(store, scope, cache, options.direct());
    this.inos = new StableInos(scope);
    this.full = options.attributes() == VolumeOptions.AttributeMode.FULL;
    this.facts = new FactsStore(index);
    this.health = new StoreHealth(clock);
    this.resolver = new Resolver(store, full, clock);
    this.listings = new Listings(store, facts, resolver, health, full, clock);
    this.prefetch = new MetadataPrefetch(facts);
    this.revalidation = new ListRevalidation(listings);
    this.maxAgeMillis = options.maxAgeMillis();
    this.shown =
        new ShownAttributes(options, access, TimeUnit.MILLISECONDS.toNanos(clock.millis()));
  }

  @Override
  public VolumeOptions options() {
    return options;
  }

  /**
   * Other times to live and promises of writes, from the next request on; what the kernel was told
   * before holds as long as it was told. Nothing else may differ.
   */
  public void change(VolumeOptions next, WriteOptions writes) {
    options = next;
    maxAgeMillis = next.maxAgeMillis();
    WriteSide writer = write;
    if (writer != null) {
      writer.change(writes);
    }
  }

  @Override
  public long rootIno() {
    return inos.of("/");
  }

  @Override
  public long ino(Node dir, String segment, boolean directory) {
    return inos.of("/" + LocalNames.pathKey(dir) + segment + (directory ? "/" : ""));
  }

  @Override
  public @Nullable Resolution peek(Node dir, String name, @Nullable Node known) throws IOException {
    LocalView here = view;
    Resolution local = here == null ? null : here.changed(dir, name);
    if (local != null) {
      return local;
    }
    if (known != null
        && known.attachment() instanceof Facts attached
        && fresh(attached.seenAtMillis())
        && complete(attached)
        && isAt(dir, attached)) {
      return found(name, known, attached);
    }
    Facts stored = stored(dir, name);
    if (stored != null && fresh(stored.seenAtMillis()) && complete(stored)) {
      return found(name, known, stored);
    }
    if (stored != null && health.down()) {
      return whileDown(dir, name, known, stored);
    }
    if (here != null && here.isMissing(dir, stored)) {
      return new Missing(clock.millis());
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
  private Found whileDown(Node dir, String name, @Nullable Node known, Facts stored)
      throws IOException {
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

  private Found found(String name, @Nullable Node known, Facts stored) throws IOException {
    return known != null
        ? new Found(known.segment(), localized(known, stored))
        : new Found(FactsStore.segment(name, stored), stored);
  }

  private @Nullable Facts stored(Node dir, String name) {
    Facts stored = facts.get(dir.id(), name);
    return stored != null && isAt(dir, stored) ? stored : null;
  }

  /**
   * False for what was known of an object under the key it had before a rename of its directory.
   */
  private static boolean isAt(Node dir, Facts known) {
    String key = known.key();
    return key == null || key.startsWith(LocalNames.storeKey(dir));
  }

  @Override
  public Facts localized(Node node, Facts known) throws IOException {
    LocalView here = view;
    return here == null ? known : here.localized(node, known);
  }

  private boolean fresh(long seenAtMillis) {
    return clock.millis() - seenAtMillis < maxAgeMillis;
  }

  @Override
  public Resolution resolve(Node dir, String name, @Nullable Node known) throws IOException {
    LocalView here = view;
    if (here == null) {
      return resolveThere(dir, name, known);
    }
    long askedAtMillis = clock.millis();
    Resolution changed = here.changed(dir, name);
    if (changed != null) {
      return changed;
    }
    if (here.isSmallAndOwn(dir)) {
      Resolution missing = here.missing(dir, name, stored(dir, name));
      if (missing != null) {
        return missing;
      }
    }
    Resolution there;
    try {
      there = resolveThere(dir, name, known);
    } catch (StoreException e) {
      there = here.whileDown(dir, stored(dir, name), e);
    }
    Resolution overruled = here.overruled(dir, name, askedAtMillis);
    if (overruled != null) {
      return overruled;
    }
    return there instanceof Found found && known != null
        ? new Found(found.segment(), localized(known, found.facts()))
        : there;
  }

  private Resolution resolveThere(Node dir, String name, @Nullable Node known) throws IOException {
    Facts stored = stored(dir, name);
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
      if (revalidation.asked(
          dir.id(), LocalNames.storeKey(dir), FactsStore.segment(name, stored))) {
        Facts now = stored(dir, name);
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
          Facts stored = stored(dir, name);
          if (stored != null
              && complete(stored)
              && fresh(stored.seenAtMillis())
              && (options.revalidateOnOpen() != Revalidate.ALWAYS
                  || stored.seenAtMillis() > askedAtMillis)) {
            return new Found(FactsStore.segment(name, stored), stored);
          }
          Resolution resolution = listed == null ? ask(dir, name) : refine(dir, name, listed);
          LocalView here = view;
          if (here != null && here.isOverruled(dir, name, askedAtMillis)) {
            return resolution; // It was asked before this node changed it.
          }
          switch (resolution) {
            case Found(String segment, Facts told) -> {
              // As of the question: what this node publishes meanwhile is newer.
              Found asked = new Found(segment, told.seenAt(askedAtMillis));
              facts.put(dir.id(), name, asked.facts());
              if (here != null && here.isOverruled(dir, name, askedAtMillis)) {
                facts.remove(dir.id(), name);
              }
              return asked;
            }
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
    String prefix = LocalNames.storeKey(dir);
    String segment = FactsStore.segment(name, listed);
    Optional<Facts> facts = resolver.refine(prefix, segment, listed);
    return facts.isPresent() && prefix.equals(LocalNames.storeKey(dir))
        ? new Found(segment, facts.get())
        : ask(dir, name);
  }

  /** Again where a rename of a directory ended meanwhile: the old keys are going. */
  private Resolution ask(Node dir, String name) throws StoreException {
    String prefix = LocalNames.storeKey(dir);
    Resolution answer = resolver.ask(prefix, name);
    return prefix.equals(LocalNames.storeKey(dir)) ? answer : ask(dir, name);
  }

  @Override
  public Facts rootFacts() {
    return Facts.implicit(PosixMetadata.NONE, clock.millis());
  }

  @Override
  public boolean complete(Facts known) {
    return !full || known.posix() != null;
  }

  @Override
  public Attributes attributes(Node node, Facts known) {
    return shown.of(node, known);
  }

  @Override
  public long attrTtlNanos(Facts known) {
    return options.leftNanos(options.attrTtl(), clock.millis() - known.seenAtMillis());
  }

  @Override
  public long entryTtlNanos(Facts known) {
    return options.leftNanos(options.entryTtl(), clock.millis() - known.seenAtMillis());
  }

  @Override
  public CachedFile open(Facts known) {
    return contents.open(known);
  }

  @Override
  public byte[] readLink(Node node, Facts known) throws IOException {
    WriteSide writer = write;
    if (writer == null) {
      return contents.readLink(known, null);
    }
    // A target is a page at most; under the lock it is not sent and retired meanwhile.
    writer.names().lock.lock();
    try {
      LocalFile local = writer.names().file(node);
      DirtyFile data = local == null ? null : local.content();
      if (local != null && data != null) {
        return contents.readLink(writer.changes().facts(local), data);
      }
    } finally {
      writer.names().lock.unlock();
    }
    return contents.readLink(node.attachment() instanceof Facts now ? now : known, null);
  }

  @Override
  public DirectoryStream openDirectory(Node dir) {
    return new ObjectDirectory(() -> windows(dir, maxAgeMillis));
  }

  private ObjectDirectory.Windows windows(Node dir, long maxAge) {
    WriteSide writer = write;
    if (writer == null) {
      return listings.open(dir.id(), LocalNames.storeKey(dir), maxAge);
    }
    long startedAtMillis = clock.millis();
    ObjectDirectory.Windows there = MovingWindows.of(writer.moves(), listings, dir, maxAge);
    return new OverlaidWindows(there, writer.names(), dir, startedAtMillis);
  }

  @Override
  public boolean isEmpty(Node dir) throws StoreException {
    ObjectDirectory.Windows windows = windows(dir, 0);
    for (List<DirEntry> page = windows.next(); page != null; page = windows.next()) {
      if (!page.isEmpty()) {
        return false;
      }
    }
    return true;
  }

  /**
   * Makes it writable, with what an earlier process left to be sent.
   *
   * @param mount for messages
   */
  public Backlog enableWrites(
      String mount,
      StateStore state,
      Nodes nodes,
      WriteOptions writes,
      QuotaOptions quota,
      Inherited inherited)
      throws IOException {
    WriteSide.Needs needs =
        new WriteSide.Needs(
            mount, scope, store, cache, state, nodes, writes, quota, options, access, facts, health,
            inherited, clock);
    WriteSide writer = new WriteSide(needs, contents::open, this::ino);
    listings.overlay(writer.names());
    view = new LocalView(writer, facts, listings, health, clock, () -> maxAgeMillis);
    contents.forwarded(writer.moves()::forward);
    write = writer;
    return writer.backlog();
  }

  @Override
  public @Nullable Changes changes() {
    WriteSide writer = write;
    return writer == null ? null : writer.changes();
  }

  @Override
  public @Nullable Renames renames() {
    WriteSide writer = write;
    return writer == null ? null : writer.renames();
  }

  @Override
  public void mounted(OpenFiles opens) {
    WriteSide writer = write;
    if (writer != null) {
      writer.start(opens);
    }
  }

  /** What left the cache: contents, whole or in part. */
  public record Evicted(long files, long bytes) {}

  /**
   * Drops the cached content of a file, or of all that lies below a directory. Who has a file open
   * keeps reading it.
   *
   * @param inside relative to the mount; "" is the whole mount
   */
  public Evicted evict(Path inside) throws IOException {
    return new CachedBelow(cache, scope).evict(inside);
  }

  /** Sends what is pending, for at most so long; false where the next start has to go on. */
  public boolean drain(Duration deadline) {
    WriteSide writer = write;
    return writer == null || writer.drained(deadline);
  }

  /** Changes that the store does not have yet. */
  public int pendingChanges() {
    WriteSide writer = write;
    return writer == null ? 0 : writer.pending();
  }

  /** Ends what is being sent, after a while in the middle of it; the store stays. */
  public void stop() {
    WriteSide writer = write;
    if (writer != null) {
      writer.close();
    }
  }

  @Override
  public void close() {
    stop();
    store.close();
  }
}
