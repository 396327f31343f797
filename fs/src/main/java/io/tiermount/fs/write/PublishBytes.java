package io.tiermount.fs.write;

import java.io.IOException;
import java.nio.ByteBuffer;

/** A file that is still being written. Safe from several threads. */
@FunctionalInterface
public interface PublishBytes {
  /** Its bytes as they are now, as {@code ByteSource.read}. */
  int read(long offsetBytes, ByteBuffer target) throws IOException;
}
