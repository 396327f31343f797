package io.tiermount.fs.write;

import java.io.IOException;
import java.nio.ByteBuffer;

/** One version of a file's content that is to be sent. Positional, safe from several threads. */
public interface PublishContent {
  long sizeBytes();

  /** As {@code ByteSource.read}. */
  int read(long offsetBytes, ByteBuffer target) throws IOException;

  /** True where no byte of the range differs from the base's same range. */
  boolean unchanged(long offsetBytes, long lengthBytes);

  /** Asked when all bytes have been read and before anything becomes visible. */
  boolean stillSame() throws IOException;
}
