package io.tiermount.fs.volume;

import io.tiermount.fs.meta.StateStore;
import java.io.IOException;
import java.util.Set;

/**
 * What a mount goes on with where an earlier process left it.
 *
 * @param resumed false where the mount is new: nobody has anything open, no request comes again
 * @param openNodes the numbers of the files that the kernel has open
 */
public record Inherited(boolean resumed, Set<Long> openNodes) {
  /** A new mount. */
  public static final Inherited NOTHING = new Inherited(false, Set.of());

  /** The staging files that are known to the journals of all mounts, for {@code Staging.sweep}. */
  public static Set<Long> journalledFiles(StateStore state) throws IOException {
    return ChangeJournal.stagingIds(state);
  }

  boolean isOpen(long nodeId) {
    return openNodes.contains(nodeId);
  }
}
