package io.tiermount.fs.volume;

import io.tiermount.backends.StoreException;
import io.tiermount.fs.tree.Node;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One reading of a directory below one whose rename is under way: read under the old prefix until
 * all is copied, under the new one from then on, since the old keys go. No name is given twice.
 */
final class MovingWindows implements ObjectDirectory.Windows {
  private final Node dir;
  private final Listing listing;
  private final Set<String> given = new HashSet<>();
  private String prefix;
  private ObjectDirectory.Windows windows;

  /** Begins a listing of a prefix. */
  private interface Listing {
    ObjectDirectory.Windows of(String prefix);
  }

  /** A plain listing where no rename is under way; nothing where the store's is not to be seen. */
  static ObjectDirectory.Windows of(
      DirectoryMoves moves, Listings listings, Node dir, long maxAgeMillis) {
    if (moves.hides(dir)) {
      return () -> null;
    }
    Listing listing = prefix -> listings.open(dir.id(), prefix, maxAgeMillis);
    return LocalNames.isMoved(dir)
        ? new MovingWindows(dir, listing)
        : listing.of(LocalNames.storeKey(dir));
  }

  private MovingWindows(Node dir, Listing listing) {
    this.dir = dir;
    this.listing = listing;
    prefix = LocalNames.storeKey(dir);
    windows = listing.of(prefix);
  }

  @Override
  public @Nullable List<DirEntry> next() throws StoreException {
    while (true) {
      List<DirEntry> page = windows.next();
      String now = LocalNames.storeKey(dir);
      if (!now.equals(prefix)) {
        prefix = now;
        windows = listing.of(prefix);
        continue;
      }
      return page == null ? null : page.stream().filter(e -> given.add(e.name())).toList();
    }
  }
}
