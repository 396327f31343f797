package io.tiermount.fs.fuse.dev;

import io.tiermount.fs.fuse.FuseTransport;
import io.tiermount.fs.fuse.TransportContract;

/** The contract, and what only /dev/fuse can do. */
class DevTransportTest extends TransportContract {
  @Override
  protected FuseTransport transport() {
    return new DevFuseTransport();
  }
}
