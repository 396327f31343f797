package io.tiermount.fs.volume;

import io.tiermount.backends.StoreException;
import io.tiermount.backends.os.ErrnoException;
import io.tiermount.fs.tree.Node;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** One reading of a directory with what changed on this node laid over it. */
final class OverlaidWindows implements ObjectDirectory.Windows {
  private final ObjectDirectory.Windows windows;
  private final LocalNames names;
  private final Node dir;
  private final long startedAtMillis;
  private final Set<String> seen = new HashSet<>();
  private boolean end;

  /**
   * @param startedAtMillis no question to the store was asked before
   */
  OverlaidWindows(
      ObjectDirectory.Windows windows, LocalNames names, Node dir, long startedAtMillis) {
    this.windows = windows;
    this.names = names;
    this.dir = dir;
    this.startedAtMillis = startedAtMillis;
  }

  @Override
  public @Nullable List<DirEntry> next() throws StoreException {
    if (end) {
      return null;
    }
    List<DirEntry> page = windows.next();
    List<DirEntry> out = new ArrayList<>();
    if (page == null) {
      end = true;
      for (NameChange change : names.changesIn(dir)) {
        if (names.overruling(dir, change.name(), startedAtMillis) != null
            && !seen.contains(change.name())) {
          add(change, out);
        }
      }
      return out.isEmpty() ? null : out;
    }
    if (names.changesIn(dir).isEmpty()) {
      return page;
    }
    for (DirEntry entry : page) {
      NameChange change = names.overruling(dir, entry.name(), startedAtMillis);
      if (change == null) {
        out.add(entry);
      } else {
        seen.add(entry.name());
        add(change, out);
      }
    }
    return out;
  }

  private void add(NameChange change, List<DirEntry> out) throws StoreException {
    try {
      Facts facts = names.facts(change);
      if (facts != null) {
        out.add(new DirEntry(change.name(), change.segment(), facts));
      }
    } catch (ErrnoException e) {
      throw new StoreException(
          StoreException.Kind.LOCAL_IO, change.name(), String.valueOf(e.getMessage()), e);
    }
  }
}
