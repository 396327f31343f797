package io.tiermount.fs.cache;

import io.tiermount.fs.cache.ContentRecord.Stamp;
import io.tiermount.fs.meta.MetaException;
import java.io.IOException;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The contents that are open, or that the cache itself is at work on, so that there is one {@link
 * Content} for each. Locks: a directory's {@code evicting}, then a key's lock here, then a
 * content's, then a directory's own.
 */
final class Contents {
  private static final int LOCKS = 256;

  private final Parts parts;
  private final List<CacheDirectory> directories;
  private volatile long maxFileBytes;
  private final FetchQueue queue;
  private final AtomicLong nextId;
  private final ConcurrentHashMap<ContentKey, Content> open = new ConcurrentHashMap<>();
  private final ReentrantLock[] locks = new ReentrantLock[LOCKS];

  Contents(
      Parts parts,
      List<CacheDirectory> directories,
      long maxFileBytes,
      FetchQueue queue,
      long firstId) {
    this.parts = parts;
    this.directories = directories;
    this.maxFileBytes = maxFileBytes;
    this.queue = queue;
    nextId = new AtomicLong(firstId);
    for (int i = 0; i < LOCKS; i++) {
      locks[i] = new ReentrantLock();
    }
  }

  /** Larger ones are not kept from now on. */
  void maxFileBytes(long bytes) {
    maxFileBytes = bytes;
  }

  Collection<Content> open() {
    return open.values();
  }

  /** Held while a content comes, goes, or changes hands. */
  ReentrantLock lock(ContentKey key) {
    return locks[Math.floorMod(key.hashCode(), LOCKS)];
  }

  /** For an opening of a user's. */
  Content open(ContentKey key, long sizeBytes, boolean kept) {
    ReentrantLock lock = lock(key);
    lock.lock();
    try {
      Content content = open.get(key);
      if (content == null) {
        content = kept ? load(key, sizeBytes) : unkept(key, sizeBytes);
        open.put(key, content);
      } else if (content.sizeBytes() != sizeBytes) {
        // One version, two lengths: somebody is wrong, and only the store knows who.
        content = unkept(key, sizeBytes);
      }
      content.handles++;
      content.references++;
      return content;
    } finally {
      lock.unlock();
    }
  }

  /** For the cache's own work; null where nothing of it is cached. */
  @Nullable Content acquire(ContentKey key) throws MetaException {
    ReentrantLock lock = lock(key);
    lock.lock();
    try {
      Content content = open.get(key);
      if (content == null) {
        ContentRecord record = parts.index().find(key);
        CacheDirectory directory = record == null ? null : directory(record.directoryId());
        if (record == null || directory == null) {
          return null;
        }
        content = new Content(parts, key, directory, record, true);
        open.put(key, content);
      }
      content.references++;
      return content;
    } finally {
      lock.unlock();
    }
  }

  /** The same for one who reads its file. */
  @Nullable Content openCached(ContentKey key) throws MetaException {
    ReentrantLock lock = lock(key);
    lock.lock();
    try {
      Content content = acquire(key);
      if (content != null) {
        content.handles++;
      }
      return content;
    } finally {
      lock.unlock();
    }
  }

  /** It left the cache; who has it open keeps it. With its key's lock held. */
  void remove(Content content) {
    open.remove(content.key(), content);
  }

  /**
   * Another key's from now on; see {@link BlockCache#rekey}.
   *
   * @return false where nothing changed
   */
  boolean rekey(ContentKey from, ContentKey to) throws MetaException {
    ReentrantLock one = lock(from);
    ReentrantLock other = lock(to);
    boolean inOrder = Math.floorMod(from.hashCode(), LOCKS) < Math.floorMod(to.hashCode(), LOCKS);
    (inOrder ? one : other).lock();
    (inOrder ? other : one).lock();
    try {
      ContentRecord record = parts.index().find(from);
      boolean inUse = open.containsKey(from) || open.containsKey(to);
      if (inUse || record == null || parts.index().find(to) != null) {
        return false;
      }
      parts.index().change(change -> change.rekey(from, to, record));
      return true;
    } finally {
      one.unlock();
      other.unlock();
    }
  }

