package io.tiermount.fs.fuse.libfuse;

import io.tiermount.fs.fuse.FuseTransport;
import io.tiermount.fs.fuse.TransportContract;
import java.time.Duration;

/** The contract through libfuse 2. */
final class LibFuseTransportTest extends TransportContract {
  @Override
  protected FuseTransport transport() {
    return new JnrFuseTransport(
        new LibFuseOptions(Duration.ofSeconds(60), Duration.ofSeconds(60), Duration.ZERO));
  }
}
