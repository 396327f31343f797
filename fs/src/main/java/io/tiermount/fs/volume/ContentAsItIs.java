package io.tiermount.fs.volume;

import io.tiermount.fs.write.DirtyFile;
import io.tiermount.fs.write.PublishContent;
import java.io.IOException;
import java.nio.ByteBuffer;

/** Content that is published though its writer goes on: some moment of each of its parts. */
record ContentAsItIs(DirtyFile.Sending sending) implements PublishContent {
  @Override
  public long sizeBytes() {
    return sending.sizeBytes();
  }

  @Override
  public int read(long offsetBytes, ByteBuffer target) throws IOException {
    return sending.read(offsetBytes, target);
  }

  @Override
  public boolean unchanged(long offsetBytes, long lengthBytes) {
    return sending.unchanged(offsetBytes, lengthBytes);
  }

  @Override
  public boolean stillSame() {
    return true;
  }
}