  /** The same by id. */
  @Nullable Content acquire(long id) throws MetaException {
    ContentKey key = parts.index().keyOf(id);
    while (key != null) {
      Content content = acquire(key);
      if (content != null && content.id() == id) {
        return content;
      }
      if (content != null) {
        release(content);
      }
      // It may have got another key since it was asked for.
      ContentKey now = parts.index().keyOf(id);
      key = key.equals(now) ? null : now;
    }
    return null;
  }

  /** One more use of a content that is in use. */
  void retain(Content content) {
    ReentrantLock lock = lock(content.key());
    lock.lock();
    try {
      content.references++;
    } finally {
      lock.unlock();
    }
  }

  void close(Content content) {
    ReentrantLock lock = lock(content.key());
    lock.lock();
    try {
      content.handles--;
    } finally {
      lock.unlock();
    }
    release(content);
  }

  void release(Content content) {
    ReentrantLock lock = lock(content.key());
    lock.lock();
    try {
      if (--content.references > 0) {
        return;
      }
      open.remove(content.key(), content);
      finish(content);
    } finally {
      lock.unlock();
    }
    queue.dropLingering(content);
  }

  private void finish(Content content) {
    content.lock.lock();
    try {
      boolean empty = content.closeFile() && content.isKept() && !content.isIndexed();
      if (empty) {
        content.directory().files().delete(content.id());
      }
    } catch (IOException e) {
      parts.trouble().note("deleting the empty file of " + content.key(), e);
    } finally {
      content.lock.unlock();
    }
    content.unload();
  }

  private Content load(ContentKey key, long sizeBytes) {
    if (sizeBytes == 0 || sizeBytes > maxFileBytes) {
      return unkept(key, sizeBytes);
    }
    try {
      ContentRecord record = parts.index().find(key);
      CacheDirectory directory = record == null ? null : directory(record.directoryId());
      if (record != null && directory != null) {
        Content content = new Content(parts, key, directory, record, true);
        if (record.sizeBytes() == sizeBytes) {
          return content;
        }
        discard(content, directory);
      } else if (record != null) {
        forgetElsewhere(key, record);
      }
      CacheDirectory chosen = roomiest();
      return new Content(parts, key, chosen, record(sizeBytes, chosen.id()), false);
    } catch (IOException e) {
      parts.trouble().note("opening " + key, e);
      return unkept(key, sizeBytes);
    }
  }

  private static void discard(Content content, CacheDirectory directory) throws IOException {
    content.lock.lock();
    try {
      directory.files().delete(content.id());
      content.forgetAll(directory);
    } finally {
      content.lock.unlock();
    }
  }

  /** It lies in a directory that is no longer configured, or on a disk that is not mounted. */
  void forgetElsewhere(ContentKey key, ContentRecord record) throws MetaException {
    parts
        .index()
        .change(change -> {
          change.removeContent(key, record.id());
          try (var scan = parts.index().extentsOf(record.id())) {
            while (scan.next()) {
              change.removeExtent(record.id(), BlockIndex.extentNumber(scan.key()));
            }
          }
        });
  }

  private Content unkept(ContentKey key, long sizeBytes) {
    return new Content(parts, key, null, record(sizeBytes, 0), false);
  }

  private ContentRecord record(long sizeBytes, long directoryId) {
    long id = newId();
    return new ContentRecord(id, sizeBytes, directoryId, 0, 0, false, Stamp.NONE);
  }

  /** Never given out before, to a content or to a staging file. */
  long newId() {
    return nextId.getAndIncrement();
  }

  /** Null where it is not configured, or its disk not mounted. */
  @Nullable CacheDirectory directory(long id) {
    for (CacheDirectory directory : directories) {
      if (directory.id() == id) {
        return directory;
      }
    }
    return null;
  }

  /** Where most fits; where all are full, where most is in all. */
  CacheDirectory roomiest() {
    CacheDirectory best = directories.getFirst();
    if (directories.size() == 1) {
      return best;
    }
    long bestRoom = Long.MIN_VALUE;
    for (CacheDirectory directory : directories) {
      var free = directory.free();
      long ceiling = directory.maxBytes() - directory.totalBytes();
      long room = Math.min(ceiling, free.bytes() - free.minBytes());
      if (room > bestRoom) {
        best = directory;
        bestRoom = room;
      }
    }
    return best;
  }
}
