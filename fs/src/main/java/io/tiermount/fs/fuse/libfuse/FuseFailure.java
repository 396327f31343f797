package io.tiermount.fs.fuse.libfuse;

/** A request that failed with an errno; on its way to the callback that answers it. */
final class FuseFailure extends Exception {
  private static final long serialVersionUID = 1L;

  private final int errno;

  /**
   * @param errno positive
   */
  FuseFailure(int errno) {
    super("errno " + errno, null, false, false); // no stack: ENOENT is everyday
    this.errno = errno;
  }

  int errno() {
    return errno;
  }
}
