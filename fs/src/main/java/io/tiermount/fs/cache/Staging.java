package io.tiermount.fs.cache;

import io.tiermount.backends.os.Errno;
import io.tiermount.backends.os.ErrnoException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongPredicate;

/**
 * Files of writers: on the cache's disks, counted against its ceiling, never evicted, in no index.
 * Safe from any thread.
 */
public final class Staging {
  private static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(100);
  private static final long LOOK_AT_ALL_NANOS = TimeUnit.SECONDS.toNanos(1);

  /** Growth between two looks that is worth the next look soon. */
  private static final long MUCH_BYTES = 1 << 20;

  /** Of a ceiling, what cleaning makes free at most for growth to come. */
  private static final int AHEAD_PARTS = 8;

  private final List<CacheDirectory> directories;
  private final Contents contents;
  private final Eviction eviction;
  private final Handover handover;
  private final Trouble trouble;
  private final Runnable hurry;
  private final ConcurrentHashMap<Long, StagingFile> files = new ConcurrentHashMap<>();

  /** Those found at the start that nobody asked for yet. */
  private final ConcurrentHashMap<Long, StagingFile> found = new ConcurrentHashMap<>();

  /** Some file was opened since the last look. */
  private final AtomicBoolean opened = new AtomicBoolean();

  /** The janitor's own. */
  private long lookedNanos = System.nanoTime();

  private long lookedAtAllNanos = lookedNanos;

  /**
   * @param hurry called when a file may grow from now on
   * @throws IOException where a directory can't be read
   */
  Staging(
      List<CacheDirectory> directories,
      Contents contents,
      Eviction eviction,
      Handover handover,
      Trouble trouble,
      Runnable hurry)
      throws IOException {
    this.directories = directories;
    this.contents = contents;
    this.eviction = eviction;
    this.handover = handover;
    this.trouble = trouble;
    this.hurry = hurry;
    for (CacheDirectory directory : directories) {
      for (long id : directory.staging().ids()) {
        StagingFile file = new StagingFile(directory, id, -1, 0);
        file.refresh();
        files.put(id, file);
        found.put(id, file);
      }
    }
  }

  /**
   * A new empty file in the roomiest directory.
   *
   * @throws ErrnoException ENOSPC where the disk has no room even after eviction
   */
  public StagingFile create() throws IOException {
    CacheDirectory directory = contents.roomiest();
    long id = contents.newId();
    int fd;
    try {
      fd = directory.staging().create(id);
    } catch (ErrnoException e) {
      if (e.errno() != Errno.ENOSPC || !eviction.reserve(directory, 1)) {
        throw e;
      }
      directory.unreserve(1);
      fd = directory.staging().create(id);
    }
    return add(new StagingFile(directory, id, fd, 0));
  }

  private StagingFile add(StagingFile file) {
    files.put(file.id(), file);
    mayGrow();
    return file;
  }

  private void mayGrow() {
    opened.set(true);
    hurry.run();
  }

  /**
   * The data file of a content that is whole becomes a writer's: the very same Linux inode, so that
   * readers in passthrough and mappings see what is written to it. The content leaves the cache
   * first; a {@link CachedFile} that has it open reads the old version from its source from then
   * on.
   *
   * @param maxVerifyBytes as with {@link CachedFile#backingFile}
   * @return empty where it is not whole, not kept, damaged, or of another size
   */
  public Optional<StagingFile> takeOver(ContentKey key, long sizeBytes, long maxVerifyBytes)
      throws IOException {
    StagingFile taken = handover.takeOver(key, sizeBytes, maxVerifyBytes);
    return taken == null ? Optional.empty() : Optional.of(add(taken));
  }

  /**
   * Opens a file that was closed, as all are after a restart.
   *
   * @return empty where it is gone, or its directory is
   * @throws IllegalStateException where it is open
   */
  public Optional<StagingFile> reopen(long directoryId, long id) throws IOException {
    StagingFile file = files.get(id);
    if (file == null || file.directoryId() != directoryId || !file.reopen()) {
      return Optional.empty();
    }
    found.remove(id);
    mayGrow();
    return Optional.of(file);
  }

