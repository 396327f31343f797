package io.tiermount.fs.volume;

import io.tiermount.backends.Version;
import io.tiermount.fs.tree.Node;
import java.io.IOException;

/** Before the mount is up. */
final class NobodyOpen implements OpenFiles {
  @Override
  public boolean ifClosed(Node node, Exclusive action) throws IOException {
    action.run();
    return true;
  }

  @Override
  public void reversion(Node node, Version before, Version now) {}

  @Override
  public void renamedAway(Node dir, String name) {}
}
