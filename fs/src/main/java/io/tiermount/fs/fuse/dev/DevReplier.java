package io.tiermount.fs.fuse.dev;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.tiermount.backends.os.Errno;
import io.tiermount.fs.fuse.DirectoryWriter;
import io.tiermount.fs.fuse.FuseReply;
import io.tiermount.fs.fuse.FuseRequest;
import io.tiermount.fs.fuse.Replier;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The answer to one request. Made per request: a reader's buffers are used again, this is not, so
 * that a second answer is noticed instead of reaching a later request.
 */
final class DevReplier implements Replier {
  private static final Logger log = LoggerFactory.getLogger(DevReplier.class);

  private final Session session;
  private final Reader reader;
  private final long unique;
  private final int opcode;
  private final long sinceNanos = System.nanoTime();

  @GuardedBy("this")
  private boolean claimed;

  @GuardedBy("this")
  private boolean finished;

  @GuardedBy("this")
  private boolean registered;

  @GuardedBy("this")
  private boolean interrupted;

  /** The watchdog has given it up. */
  @GuardedBy("this")
  private boolean ended;

  @GuardedBy("this")
  private @Nullable Runnable onInterrupt;

  @GuardedBy("this")
  private @Nullable ReplyBuffer buffer;

  /** The buffer is ours to give back to the pool; false while it is the reader's own. */
  @GuardedBy("this")
  private boolean pooled;

  DevReplier(Session session, Reader reader, long unique, int opcode) {
    this.session = session;
    this.reader = reader;
    this.unique = unique;
    this.opcode = opcode;
  }

  /** As the kernel sent it. */
  long rawUnique() {
    return unique;
  }

  @Override
  public long unique() {
    return unique & ~FuseWire.UNIQUE_RESENT;
  }

  @Override
  public boolean isResent() {
    return (unique & FuseWire.UNIQUE_RESENT) != 0;
  }

  @Override
  public MemorySegment payload(int sizeBytes) {
    if (sizeBytes < 0 || sizeBytes > FuseWire.MAX_PAYLOAD_BYTES) {
      throw new IllegalArgumentException(
          "payload of " + sizeBytes + " bytes; at most " + FuseWire.MAX_PAYLOAD_BYTES);
    }
    synchronized (this) {
      checkOpen();
      if (buffer != null) {
        return buffer.payload();
      }
      if (reader.isDelivering(this)) {
        buffer = reader.buffer();
        return buffer.payload();
      }
    }
    // May wait: not under the lock, an interrupt must get through meanwhile.
    ReplyBuffer taken = session.pool().take();
    synchronized (this) {
      if (buffer == null && !finished) {
        buffer = taken;
        pooled = true;
        return taken.payload();
      }
    }
    session.pool().give(taken);
    return payload(sizeBytes);
  }

  @Override
  public DirectoryWriter directory(FuseRequest.ReadDir request) {
    int limitBytes = Math.min(request.sizeBytes(), FuseWire.MAX_PAYLOAD_BYTES);
    return new DevDirectoryWriter(payload(limitBytes), limitBytes, request.plus());
  }

  @Override
  public boolean reply(FuseReply given) {
    ReplyBuffer target;
    FuseReply reply;
    synchronized (this) {
      // Its caller was not interrupted, and must not be told so.
      boolean givenUp = ended && given.equals(new FuseReply.Failed(Errno.EINTR));
      reply = givenUp ? new FuseReply.Failed(Errno.EIO) : given;
      checkOpen();
      target = buffer == null && reader.isDelivering(this) ? reader.buffer() : buffer;
      if (reply instanceof FuseReply.Payload payload && payload.sizeBytes() > 0 && buffer == null) {
        throw new IllegalStateException("a payload answer without payload(): " + this);
      }
      claimed = true;
      onInterrupt = null;
    }
    try {
      if (target != null) {
        return send(reply, target.frame());
      }
      try (Arena arena = Arena.ofConfined()) {
        int lengthBytes = FuseWire.OUT_HEADER_BYTES + ReplyEncoder.bodyBytes(reply);
        return send(reply, arena.allocate(lengthBytes, 8));
      }
    } finally {
      finish();
    }
  }

  private boolean send(FuseReply reply, MemorySegment frame) {
    int lengthBytes;
    try {
      lengthBytes = ReplyEncoder.encode(reply, unique, frame);
    } catch (IndexOutOfBoundsException e) {
      // Whoever waits must not wait for ever because of our mistake.
      log.error("{} was answered with more than fits; the caller gets EIO", this, e);
      lengthBytes = ReplyEncoder.encode(new FuseReply.Failed(Errno.EIO), unique, frame);
    }
    long result = session.device().write(frame, lengthBytes);
    if (result < 0 && result != -Errno.ENOENT && result != -Errno.ENODEV) {
      log.error("The kernel refused the answer to {}: {}", this, Errno.name((int) -result));
    }
    return result == lengthBytes;
  }

  private void finish() {
    ReplyBuffer giveBack = null;
    synchronized (this) {
      finished = true;
      if (registered) {
        session.inFlight().remove(unique, this);
      }
      if (pooled) {
        giveBack = buffer;
      }
      buffer = null;
    }
    if (giveBack != null) {
      session.pool().give(giveBack);
    }
  }

  /**
   * The handler has returned. What is not answered yet becomes findable by its unique, and keeps
   * the reader's buffer where it has begun to fill it.
   *
   * @return false where the reader needs another buffer
   */
  synchronized boolean handOver() {
    if (finished) {
      return true;
    }
    registered = true;
    session.inFlight().put(unique, this);
    if (buffer != null && !pooled) {
      pooled = true;
      return false;
    }
    return true;
  }

  /** Answers EIO unless an answer is under way. */
  void failIfOpen() {
    boolean open;
    synchronized (this) {
      open = !claimed;
    }
    if (open) {
      try {
        fail(Errno.EIO);
      } catch (IllegalStateException e) {
        log.debug("{} was answered in this very moment", this);
      }
    }
  }

  @Override
  public synchronized void onInterrupt(Runnable action) {
    if (claimed) {
      return;
    }
    if (interrupted) {
      action.run();
    } else {
      onInterrupt = action;
    }
  }

  /** Under the lock: once an answer is claimed no action may hit a thread that has moved on. */
  synchronized void interrupt() {
    if (claimed || interrupted) {
      return;
    }
    interrupted = true;
    if (onInterrupt != null) {
      onInterrupt.run();
    }
  }

  /** True while nobody has begun to answer, and for longer than since then. */
  synchronized boolean isOpenSince(long nanos) {
    return !claimed && sinceNanos - nanos < 0;
  }

  /**
   * Gives it up: its handler is interrupted, its caller gets EIO.
   *
   * @return false where that was done before, or it is being answered
   */
  synchronized boolean end() {
    if (claimed || ended) {
      return false;
    }
    ended = true;
    interrupt();
    return true;
  }

  @GuardedBy("this")
  private void checkOpen() {
    if (claimed) {
      throw new IllegalStateException("answered twice: " + this);
    }
  }

  @Override
  public String toString() {
    return FuseWire.opcodeName(opcode) + " request " + Long.toUnsignedString(unique);
  }
}
