package io.tiermount.fs.fuse.libfuse;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.tiermount.backends.os.Errno;
import io.tiermount.fs.fuse.DirectoryWriter;
import io.tiermount.fs.fuse.FuseHandler;
import io.tiermount.fs.fuse.FuseReply;
import io.tiermount.fs.fuse.FuseRequest;
import io.tiermount.fs.fuse.Replier;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One request and its answer, which libfuse's thread waits for. The thread looks every {@value
 * #POLL_MILLIS} ms whether the caller has given up: libfuse 2 can only be asked.
 */
final class Exchange implements Replier, AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Exchange.class);
  private static final long POLL_MILLIS = 20;

  private final PayloadPool pool;
  private final long filler;
  private final long fillerBuffer;

  @GuardedBy("this")
  private @Nullable MemorySegment payload;

  @GuardedBy("this")
  private @Nullable FuseReply answer;

  @GuardedBy("this")
  private boolean answered;

  /** Nobody waits: the transport is being closed. */
  @GuardedBy("this")
  private boolean abandoned;

  @GuardedBy("this")
  private boolean interrupted;

  @GuardedBy("this")
  private @Nullable Runnable interruptAction;

  Exchange(PayloadPool pool) {
    this(pool, 0, 0);
  }

  /** For READDIR: libfuse's function that takes entries, and what it fills. */
  Exchange(PayloadPool pool, long filler, long fillerBuffer) {
    this.pool = pool;
    this.filler = filler;
    this.fillerBuffer = fillerBuffer;
  }

  /**
   * Asks and waits.
   *
   * @param interruptedByCaller asked on this thread
   * @return the answer; never Failed
   */
  FuseReply ask(FuseHandler handler, FuseRequest request, BooleanSupplier interruptedByCaller)
      throws FuseFailure {
    try {
      handler.handle(request, this);
    } catch (RuntimeException | Error e) {
      log.error("The file system threw at {}; answering EIO", request, e);
      answerUnlessAnswered(new FuseReply.Failed(Errno.EIO));
    }
    FuseReply reply = await(interruptedByCaller);
    if (reply instanceof FuseReply.Failed(int errno)) {
      throw new FuseFailure(errno);
    }
    return reply;
  }

  private FuseReply await(BooleanSupplier interruptedByCaller) {
    while (true) {
      Runnable action;
      synchronized (this) {
        if (answer == null && !abandoned) {
          waitForAnswer();
        }
        if (answer != null) {
          return answer;
        }
        if (abandoned) {
          return new FuseReply.Failed(Errno.ENOTCONN);
        }
        action = !interrupted && interruptedByCaller.getAsBoolean() ? interrupt() : null;
      }
      if (action != null) {
        action.run();
      }
    }
  }

  @GuardedBy("this")
  @SuppressWarnings("WaitNotInLoop") // await() is the loop, and asks more than this condition
  private void waitForAnswer() {
    try {
      TimeUnit.MILLISECONDS.timedWait(this, POLL_MILLIS);
    } catch (InterruptedException e) {
      // libfuse's thread is nobody's to interrupt; the flag must not make the next wait spin.
      log.warn("libfuse's thread was interrupted while a request was under way", e);
    }
  }

  @GuardedBy("this")
  private @Nullable Runnable interrupt() {
    interrupted = true;
    Runnable action = interruptAction;
    interruptAction = null;
    return action;
  }

  /** Lets libfuse's thread go, and whoever works on the request know. */
  void abandon() {
    Runnable action;
    synchronized (this) {
      if (answered) {
        return;
      }
      abandoned = true;
      action = interrupt();
      notifyAll();
    }
    if (action != null) {
      action.run();
    }
  }

  @Override
  public boolean reply(FuseReply reply) {
    synchronized (this) {
      if (answered) {
        throw new IllegalStateException("a request is answered once");
      }
    }
    return answerUnlessAnswered(reply);
  }

  private synchronized boolean answerUnlessAnswered(FuseReply reply) {
    if (answered) {
      return false;
    }
    answered = true;
    if (abandoned) {
      giveBack();
      return false;
    }
    answer = reply;
    notifyAll();
    return true;
  }

  @Override
  public void onInterrupt(Runnable action) {
    synchronized (this) {
      if (!interrupted) {
        interruptAction = action;
        return;
      }
    }
    action.run();
  }

  @Override
  public MemorySegment payload(int sizeBytes) {
    synchronized (this) {
      if (payload != null) {
        return payload;
      }
    }
    // Not under the lock: the pool may be empty until others are done.
    MemorySegment taken =
        sizeBytes <= PayloadPool.BUFFER_BYTES ? pool.take() : Arena.ofAuto().allocate(sizeBytes, 8);
    synchronized (this) {
      payload = taken;
    }
    return taken;
  }

  @Override
  public DirectoryWriter directory(FuseRequest.ReadDir request) {
    if (filler == 0) {
      throw new IllegalStateException("only READDIR takes directory entries");
    }
    return new FillDirectoryWriter(this, filler, fillerBuffer);
  }

  /** Runs {@code fill} while libfuse's buffer is there; false where it is gone. */
  synchronized boolean whileWaiting(BooleanSupplier fill) {
    return !answered && !abandoned && fill.getAsBoolean();
  }

  /** Ends libfuse's part. A handler that has not answered yet keeps its buffer until it does. */
  @Override
  public synchronized void close() {
    if (answered) {
      giveBack();
    }
  }

  @GuardedBy("this")
  private void giveBack() {
    if (payload != null && payload.byteSize() == PayloadPool.BUFFER_BYTES) {
      pool.give(payload);
    }
    payload = null;
  }
}
