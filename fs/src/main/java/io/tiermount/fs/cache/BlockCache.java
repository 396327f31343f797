package io.tiermount.fs.cache;

import io.tiermount.backends.StoreException;
import io.tiermount.fs.cache.InFlight.Plan;
import io.tiermount.fs.meta.IndexStore;
import io.tiermount.fs.meta.MetaException;
import io.tiermount.fs.meta.Scan;
import java.io.IOException;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongConsumer;
import java.util.function.Predicate;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * Blocks of objects on local disks: the one cache of a node, over all its mounts. Safe from any
 * thread.
 *
 * <p>Memory: {@link Limits#fetchBytes} for bytes in flight, 23 MiB for extents of open contents, 7
 * MiB for tables of fixed size, and about 1 KiB for each open content plus 4 B for each 4 MiB of
 * its size. The index has its own budget ({@code fs.meta.MetaMemory}).
 *
 * <p>Threads: a virtual one per fetch, two platform threads that write data files, one that cleans.
 */
public final class BlockCache implements AutoCloseable {
  /**
   * How much may be under way.
   *
   * @param fetches GETs at once
   * @param fetchBytes memory of fetches; at least two blocks are taken
   */
  public record Limits(int fetches, long fetchBytes) {
    /** 64 GETs, 64 MiB. */
    public static final Limits DEFAULT = new Limits(64, 64 << 20);

    public Limits {
      if (fetches < 1 || fetchBytes < 1) {
        throw new IllegalArgumentException("a cache without fetches: " + fetches);
      }
    }
  }

  private volatile CacheOptions options;
  private final boolean indexDropped;
  private final BlockIndex index;
  private final Counters counters = new Counters();
  private final Trouble trouble;
  private final List<CacheDirectory> directories;
  private final Contents contents;
  private final Fetcher fetcher;
  private final Eviction eviction;
  private final Frequency frequency;
  private final Verifier verifier;
  private final Janitor janitor;
  private final Handover handover;
  private final Staging staging;
  private volatile boolean closed;

  private BlockCache(Opened opened, IndexStore store, Limits limits, Clock clock)
      throws IOException {
    options = opened.options();
    index = opened.index();
    directories = opened.directories();
    indexDropped = store.wasDropped();
    trouble = new Trouble(clock);
    frequency = new Frequency(clock);
    boolean verify = options.verify() == CacheOptions.Verify.ON_OPEN || opened.suspect();
    Parts parts =
        new Parts(
            index,
            counters,
            trouble,
            new Scratch(),
            frequency,
            new CheckedChunks(clock),
            verify,
            this::unloadExtents);
    long fetchBytes = Math.max(limits.fetchBytes, 2L * options.blockBytes());
    FetchQueue queue = new FetchQueue(limits.fetches, fetchBytes, this::begin);
    contents = new Contents(parts, directories, options.maxFileBytes(), queue, opened.firstId());
    Ghosts ghosts = new Ghosts();
    janitor = new Janitor(directories, index, trouble, frequency, opened.firstId());
    int margin = options.cleanupMarginPercent();
    eviction = new Eviction(parts, contents, ghosts, clock, margin, janitor::wake);
    Keeper keeper = new Keeper(parts, eviction, ghosts);
    fetcher = new Fetcher(parts, queue, contents, keeper, options.blockBytes());
    verifier = new Verifier(parts, contents, options.verify());
    handover = new Handover(parts, contents, eviction, verifier, options.maxFileBytes());
    staging = new Staging(directories, contents, eviction, handover, trouble, janitor::hurry);
    janitor.start(eviction, staging);
  }

  /** What is found on disk. */
  record Opened(
      CacheOptions options,
      BlockIndex index,
      List<CacheDirectory> directories,
      long firstId,
      boolean suspect) {}

  /** Opens with the system's clock and {@link Limits#DEFAULT}. */
  public static BlockCache open(CacheOptions options, IndexStore index) throws IOException {
    return open(options, index, Limits.DEFAULT, Clock.systemUTC(), RandomGenerator.getDefault());
  }

  /**
   * Opens the cache. Nothing is scanned, whatever its size; data files that the index does not know
   * are deleted in the background.
   *
   * @param store stays the caller's, and is closed by it after the cache
   * @param random for the numbers of new cache directories
   * @throws IOException where a directory can't be made or read
   */
  public static BlockCache open(
      CacheOptions options, IndexStore store, Limits limits, Clock clock, RandomGenerator random)
      throws IOException {
    BlockIndex index = new BlockIndex(store);
    List<CacheDirectory> directories = new ArrayList<>();
    for (CacheOptions.Directory directory : options.directories()) {
      DataFiles files = DataFiles.open(directory.path(), random);
      BlockIndex.Ledger ledger = index.ledger(files.id());
      if (ledger == null) {
        // What lies there is in no books: it has to go before anything new may come.
        files.trashData();
        ledger = BlockIndex.Ledger.EMPTY;
        index.change(change -> change.putLedger(files.id(), BlockIndex.Ledger.EMPTY));
      }
      files.prepare();
      CacheDirectory opened =
          new CacheDirectory(
              files, index, directory.maxUsedBytes(), options.minFreeBytes(), ledger);
      opened.releaseHeld();
      opened.staging().prepare();
      directories.add(opened);
    }
    // Above every id given out before, also where the index was dropped or the clock was set back.
    long firstId = Math.max(index.nextId(), clock.millis() << 16);
    for (CacheDirectory directory : directories) {
      firstId = Math.max(firstId, directory.staging().highestId() + 1);
    }
    boolean suspect = index.begin(Verifier.bootId());
    Opened opened = new Opened(options, index, List.copyOf(directories), firstId, suspect);
    return new BlockCache(opened, store, limits, clock);
  }

  /**
   * Opens a content. Never fails: without a working index or disk its reads go to the store.
   *
   * @param sizeBytes of this very version
   * @param source asked for what is absent, on virtual threads, by this opening's reads
   */
  public CachedFile open(ContentKey key, long sizeBytes, BlockSource source) {
    return open(key, sizeBytes, true, source);
  }

  /**
   * The same.
   *
   * @param kept false for what is read where it lies: nothing of it comes into the cache
   */
  public CachedFile open(ContentKey key, long sizeBytes, boolean kept, BlockSource source) {
    Content content = contents.open(key, sizeBytes, kept);
    if (content.record().presentChunks() == 0) {
      // Its first use is none of it again.
      frequency.reset(content.id(), Eviction.WHOLE_FILE);
    } else {
      frequency.touch(content.id(), Eviction.WHOLE_FILE);
    }
    return new OpenFile(this, content, source);
  }

  /**
   * Other sizes, from now on; a lower ceiling is come down to within a moment, as far as nobody
   * holds what is there.
   *
   * @throws IllegalArgumentException where anything else differs: that takes a new cache
   */
  public void resize(CacheOptions next) {
    if (!options.differsInSizesAlone(next)) {
      throw new IllegalArgumentException("only sizes change while a cache is open");
    }
    options = next;
    for (int i = 0; i < directories.size(); i++) {
      directories.get(i).resize(next.directories().get(i).maxUsedBytes(), next.minFreeBytes());
    }
    contents.maxFileBytes(next.maxFileBytes());
    handover.maxFileBytes(next.maxFileBytes());
    eviction.margin(next.cleanupMarginPercent());
    janitor.wake();
  }

  /** The files of writers. */
  public Staging staging() {
    return staging;
  }

  /**
   * After a server-side copy (a rename, a chmod) the same bytes are another object's version: what
   * is cached of the one becomes the other's. No byte is copied.
   *
   * @return false where nothing changed: nothing is cached under {@code from}, something is under
   *     {@code to}, or somebody has either open or the cache is fetching into it
   */
  public boolean rekey(ContentKey from, ContentKey to) {
    try {
      return contents.rekey(from, to);
    } catch (MetaException e) {
      trouble.note("giving " + from + " another key", e);
      return false;
    }
  }

  /** True where some of it is cached. */
  public boolean contains(ContentKey key) {
    return presentBytes(key) > 0;
  }

  /** How much of a content is cached, in whole chunks but for its last. */
  public long presentBytes(ContentKey key) {
    try {
      ContentRecord record = index.find(key);
      if (record == null) {
        return 0;
      }
      return Math.min(record.sizeBytes(), (long) record.presentChunks() << Chunks.CHUNK_SHIFT);
    } catch (MetaException e) {
      trouble.note("looking up " + key, e);
      return 0;
    }
  }

  // ---- For OpenFile

  Fetcher fetcher() {
    return fetcher;
  }

  private void begin(Fetch fetch) {
    fetcher.begin(fetch);
  }

  int backingFile(Content content, long maxVerifyBytes) throws IOException {
    return verifier.backingFile(content, maxVerifyBytes);
  }

  void close(Content content) {
    contents.close(content);
  }

  private void unloadExtents() {
    for (Content content : contents.open()) {
      if (counters.loadedExtents.sum() <= Parts.MAX_LOADED_EXTENTS / 2) {
        return;
      }
      content.unload();
    }
  }

  // ---- For the command line

  /**
   * Fetches all that is absent; returns when it is cached (or can't be kept). Blocks.
   *
   * @param progress told the bytes done, now and then
   * @throws StoreException as the source says
   */
  public void warm(ContentKey key, long sizeBytes, BlockSource source, LongConsumer progress)
      throws StoreException {
    Content content = contents.open(key, sizeBytes, true);
    try {
      int chunks = content.isKept() ? Chunks.count(sizeBytes) : 0;
      int step = options.blockBytes() >>> Chunks.CHUNK_SHIFT;
      for (int chunk = 0; chunk < chunks; chunk += step) {
        int last = Math.min(chunks, chunk + step) - 1;
        long ahead = Math.min(sizeBytes, (long) (last + 1 + 4 * step) << Chunks.CHUNK_SHIFT);
        fetcher.prefetch(content, source, (long) chunk << Chunks.CHUNK_SHIFT, ahead);
        Plan plan = fetcher.plan(content, source, chunk, last, false, true);
        try {
          for (Fetch fetch : plan.joined()) {
            fetch.await();
          }
        } finally {
          plan.joined().forEach(Fetch::leave);
        }
        progress.accept(Math.min(sizeBytes, (long) (last + 1) << Chunks.CHUNK_SHIFT));
      }
    } finally {
      contents.close(content);
    }
  }

  /**
   * Takes a content out of the cache. What somebody has open or mapped stays readable to them; its
   * bytes count as held until they are done.
   *
   * @return the bytes that left the cache
   */
  public long evict(ContentKey key) throws IOException {
    Content content = contents.acquire(key);
    if (content == null) {
      return 0;
    }
    try {
      return eviction.evict(content);
    } finally {
      contents.release(content);
    }
  }

  /**
   * Takes all contents of one scope out, or all there are.
   *
   * @param scope null for all
   * @return the bytes that left the cache
   */
  public long evictAll(@Nullable String scope) throws IOException {
    return evictAll(scope, _ -> true);
  }

  /**
   * Takes those contents of one scope out that are chosen.
   *
   * @param scope null for all
   */
  public long evictAll(@Nullable String scope, Predicate<ContentKey> chosen) throws IOException {
    long bytes = 0;
    try (Scan scan = index.contentsOf(scope)) {
      while (scan.next()) {
        ContentKey key = BlockIndex.decodeKey(scan.key());
        if (key != null && chosen.test(key)) {
          bytes += evict(key);
        }
      }
    }
    return bytes;
  }

  /**
   * What a walk over the cache found.
   *
   * @param badChunks dropped
   * @param lostFiles contents whose file was missing or had another length; dropped
   */
  public record VerifyReport(
      long contents, long chunks, long bytes, long badChunks, long lostFiles) {}

  /**
   * Reads everything that is cached and drops what is not as it should be. Takes as long as the
   * disks take.
   *
   * @param progress told the bytes read, now and then
   */
  public VerifyReport verify(LongConsumer progress) throws IOException {
    return verifier.verifyAll(progress, () -> !closed);
  }

  public CacheStats stats() {
    List<CacheStats.Directory> disks = new ArrayList<>();
    long heldByHandles = 0;
    for (Content content : contents.open()) {
      if (content.record().passthrough() && content.isKept()) {
        heldByHandles += (long) content.record().presentChunks() << Chunks.CHUNK_SHIFT;
      }
    }
    for (CacheDirectory directory : directories) {
      var free = directory.free();
      // Files open in passthrough are told for the cache as a whole, with its first directory.
      long held = directory.heldBytes() + (disks.isEmpty() ? heldByHandles : 0);
      disks.add(
          new CacheStats.Directory(
              directory.path(),
              directory.totalBytes(),
              directory.maxBytes(),
              held,
              directory.stagedBytes(),
              free.bytes(),
              free.inodes(),
              eviction.isFull(directory)));
    }
    return new CacheStats(
        disks,
        contents.open().size(),
        counters.hitRequests.sum(),
        counters.hitBytes.sum(),
        counters.missRequests.sum(),
        counters.missBytes.sum(),
        counters.fetches.sum(),
        counters.fetchedBytes.sum(),
        counters.failedFetches.sum(),
        counters.notKeptBytes.sum(),
        counters.evictedExtents.sum(),
        counters.evictedBytes.sum(),
        counters.badChunks.sum(),
        counters.lostFiles.sum(),
        trouble.count(),
        indexDropped);
  }

  /** Fails waiting fetches, lets running ones end for a while, and keeps what arrived. */
  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    janitor.close();
    verifier.close();
    fetcher.close();
  }
}
