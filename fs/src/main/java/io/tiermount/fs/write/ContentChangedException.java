package io.tiermount.fs.write;

import java.io.IOException;

/** The file was written to or became shorter while it was read: it has to be read anew. */
final class ContentChangedException extends IOException {
  private static final long serialVersionUID = 1L;

  ContentChangedException(long offsetBytes) {
    super("the file changed at byte " + offsetBytes + " while it was sent");
  }
}
