package io.tiermount.fs.volume;

import io.tiermount.backends.StoreException;
import io.tiermount.backends.os.ErrnoException;
import io.tiermount.backends.os.LibC;
import io.tiermount.fs.cache.ContentKey;
import io.tiermount.fs.cache.ReadableFile;
import io.tiermount.fs.cache.Staging;
import io.tiermount.fs.cache.StagingFile;
import io.tiermount.fs.tree.Node;
import io.tiermount.fs.volume.LocalFile.ObjectMeta;
import io.tiermount.fs.write.Base;
import io.tiermount.fs.write.DirtyFile;
import io.tiermount.fs.write.Stamp;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Gives a file that somebody wants to write its own data file: the one the cache has of it where it
 * is whole, so that readers and mappings see every write; else a new one, filled first where the
 * object is small, or laid over the object where it is large.
 */
final class WriteOpens implements BorrowedKeys.Bringer {
  /** Up to here the rest is fetched rather than ranges be tracked. */
  private static final long WHOLE_BYTES = 8 << 20;

  /** Verified while an open waits. */
  private static final long VERIFY_BYTES = 64 << 20;

  private static final int STEP_BYTES = 1 << 20;
  private static final int LOCKS = 64;

  private final String scope;
  private final LocalNames names;
  private final ChangeJournal journal;
  private final Staging staging;
  private final Reconciler.Opener opener;
  private final ReentrantLock[] locks = new ReentrantLock[LOCKS];

  WriteOpens(
      String scope,
      LocalNames names,
      ChangeJournal journal,
      Staging staging,
      Reconciler.Opener opener) {
    this.scope = scope;
    this.names = names;
    this.journal = journal;
    this.staging = staging;
    this.opener = opener;
    for (int i = 0; i < LOCKS; i++) {
      locks[i] = new ReentrantLock();
    }
  }

  /**
   * Makes the content of a file local. Blocks where bytes have to be fetched.
   *
   * @param facts of the file as it is in the store, where it is not local yet
   * @param truncate its bytes are not wanted
   */
  LocalFile open(Node node, Facts facts, boolean truncate) throws IOException {
    ReentrantLock lock = locks[Math.floorMod(Long.hashCode(node.id()), LOCKS)];
    lock.lock();
    try {
      LocalFile known = names.file(node);
      DirtyFile data = known == null ? null : known.content();
      if (known != null && data != null) {
        if (truncate) {
          data.truncate(0);
        }
        return known;
      }
      Base base = base(node, known, facts);
      DirtyFile made = base == null ? empty(Stamp.NONE) : content(node, base, truncate);
      names.lock.lock();
      try {
        // Its attributes, or its name, may have been changed meanwhile.
        LocalFile now = names.file(node);
        LocalFile file =
            now != null ? now : known != null ? known : local(node, names.newest(node, facts));
        file.content(made);
        names.add(file);
        journal.put(file);
        return file;
      } finally {
        names.lock.unlock();
      }
    } finally {
      lock.unlock();
    }
  }

  private @Nullable Base base(Node node, @Nullable LocalFile known, Facts facts)
      throws ErrnoException {
    if (known != null) {
      return known.base();
    }
    names.lock.lock();
    try {
      return local(node, names.newest(node, facts)).base();
    } finally {
      names.lock.unlock();
    }
  }

  /** A file of the store of which nothing is changed yet. */
  static LocalFile local(Node node, Facts facts) {
    String key = facts.key();
    Base base =
        key == null || facts.version() == null
            ? null
            : new Base(key, facts.version(), facts.sizeBytes());
    PosixMetadata posix = facts.posix() == null ? PosixMetadata.NONE : facts.posix();
    return new LocalFile(node, facts.directory(), new ObjectMeta(posix, null, null), base, null);
  }

  private DirtyFile empty(@Nullable Stamp published) throws IOException {
    StagingFile file = staging.create();
    return published == null
        ? DirtyFile.takenOver(file, false)
        : DirtyFile.whole(file, false, published);
  }

  private DirtyFile content(Node node, Base base, boolean truncate) throws IOException {
    if (truncate || base.sizeBytes() == 0) {
      return empty(base.sizeBytes() == 0 ? null : Stamp.NONE);
    }
    boolean small = base.sizeBytes() <= WHOLE_BYTES;
    ContentKey key = new ContentKey(scope, base.key(), base.version());
    if (small) {
      try (ReadableFile cached = opener.open(base)) {
        fetch(cached, base.sizeBytes());
      }
    }
    Optional<StagingFile> taken = staging.takeOver(key, base.sizeBytes(), VERIFY_BYTES);
    if (taken.isPresent()) {
      return DirtyFile.takenOver(taken.get(), !small);
    }
    StagingFile file = staging.create();
    boolean done = false;
    try {
      DirtyFile made;
      if (small) {
        copy(base, file);
        made = DirtyFile.takenOver(file, false);
      } else {
        LibC.ftruncate(file.fd(), base.sizeBytes());
        made =
            DirtyFile.partial(
                file,
                opener.open(base),
                (group, chunks) -> journal.chunks(node.id(), group, chunks),
                null);
      }
      done = true;
      return made;
    } finally {
      if (!done) {
        staging.discard(file);
      }
    }
  }

  private static void fetch(ReadableFile cached, long sizeBytes) throws StoreException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment buffer = arena.allocate(STEP_BYTES, 64);
      for (long at = 0; at < sizeBytes; at += STEP_BYTES) {
        int length = (int) Math.min(STEP_BYTES, sizeBytes - at);
        if (!cached.isCached(at, length)) {
          cached.read(at, buffer.asSlice(0, length), false);
        }
      }
    }
  }

  private void copy(Base base, StagingFile to) throws IOException {
    try (ReadableFile from = opener.open(base);
        Arena arena = Arena.ofConfined()) {
      MemorySegment buffer = arena.allocate(STEP_BYTES, 64);
      for (long at = 0; at < base.sizeBytes(); at += STEP_BYTES) {
        MemorySegment part = buffer.asSlice(0, Math.min(STEP_BYTES, base.sizeBytes() - at));
        from.read(at, part, false);
        for (long done = 0; done < part.byteSize(); ) {
          long count = LibC.pwrite(to.fd(), part.asSlice(done), at + done);
          if (count < 0) {
            throw new ErrnoException("writing " + to.path(), (int) -count);
          }
          done += count;
        }
      }
    }
  }

  /** The object it came from is about to go: all its bytes come here. */
  @Override
  public void bringHere(LocalFile file) throws IOException {
    Node node = file.node();
    ReentrantLock lock = locks[Math.floorMod(Long.hashCode(node.id()), LOCKS)];
    lock.lock();
    try {
      Base base = file.base();
      DirtyFile data = file.content();
      if (base == null) {
        return;
      }
      DirtyFile here = data;
      if (data == null) {
        StagingFile staged = staging.create();
        copy(base, staged);
        here = DirtyFile.whole(staged, false, Stamp.NONE);
      } else {
        data.bringHere();
      }
      names.lock.lock();
      try {
        file.content(here);
        file.base(null);
        file.acknowledged(true);
        journal.put(file);
      } finally {
        names.lock.unlock();
      }
    } finally {
      lock.unlock();
    }
  }
}
