package io.tiermount.daemon.admin;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerDomainSocketChannel;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.timeout.ReadTimeoutHandler;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * Serves an {@link AdminApi} as HTTP/1.1 with JSON on a unix socket, mode 0600, to root and the
 * daemon's own user. One event-loop thread; requests run on virtual threads, at most {@value
 * #MAX_REQUESTS} at once (more are answered 503). {@code GET /v1/status}, {@code POST /v1/mount},
 * {@code /v1/unmount}, and {@code /v1/cache}, {@code /v1/sync}, whose answer is a stream of JSON
 * lines: {@code {"progress":…}} and, last, {@code {"result":…}} or {@code {"error":…}}.
 */
public final class AdminServer implements AutoCloseable {
  static final int MAX_REQUESTS = 64;

  /** A mount's options fit many times over. */
  private static final int MAX_BODY_BYTES = 1 << 20;

  /** For the request to arrive in full; long answers are not affected. */
  private static final int REQUEST_TIMEOUT_SECONDS = 30;

  private static final int LAST_ANSWERS_SECONDS = 3;

  private final Path socket;
  private final EventLoopGroup loop;
  private final ExecutorService requests;
  private final Channel channel;

  private AdminServer(Path socket, EventLoopGroup loop, ExecutorService requests, Channel channel) {
    this.socket = socket;
    this.loop = loop;
    this.requests = requests;
    this.channel = channel;
  }

  /**
   * Listens. The caller holds the cache directory's lock, so that a socket already there is a dead
   * daemon's and is replaced.
   *
   * @param socket in a directory that only we can enter
   */
  public static AdminServer start(Path socket, AdminApi api, Json json) throws IOException {
    Files.deleteIfExists(socket);
    var loop =
        new MultiThreadIoEventLoopGroup(
            1, new DefaultThreadFactory("admin", true), NioIoHandler.newFactory());
    ExecutorService requests =
        Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("admin-", 0).factory());
    try {
      Semaphore slots = new Semaphore(MAX_REQUESTS);
      Path directory = socket.toAbsolutePath().getParent();
      PeerCheck peers = new PeerCheck(directory == null ? Path.of(".") : directory);
      Channel channel =
          new ServerBootstrap()
              .group(loop)
              .channel(NioServerDomainSocketChannel.class)
              .childHandler(
                  new ChannelInitializer<Channel>() {
                    @Override
                    protected void initChannel(Channel child) {
                      child
                          .pipeline()
                          .addLast(new ReadTimeoutHandler(REQUEST_TIMEOUT_SECONDS))
                          .addLast(new HttpServerCodec())
                          .addLast(new HttpObjectAggregator(MAX_BODY_BYTES))
                          .addLast(
                              new AdminHandler(api, json, requests, slots, peers.allowed(child)));
                    }
                  })
              .bind(UnixDomainSocketAddress.of(socket))
              .sync()
              .channel();
      Files.setPosixFilePermissions(socket, PosixFilePermissions.fromString("rw-------"));
      return new AdminServer(socket, loop, requests, channel);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      stop(loop, requests);
      throw new IOException("interrupted while opening " + socket, e);
    } catch (IOException | RuntimeException e) {
      stop(loop, requests);
      throw e;
    }
  }

  /** Where it listens. */
  public Path socket() {
    return socket;
  }

  /**
   * Stops listening; what is under way is answered, since it may be what ended the daemon, or is
   * interrupted after {@value #LAST_ANSWERS_SECONDS} s. The socket file stays to be withdrawn.
   */
  @Override
  public void close() {
    if (loop.isShuttingDown()) {
      return;
    }
    channel.close().awaitUninterruptibly(1, TimeUnit.SECONDS);
    requests.shutdown();
    try {
      boolean _ = requests.awaitTermination(LAST_ANSWERS_SECONDS, TimeUnit.SECONDS);
      // A loop that ends closes its connections before it carries out what waits in its queue.
      boolean _ = loop.submit(() -> {}).await(1, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    stop(loop, requests);
  }

  private static void stop(EventLoopGroup loop, ExecutorService requests) {
    requests.shutdownNow();
    loop.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly(2, TimeUnit.SECONDS);
  }
}
