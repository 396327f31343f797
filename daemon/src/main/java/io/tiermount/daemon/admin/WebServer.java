package io.tiermount.daemon.admin;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.timeout.ReadTimeoutHandler;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.tiermount.backends.os.Crypt;
import io.tiermount.daemon.config.AdminOptions;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.security.SecureRandom;
import java.time.InstantSource;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The status page by HTTP, where the configuration asks for one. It shows, and changes nothing:
 * orders come by the unix socket alone. Safe from any thread.
 */
public final class WebServer implements AutoCloseable {
  /** Of all connections together; more are answered with 503. */
  static final int MAX_REQUESTS = 16;

  private static final int MAX_BODY_BYTES = 16 << 10;
  private static final int REQUEST_TIMEOUT_SECONDS = 15;

  private final EventLoopGroup loop;
  private final ExecutorService requests;
  private final Channel channel;

  private WebServer(EventLoopGroup loop, ExecutorService requests, Channel channel) {
    this.loop = loop;
    this.requests = requests;
    this.channel = channel;
  }

  /**
   * Listens.
   *
   * @throws IOException where it can't, with what to do
   */
  public static WebServer start(
      AdminOptions options,
      AdminOptions.Http http,
      AdminApi api,
      Json json,
      InstantSource clock,
      SecureRandom random)
      throws IOException {
    boolean hashed = options.users().stream().anyMatch(AdminOptions.User::hashed);
    @Nullable Crypt crypt = hashed ? Crypt.load() : null;
    WebAnswers answers =
        new WebAnswers(
            api,
            json,
            new WebLogin(options, crypt, clock, random),
            new WebOrigins(options.cors(), http.host()));
    var loop =
        new MultiThreadIoEventLoopGroup(
            1, new DefaultThreadFactory("web", true), NioIoHandler.newFactory());
    ExecutorService requests =
        Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("web-", 0).factory());
    Semaphore slots = new Semaphore(MAX_REQUESTS);
    var bound =
        new ServerBootstrap()
            .group(loop)
            .channel(NioServerSocketChannel.class)
            .childHandler(
                new ChannelInitializer<Channel>() {
                  @Override
                  protected void initChannel(Channel child) {
                    child
                        .pipeline()
                        .addLast(new ReadTimeoutHandler(REQUEST_TIMEOUT_SECONDS))
                        .addLast(new HttpServerCodec())
                        .addLast(new HttpObjectAggregator(MAX_BODY_BYTES))
                        .addLast(new WebHandler(answers, requests, slots));
                  }
                })
            .bind(new InetSocketAddress(http.host(), http.port()))
            .awaitUninterruptibly();
    if (!bound.isSuccess()) {
      stop(loop, requests);
      throw new IOException(
          "the admin page can't listen on %s:%d (%s): change admin.http.host or admin.http.port"
              .formatted(http.host(), http.port(), bound.cause().getMessage()),
          bound.cause());
    }
    return new WebServer(loop, requests, bound.channel());
  }

  /** Where it listens. */
  public InetSocketAddress address() {
    return (InetSocketAddress) channel.localAddress();
  }

  @Override
  public void close() {
    channel.close().awaitUninterruptibly(1, TimeUnit.SECONDS);
    stop(loop, requests);
  }

  private static void stop(EventLoopGroup loop, ExecutorService requests) {
    requests.shutdownNow();
    loop.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly(2, TimeUnit.SECONDS);
  }
}