  /**
   * A file that now is an object's version {@code key}, whole, becomes a cached content, and what
   * was cached of that version before leaves. Reads all of it, for its checksums. The file is
   * closed and gone by it.
   *
   * <p>Where it can't be kept (empty or too large a file, no room, a broken index) it is discarded,
   * which is no error: the store has it.
   *
   * @return true where it is kept
   * @throws IllegalStateException where somebody still has it open or mapped, or it is closed
   */
  public boolean adopt(StagingFile file, ContentKey key) {
    file.fd();
    if (!file.isUnused()) {
      throw new IllegalStateException("staging file " + file.id() + " is in use");
    }
    boolean kept = false;
    try {
      kept = handover.adopt(file, key);
    } catch (IOException e) {
      trouble.note("keeping what was written to " + key, e);
    }
    discard(file);
    return kept;
  }

  /** Deletes a file. While somebody still has it open or mapped its bytes count as held. */
  public void discard(StagingFile file) {
    try {
      file.discard();
    } catch (IOException e) {
      trouble.note("deleting staging file " + file.id(), e);
    }
    files.remove(file.id(), file);
    found.remove(file.id(), file);
  }

  /** Nobody uses it any more: it is closed where somebody may ask for it later, else discarded. */
  public void end(StagingFile file, boolean kept) throws IOException {
    if (kept) {
      file.close();
    } else {
      discard(file);
    }
  }

  /** Where a file lies, open or not; empty where it is gone, or its directory is. */
  public Optional<Path> path(long directoryId, long id) {
    StagingFile file = files.get(id);
    return file == null || file.directoryId() != directoryId
        ? Optional.empty()
        : Optional.of(file.path());
  }

  /**
   * Deletes what earlier runs left, once after the start: files that were neither opened by now nor
   * are known.
   */
  public void sweep(LongPredicate known) {
    for (StagingFile file : found.values()) {
      if (!known.test(file.id()) && found.remove(file.id(), file)) {
        discard(file);
      }
    }
    found.clear();
  }

  /** What the files take on disk, as far as it was looked at. */
  public long stagedBytes() {
    return directories.stream().mapToLong(CacheDirectory::stagedBytes).sum();
  }

  /**
   * Makes room on a file's disk for so many bytes more, by evicting what is not a writer's. They
   * count as the file's at once; what of them it did not take soon, or until this is called for it
   * again, is given back.
   *
   * @return false where that can't be done
   */
  public boolean makeRoom(StagingFile file, long bytes) throws IOException {
    file.refresh();
    CacheDirectory directory = file.directory();
    if (directory.files().isBlocked()) {
      // What is used is not known yet; what is free is.
      return directory.free().leaves(bytes);
    }
    boolean made = eviction.reserve(directory, bytes);
    if (made) {
      file.expect(bytes);
    }
    return made;
  }

  // ---- For the janitor

  /**
   * Counts how files have grown, and tells their directories what to expect of those that are
   * written in passthrough, where nobody asks for room.
   *
   * @return true where another look is due soon
   */
  boolean look() {
    long now = System.nanoTime();
    long elapsed = now - lookedNanos;
    if (elapsed < LOOK_NANOS / 2) {
      return true;
    }
    boolean all = now - lookedAtAllNanos >= LOOK_AT_ALL_NANOS;
    lookedNanos = now;
    lookedAtAllNanos = all ? now : lookedAtAllNanos;
    boolean much = opened.getAndSet(false);
    for (CacheDirectory directory : directories) {
      long grown = refresh(directory, files.values(), all);
      // Twice what comes until the next look, should it go on like this.
      double expected = 2.0 * grown * LOOK_NANOS / elapsed;
      directory.expect(Math.min((long) expected, directory.maxBytes() / AHEAD_PARTS));
      much |= grown >= MUCH_BYTES;
    }
    return much;
  }

  private long refresh(CacheDirectory directory, Collection<StagingFile> candidates, boolean all) {
    long grown = 0;
    for (StagingFile file : candidates) {
      if (file.directory() == directory && (all || file.isStirred())) {
        try {
          grown += Math.max(0, file.look());
        } catch (ErrnoException e) {
          trouble.note("looking at staging file " + file.id(), e);
        }
      }
    }
    return grown;
  }

  void whileNothingMoves(Janitor.Work work) throws IOException {
    handover.whileNothingMoves(work);
  }
}
