package io.tiermount.fs.fuse.libfuse;

import io.tiermount.fs.fuse.KernelCache;
import java.io.IOException;

/** What libfuse 2 can tell the kernel: nothing. Only our own names are forgotten. */
final class LibFuseKernelCache implements KernelCache {
  private final PathNodes nodes;

  LibFuseKernelCache(PathNodes nodes) {
    this.nodes = nodes;
  }

  /** The kernel goes on with what it has until the mount's times to live end. */
  @Override
  public void invalidateInode(long nodeId, long offsetBytes, long lengthBytes) {}

  @Override
  public void invalidateEntry(long parent, String name) {
    nodes.invalidate(parent, name);
  }

  @Override
  public boolean passthrough() {
    return false;
  }

  @Override
  public String passthroughOff() {
    return "libfuse 2 has no passthrough; set fuse.transport = dev and run tiermount as root";
  }

  @Override
  public int openBacking(int fd) throws IOException {
    throw new IOException(passthroughOff());
  }

  @Override
  public void closeBacking(int id) {
    throw new IllegalStateException("there is no backing file " + id);
  }
}
