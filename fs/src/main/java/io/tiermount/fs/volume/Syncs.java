package io.tiermount.fs.volume;

import io.tiermount.backends.StoreException;
import io.tiermount.fs.tree.Node;
import io.tiermount.fs.write.DirtyFile;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * Closes and syncs: what was written is acknowledged by them, and they return when it is as durable
 * as the mount promises. Those that wait for a store or a disk are called on virtual threads.
 */
public final class Syncs {
  private final LocalNames names;
  private final Quota quota;
  private final ChangeJournal journal;
  private final Publishing publishing;
  private final WritePromises promises;
  private final Changes changes;

  Syncs(Publishing.Parts parts, Publishing publishing, Changes changes) {
    this.names = parts.names();
    this.quota = parts.quota();
    this.journal = parts.journal();
    this.promises = parts.promises();
    this.publishing = publishing;
    this.changes = changes;
  }

  private boolean isRemote() {
    return publishing.isRemote();
  }

  /**
   * A descriptor that may have written is closed (there may be others). What changed since the last
   * time is acknowledged by it; under {@code remote} when the store has it.
   *
   * @throws StoreException why it is not in the store; it stays here and is tried again
   */
  public void closed(LocalFile file) throws IOException {
    Acknowledged acknowledged = acknowledge(file, !isRemote(), true);
    if (acknowledged.change == null) {
      return;
    }
    if (isRemote()) {
      publishing.await(acknowledged.change);
    } else {
      if (promises.now().syncOnClose()) {
        publishing.sync(file);
      }
      publishing.later(acknowledged.change);
    }
  }

  /**
   * fsync(2), fdatasync(2).
   *
   * @throws StoreException as {@link #closed}; ESTALE where somebody else took the name
   */
  public void synced(LocalFile file) throws IOException {
    Acknowledged acknowledged = acknowledge(file, !isRemote(), false);
    if (isRemote()) {
      if (acknowledged.change != null) {
        publishing.await(acknowledged.change);
      }
      return;
    }
    publishing.sync(file);
    if (acknowledged.change != null) {
      publishing.later(acknowledged.change);
    }
  }

  private record Acknowledged(@Nullable NameChange change) {}

  /**
   * @param journalled the acknowledgement itself has to survive a kill
   * @param emptyLater a new file that is still empty is left to its last close
   */
  private Acknowledged acknowledge(LocalFile file, boolean journalled, boolean emptyLater)
      throws IOException {
    if (file.isLost()) {
      throw new StoreException(
          StoreException.Kind.PRECONDITION_FAILED,
          Changes.keyOf(file.node()),
          file
              + " was changed by somebody else meanwhile; what was written is kept in the cache directory's staging/");
    }
    DirtyFile data = file.content();
    if (data == null || file.node().isUnlinked()) {
      return new Acknowledged(null);
    }
    quota.settle(file);
    boolean fresh = file.base() == null;
    if (emptyLater && isRemote() && fresh && data.stat().sizeBytes() == 0) {
      return new Acknowledged(null);
    }
    if (!fresh && !data.isChanged() && !file.isMetaChanged()) {
      NameChange change = changes.changeOf(file);
      return new Acknowledged(change != null && change.isPending() ? change : null);
    }
    names.lock.lock();
    try {
      file.acknowledged(true);
      NameChange change = changes.changeOf(file);
      if (change != null && change.isPending() && change.present() == file.node()) {
        change.touched();
        if (journalled) {
          journal.put(file);
        }
        return new Acknowledged(change);
      }
      return new Acknowledged(file.node().isUnlinked() ? null : publishing.pending(file));
    } finally {
      names.lock.unlock();
    }
  }

  /** fsync(2) of a directory: its changes of names are as durable as the mount promises. */
  public void directorySynced(Node dir) throws IOException {
    if (isRemote()) {
      for (NameChange change : names.changesIn(dir)) {
        LocalFile file = change.present() == null ? null : names.file(change.present());
        boolean unfinished = file != null && file.content() != null && !file.isAcknowledged();
        if (change.isPending() && !unfinished) {
          publishing.await(change);
        }
      }
    }
    journal.sync();
  }

  /** sync: everything acknowledged is as durable as the mount promises. */
  public void allSynced() throws IOException {
    if (isRemote()) {
      publishing.drain();
      return;
    }
    for (LocalFile file : names.files()) {
      DirtyFile data = file.content();
      if (data != null) {
        data.sync();
      }
    }
    journal.sync();
  }
}
