package io.tiermount.fs.fuse;

import java.lang.foreign.MemorySegment;

/**
 * Answers one request, exactly once, from any thread. When {@link #reply} has returned the kernel
 * has the answer: a lock held until then orders it against later requests.
 */
public interface Replier {
  /**
   * Where the data of a {@link FuseReply.Payload} goes: at least {@code sizeBytes}, page aligned,
   * the same segment at each call. On the thread that delivers the request it costs nothing; from
   * another thread it is taken from a bounded pool, waits where that is empty, and goes back at
   * {@link #reply}.
   */
  MemorySegment payload(int sizeBytes);

  /**
   * Writes directory entries in the kernel's form into the payload, for READDIR and READDIRPLUS;
   * answer with {@code Payload(writer.sizeBytes())}.
   */
  DirectoryWriter directory(FuseRequest.ReadDir request);

  /**
   * Answers.
   *
   * @return false where nobody waits any more (interrupted, unmounted): what the answer would have
   *     handed over (a lookup count, an open handle) is then taken back by the caller
   * @throws IllegalStateException at a second answer
   */
  boolean reply(FuseReply reply);

  /**
   * The request's number, never used twice on a mount, the same when the kernel sends it again; 0
   * where the transport has none.
   */
  default long unique() {
    return 0;
  }

  /**
   * True where an earlier process took this request and ended before it had answered: it may have
   * carried it out.
   */
  default boolean isResent() {
    return false;
  }

  /** Answers with an errno. */
  default boolean fail(int errno) {
    return reply(new FuseReply.Failed(errno));
  }

  /**
   * Runs {@code action} once when the caller gives the request up (FUSE_INTERRUPT), at once where
   * it has already; typically interrupts the thread that works on it, which then answers EINTR. It
   * runs on a transport's thread and must not wait. Not after an answer has begun. Buffered READs
   * are never interrupted (the kernel reads in the background, its caller leaves by itself); at the
   * end of the mount every request under way is.
   */
  void onInterrupt(Runnable action);
}
