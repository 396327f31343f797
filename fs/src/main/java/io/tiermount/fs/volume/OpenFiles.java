package io.tiermount.fs.volume;

import io.tiermount.backends.Version;
import io.tiermount.fs.tree.Node;
import java.io.IOException;

/** What the write side has to know of, and tell, the open files of a mount. */
public interface OpenFiles {
  /** Done while nothing has the node open and nothing can open it. */
  interface Exclusive {
    void run() throws IOException;
  }

  /**
   * Runs {@code action} where the node is closed, keeping it closed until it returns.
   *
   * @return false where it is open: nothing was run
   */
  boolean ifClosed(Node node, Exclusive action) throws IOException;

  /** The same content has another version now (a copy on the server side). */
  void reversion(Node node, Version before, Version now);

  /** The name leads to another inode from here on: the kernel has to look it up again. */
  void renamedAway(Node dir, String name);
}
