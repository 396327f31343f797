package io.tiermount.fs.fuse;

/** What a transport delivers to. */
public interface FuseHandler {
  /**
   * Takes one request and answers it, at once or later from another thread. Called on the
   * transport's reader threads, from several at once: anything that may wait on a store moves to
   * another thread. It must not throw; a transport answers EIO where it does and logs it.
   */
  void handle(FuseRequest request, Replier replier);

  /**
   * The mount is up; comes before {@code start} returns, and before the first request if it can.
   */
  default void connected(KernelCache kernel) {}

  /** The mount is gone (umount, abort); no request follows. Called once. */
  void destroyed();
}
