package io.tiermount.fs.tree;

import io.tiermount.backends.Version;
import io.tiermount.fs.write.DirtyFile;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The mode an inode is open in: what the kernel would refuse to change while anything has it open.
 * It exists while something does. Everything but {@link #version} is read and written only by who
 * has entered it; {@link #close} lets go.
 */
final class OpenInode implements AutoCloseable {
  /** Who reads the file. */
  enum Mode {
    /** The kernel's page cache, filled by READs. */
    CACHED,
    /** The kernel itself, from the backing file. */
    PASSTHROUGH
  }

  private final long nodeId;
  private final ConcurrentMap<Long, OpenInode> inodes;
  private final ReentrantLock lock = new ReentrantLock();
  private boolean gone;

  int opens;
  Mode mode = Mode.CACHED;

  /** The kernel's number for the backing file; 0 in cached mode. */
  int backing;

  /** That file's own inode on the cache's disk; 0 in cached mode. */
  long backingIno;

  /** Its opens. */
  final List<FileHandle> handles = new ArrayList<>(1);

  /** The version every open of it reads; also read from outside the lock. */
  volatile @Nullable Version version;

  OpenInode(long nodeId, ConcurrentMap<Long, OpenInode> inodes) {
    this.nodeId = nodeId;
    this.inodes = inodes;
  }

  /** Waits for the lock; false where the inode was closed for good meanwhile: look again. */
  @SuppressWarnings("LockNotBeforeTry") // close() releases it.
  boolean tryEnter() {
    lock.lock();
    if (!gone) {
      return true;
    }
    lock.unlock();
    return false;
  }

  void opened(
      FileHandle handle, Mode newMode, int newBacking, long newBackingIno, Version newVersion) {
    handles.add(handle);
    opens++;
    mode = newMode;
    backing = newBacking;
    backingIno = newBackingIno;
    version = newVersion;
  }

  /** Everybody who has it open reads the writer's data file from here on. */
  void becameLocal(DirtyFile data, Version newVersion) {
    version = newVersion;
    for (FileHandle handle : handles) {
      handle.switchTo(data.reader());
    }
  }

  @Override
  public void close() {
    if (opens == 0) {
      gone = true;
      inodes.remove(nodeId, this);
    }
    lock.unlock();
  }
}
