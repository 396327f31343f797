package io.tiermount.fs.volume;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.tiermount.fs.tree.Node;
import io.tiermount.fs.write.Base;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Keys whose object is still the content of a file that has got another name. Whatever else is to
 * happen under such a key waits for the copy. Safe from any thread.
 */
final class BorrowedKeys {
  private static final int LONGEST_CIRCLE = 10_000;

  private final LocalNames names;
  private final ChangeJournal journal;

  @GuardedBy("names.lock")
  private final Map<String, LocalFile> borrowers = new HashMap<>();

  /** Fetches all of a file's bytes to this node. */
  interface Bringer {
    void bringHere(LocalFile file) throws IOException;
  }

  BorrowedKeys(LocalNames names, ChangeJournal journal) {
    this.names = names;
    this.journal = journal;
  }

  /**
   * An object was written, or may have been. Where the file got another name meanwhile it lies
   * under a key that goes next, and not under the one that {@link #borrows} was told of.
   */
  void written(LocalFile file) throws IOException {
    names.lock.lock();
    try {
      Node node = file.node();
      Base base = file.base();
      if (base != null
          && names.file(node) == file
          && !node.isUnlinked()
          && !base.key().equals(Changes.keyOf(node))) {
        borrowers.put(base.key(), file);
        journal.put(file);
      }
    } finally {
      names.lock.unlock();
    }
  }

  /** The content of a file lies under its base's key, whatever its name is. */
  void borrows(LocalFile file) {
    names.lock.lock();
    try {
      Base base = file.base();
      if (base != null) {
        borrowers.put(base.key(), file);
      }
    } finally {
      names.lock.unlock();
    }
  }

  /**
   * Who has to be in the store before a change.
   *
   * @param file whose content lies under the key
   * @param first the change of its name
   * @param circle each of them waits for the next
   */
  record Wait(LocalFile file, NameChange first, boolean circle) {}

  /** What has to happen before {@code change} may touch its key; null for nothing. */
  @Nullable Wait before(NameChange change, String key) {
    names.lock.lock();
    try {
      LocalFile file = borrower(key, change.present());
      NameChange first = file == null ? null : nameOf(file);
      if (file == null || first == null) {
        return null;
      }
      return new Wait(file, first, leadsBack(key, file, first));
    } finally {
      names.lock.unlock();
    }
  }

  /** True where the one that is waited for waits, over whatever others, for the key itself. */
  @GuardedBy("names.lock")
  private boolean leadsBack(String key, LocalFile file, NameChange first) {
    LocalFile at = file;
    NameChange name = first;
    for (int i = 0; i < LONGEST_CIRCLE; i++) {
      String next = LocalNames.key(name);
      if (next.equals(key)) {
        return true;
      }
      LocalFile other = borrower(next, at.node());
      NameChange otherName = other == null ? null : nameOf(other);
      if (other == null || otherName == null) {
        return false;
      }
      at = other;
      name = otherName;
    }
    return false;
  }

  /** Another file than {@code present} whose content lies there. */
  @GuardedBy("names.lock")
  private @Nullable LocalFile borrower(String key, @Nullable Node present) {
    LocalFile file = borrowers.get(key);
    if (file == null || file.node() == present) {
      return null;
    }
    Base base = file.base();
    if (base == null || !base.key().equals(key) || nameOf(file) == null) {
      borrowers.remove(key, file);
      return null;
    }
    return file;
  }

  /** The change that gives a file its name; null where it has none, or the store has it. */
  @GuardedBy("names.lock")
  private @Nullable NameChange nameOf(LocalFile file) {
    Node dir = file.node().parent();
    if (dir == null || file.node().isUnlinked()) {
      return null;
    }
    NameChange change = names.change(dir, file.node().name());
    return change != null && change.isPending() && change.present() == file.node() ? change : null;
  }
}
