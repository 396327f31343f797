package io.tiermount.fs.fuse.dev;

import io.tiermount.fs.fuse.DirectoryWriter;
import io.tiermount.fs.fuse.FuseReply;
import io.tiermount.fs.fuse.FuseRequest;
import io.tiermount.fs.fuse.Replier;
import java.lang.foreign.MemorySegment;

/** For FORGET: the kernel takes no answer. */
final class NoReplier implements Replier {
  @Override
  public MemorySegment payload(int sizeBytes) {
    throw new IllegalStateException("FORGET has no answer");
  }

  @Override
  public DirectoryWriter directory(FuseRequest.ReadDir request) {
    throw new IllegalStateException("FORGET has no answer");
  }

  @Override
  public boolean reply(FuseReply reply) {
    return true;
  }

  @Override
  public void onInterrupt(Runnable action) {}
}
