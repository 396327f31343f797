package io.tiermount.fs.fuse.dev;

/**
 * What INIT settled for the life of a connection: all that a successor needs besides the
 * descriptor.
 *
 * @param minor of protocol 7
 * @param flags granted, bits 0 to 31
 * @param flags2 granted, bits 32 to 63
 * @param passthroughOff why there is no passthrough, "" where there is
 */
record Negotiated(int minor, int flags, int flags2, String passthroughOff) {
  boolean passthrough() {
    return passthroughOff.isEmpty();
  }
}
