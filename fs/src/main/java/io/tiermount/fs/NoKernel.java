package io.tiermount.fs;

import io.tiermount.fs.fuse.KernelCache;
import java.io.IOException;

/** Stands in until a mount is up: there is nobody to tell. */
final class NoKernel implements KernelCache {
  @Override
  public void invalidateInode(long nodeId, long offsetBytes, long lengthBytes) {}

  @Override
  public void invalidateEntry(long parent, String name) {}

  @Override
  public boolean passthrough() {
    return false;
  }

  @Override
  public String passthroughOff() {
    return "the mount is not up yet";
  }

  @Override
  public int openBacking(int fd) throws IOException {
    throw new IOException(passthroughOff());
  }

  @Override
  public void closeBacking(int id) {}
}
