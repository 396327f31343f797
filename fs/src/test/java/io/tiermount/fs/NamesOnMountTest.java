package io.tiermount.fs;

import io.tiermount.fs.fuse.FuseTransport;
import io.tiermount.fs.fuse.dev.DevFuseTransport;

/** SEMANTICS R1, R2, R3, R4, R5, R6, R7, R8, R9, R10, R12, R29 over /dev/fuse. */
final class NamesOnMountTest extends NamesOnMountContract {
  @Override
  FuseTransport transport() {
    return new DevFuseTransport();
  }
}
