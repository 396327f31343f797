package io.tiermount.fs.fuse;

import java.io.IOException;

/**
 * What a mounted transport can tell the kernel. Safe from any thread, but not while holding a lock
 * that answering a request needs (the kernel may wait for such an answer); unknown nodes are no
 * error.
 */
public interface KernelCache {
  /** Forgets attributes and the pages of a range; length 0 for attributes alone, -1 to the end. */
  void invalidateInode(long nodeId, long offsetBytes, long lengthBytes);

  /** Forgets what a name resolves to. */
  void invalidateEntry(long parent, String name);

  /** True where {@link #openBacking} works on this mount. */
  boolean passthrough();

  /** Why not, in a sentence with what to do; "" where it works. */
  String passthroughOff();

  /**
   * Registers an open file for passthrough; the descriptor may be closed afterwards.
   *
   * @throws IOException with the errno's name in the message
   */
  int openBacking(int fd) throws IOException;

  /** Ends a registration. Files opened with it keep it until their last use. */
  void closeBacking(int id);
}
