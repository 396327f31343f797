package io.tiermount.fs.fuse.dev;

import java.lang.foreign.MemorySegment;

/**
 * Room for one answer: a page that ends with the header, then the page-aligned payload, so that an
 * answer is one write of adjacent bytes.
 */
final class ReplyBuffer {
  private final MemorySegment frame;
  private final MemorySegment payload;

  ReplyBuffer() {
    MemorySegment whole = Pages.allocate(FuseWire.PAGE_BYTES + (long) FuseWire.MAX_PAYLOAD_BYTES);
    this.frame = whole.asSlice(FuseWire.PAGE_BYTES - FuseWire.OUT_HEADER_BYTES);
    this.payload = whole.asSlice(FuseWire.PAGE_BYTES);
  }

  /** Header and payload. */
  MemorySegment frame() {
    return frame;
  }

  /** The payload, always the whole of it: a slice would cost an allocation per READ. */
  MemorySegment payload() {
    return payload;
  }
}
