package io.tiermount.fs.fuse.libfuse;

import io.tiermount.backends.os.Errno;
import io.tiermount.fs.fuse.Caller;
import io.tiermount.fs.fuse.DirectoryWriter;
import io.tiermount.fs.fuse.FuseHandler;
import io.tiermount.fs.fuse.FuseReply;
import io.tiermount.fs.fuse.FuseRequest;
import io.tiermount.fs.fuse.NodeEntry;
import io.tiermount.fs.fuse.Replier;
import java.lang.foreign.MemorySegment;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Makes requests of the file system and waits for their answers. Any thread of libfuse. */
final class PathRequests implements PathNodes.Requests {
  private static final Logger log = LoggerFactory.getLogger(PathRequests.class);

  /** FORGET comes of nobody's call. */
  private static final Caller KERNEL = new Caller(0, 0, 0);

  private final NativeFuse fuse;
  private final FuseHandler handler;
  private final PayloadPool pool = new PayloadPool();
  private final RequestCounter counter = new RequestCounter();
  private final Set<Exchange> underWay = ConcurrentHashMap.newKeySet();
  private volatile boolean abandoned;

  PathRequests(NativeFuse fuse, FuseHandler handler) {
    this.fuse = fuse;
    this.handler = handler;
  }

  Map<String, Long> counts() {
    return counter.counts();
  }

  /** Who makes the call that this thread serves. */
  Caller caller() {
    return fuse.caller();
  }

  int umask() {
    return fuse.umask();
  }

  /** A request whose answer has no payload. */
  <T extends FuseReply> T ask(Class<T> expected, FuseRequest request) throws FuseFailure {
    try (Exchange exchange = new Exchange(pool)) {
      return ask(exchange, expected, request);
    }
  }

  /** A request; its payload is valid until the exchange is closed. */
  <T extends FuseReply> T ask(Exchange exchange, Class<T> expected, FuseRequest request)
      throws FuseFailure {
    counter.count(request);
    underWay.add(exchange);
    try {
      if (abandoned) {
        throw new FuseFailure(Errno.ENOTCONN);
      }
      FuseReply reply = exchange.ask(handler, request, fuse::interrupted);
      if (!expected.isInstance(reply)) {
        log.error("The file system answered {} to {}; answering EIO", reply, request);
        throw new FuseFailure(Errno.EIO);
      }
      return expected.cast(reply);
    } finally {
      underWay.remove(exchange);
    }
  }

  Exchange exchange() {
    return new Exchange(pool);
  }

  /** For READDIR. */
  Exchange exchange(long filler, long fillerBuffer) {
    return new Exchange(pool, filler, fillerBuffer);
  }

  /** Nobody waits for what is under way, nor for what comes. */
  void abandon() {
    abandoned = true;
    underWay.forEach(Exchange::abandon);
  }

  @Override
  public NodeEntry lookup(long parent, String name, Caller caller) throws FuseFailure {
    NodeEntry entry =
        ask(FuseReply.Entry.class, new FuseRequest.Lookup(parent, caller, name)).entry();
    if (entry.nodeId() == 0) {
      throw new FuseFailure(Errno.ENOENT);
    }
    return entry;
  }

  @Override
  public void forget(long nodeId, long lookups) {
    FuseRequest request = new FuseRequest.Forget(nodeId, KERNEL, lookups);
    counter.count(request);
    try {
      handler.handle(request, new Unanswered());
    } catch (RuntimeException | Error e) {
      log.error("The file system threw at {}", request, e);
    }
  }

  /** For FORGET. */
  private static final class Unanswered implements Replier {
    @Override
    public MemorySegment payload(int sizeBytes) {
      throw new IllegalStateException("FORGET has no answer");
    }

    @Override
    public DirectoryWriter directory(FuseRequest.ReadDir request) {
      throw new IllegalStateException("FORGET has no answer");
    }

    @Override
    public boolean reply(FuseReply reply) {
      return true;
    }

    @Override
    public void onInterrupt(Runnable action) {}
  }
}
