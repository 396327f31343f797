package io.tiermount.fs.fuse.dev;

import io.tiermount.backends.os.Errno;
import io.tiermount.fs.fuse.FuseHandler;
import io.tiermount.fs.fuse.FuseReply;
import io.tiermount.fs.fuse.FuseRequest;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.atomic.AtomicLongArray;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One thread that takes requests from the device and runs the handler on them. */
final class Reader implements Runnable {
  private static final Logger log = LoggerFactory.getLogger(Reader.class);
  private static final VarHandle CURRENT;

  static {
    try {
      CURRENT = MethodHandles.lookup().findVarHandle(Reader.class, "current", DevReplier.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private final Session session;
  private final FuseHandler handler;
  private final MemorySegment in = Pages.allocate(FuseWire.REQUEST_BYTES);
  private final RequestDecoder decoder = new RequestDecoder(in);
  private final NoReplier noReplier = new NoReplier();

  /** Written by this thread alone. */
  private final AtomicLongArray counts = new AtomicLongArray(FuseWire.OPCODES);

  /** Touched by this thread alone. */
  private ReplyBuffer buffer = new ReplyBuffer();

  private @Nullable Thread thread;

  /** It has a request, or is about to look whether it may take one. */
  private volatile boolean busy;

  /** What the handler is working on; other threads look here for a request to interrupt. */
  private @Nullable DevReplier current;

  Reader(Session session, FuseHandler handler) {
    this.session = session;
    this.handler = handler;
  }

  /** This reader's thread, not started yet. */
  Thread newThread(String name) {
    Thread made = Thread.ofPlatform().daemon().name(name).unstarted(this);
    thread = made;
    return made;
  }

  /** True on the reader's own thread while the handler has {@code replier}'s request. */
  boolean isDelivering(DevReplier replier) {
    return Thread.currentThread() == thread && current == replier;
  }

  /** The reader's own; only while {@link #isDelivering}. */
  ReplyBuffer buffer() {
    return buffer;
  }

  long count(int opcode) {
    return counts.getAcquire(opcode);
  }

  boolean isBusy() {
    return busy;
  }

  /** The request in the handler's hands; from any thread. */
  @Nullable DevReplier current() {
    return (DevReplier) CURRENT.getAcquire(this);
  }

  @Override
  public void run() {
    try {
      while (true) {
        long result = session.device().read(in);
        busy = true;
        if (session.device().isClosed() || session.isLeaving()) {
          // What was just read is sent again to whoever takes over.
          return;
        }
        if (result > 0) {
          take();
          busy = false;
        } else if (!goesOn((int) -result)) {
          return;
        }
      }
    } finally {
      busy = false;
      session.ended();
    }
  }

  private boolean goesOn(int errno) {
    return switch (errno) {
      // A signal, or a request that was given up before it was copied.
      case Errno.EINTR, Errno.EAGAIN, Errno.ENOENT -> true;
      // Unmounted or aborted.
      case Errno.ENODEV, Errno.ECONNABORTED -> false;
      default -> {
        log.error(
            "Reading from /dev/fuse failed with {}: this mount is given up", Errno.name(errno));
        yield false;
      }
    };
  }

  private void take() {
    int opcode = decoder.opcode();
    int counter = FuseWire.counter(opcode);
    counts.setRelease(counter, counts.getPlain(counter) + 1);
    try {
      switch (opcode) {
        case FuseWire.FORGET -> forget(decoder.nodeId(), decoder.longAt(0));
        case FuseWire.BATCH_FORGET -> {
          int count = decoder.intAt(0);
          for (int i = 0; i < count; i++) {
            forget(decoder.longAt(8 + i * 16L), decoder.longAt(16 + i * 16L));
          }
        }
        case FuseWire.INTERRUPT -> interrupt(decoder.longAt(0));
        case FuseWire.DESTROY -> answer(decoder.unique(), new FuseReply.Done());
        default -> deliver(opcode);
      }
    } catch (RuntimeException | Error e) {
      // A reader that ends silently would be a mount that hangs.
      log.error("{} failed in the transport", FuseWire.opcodeName(opcode), e);
    }
  }

  private void deliver(int opcode) {
    DevReplier replier = new DevReplier(session, this, decoder.unique(), opcode);
    // Release is enough: an interrupt that does not see it yet is asked to come again.
    CURRENT.setRelease(this, replier);
    try {
      handler.handle(decoder.decode(), replier);
    } catch (RuntimeException | Error e) {
      log.error("{} failed; the caller gets EIO", replier, e);
      replier.failIfOpen();
    } finally {
      boolean keepsBuffer = replier.handOver();
      CURRENT.setRelease(this, null);
      if (!keepsBuffer) {
        buffer = session.pool().take();
      }
    }
  }

  private void forget(long nodeId, long lookups) {
    try {
      handler.handle(new FuseRequest.Forget(nodeId, decoder.caller(), lookups), noReplier);
    } catch (RuntimeException | Error e) {
      log.error("FORGET of node {} failed", nodeId, e);
    }
  }

  /**
   * Not found means that another reader has read the request but not begun it, or that it is
   * answered already: EAGAIN makes the kernel send the interrupt again in the first case, and is
   * dropped in the second.
   */
  private void interrupt(long unique) {
    DevReplier replier = session.find(unique);
    if (replier == null) {
      answer(decoder.unique(), new FuseReply.Failed(Errno.EAGAIN));
    } else {
      replier.interrupt();
    }
  }

  private void answer(long unique, FuseReply reply) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment frame = arena.allocate(FuseWire.OUT_HEADER_BYTES, 8);
      session.device().write(frame, ReplyEncoder.encode(reply, unique, frame));
    }
  }
}
