package io.tiermount.daemon.admin;

import com.fasterxml.jackson.core.JsonProcessingException;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.DefaultHttpContent;
import io.netty.handler.codec.http.DefaultHttpResponse;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.timeout.ReadTimeoutException;
import io.netty.handler.timeout.ReadTimeoutHandler;
import io.tiermount.daemon.admin.AdminApi.CacheOrder;
import io.tiermount.daemon.admin.AdminApi.DropOrder;
import io.tiermount.daemon.admin.AdminApi.MountOrder;
import io.tiermount.daemon.admin.AdminApi.ProgressSink;
import io.tiermount.daemon.admin.AdminApi.SyncOrder;
import io.tiermount.daemon.admin.AdminException.Kind;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One connection, one request: every answer closes it. Fields are touched by the event loop alone.
 */
// A write or close that fails ends the connection, which channelInactive sees.
@SuppressWarnings("FutureReturnValueIgnored")
final class AdminHandler extends SimpleChannelInboundHandler<FullHttpRequest> {
  private static final Logger log = LoggerFactory.getLogger(AdminHandler.class);

  /** What {@code POST /v1/unmount} carries. */
  record UnmountOrder(String path) {}

  private final AdminApi api;
  private final Json json;
  private final ExecutorService requests;
  private final Semaphore slots;
  private final boolean allowed;
  private @Nullable Future<?> running;

  AdminHandler(
      AdminApi api, Json json, ExecutorService requests, Semaphore slots, boolean allowed) {
    this.api = api;
    this.json = json;
    this.requests = requests;
    this.slots = slots;
    this.allowed = allowed;
  }

  @Override
  protected void channelRead0(ChannelHandlerContext context, FullHttpRequest request) {
    if (running != null) {
      context.close();
      return;
    }
    context.pipeline().remove(ReadTimeoutHandler.class);
    if (!allowed) {
      fail(
          context,
          HttpResponseStatus.FORBIDDEN,
          "only root and the daemon's own user may ask: use sudo");
      return;
    }
    if (!slots.tryAcquire()) {
      fail(
          context,
          HttpResponseStatus.SERVICE_UNAVAILABLE,
          AdminServer.MAX_REQUESTS + " requests are under way: try again");
      return;
    }
    // Copied out: the request's buffer is gone once this method returns.
    HttpMethod method = request.method();
    String path = request.uri();
    String body = request.content().toString(StandardCharsets.UTF_8);
    try {
      running =
          requests.submit(() -> {
            try {
              answer(context, method, path, body);
            } finally {
              slots.release();
            }
          });
    } catch (RejectedExecutionException e) {
      slots.release();
      context.close();
    }
  }

  @Override
  public void channelInactive(ChannelHandlerContext context) {
    if (running != null) {
      running.cancel(true);
    }
    context.fireChannelInactive();
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
    if (cause instanceof ReadTimeoutException) {
      log.debug("a request did not arrive in time");
    } else {
      log.debug("a connection to the admin socket broke", cause);
    }
    context.close();
  }

  private void answer(ChannelHandlerContext context, HttpMethod method, String path, String body) {
    try {
      switch (method + " " + path) {
        case "GET /v1/status" -> send(context, HttpResponseStatus.OK, json.line(api.status()));
        case "POST /v1/mount" -> {
          MountReport report = api.mount(json.parse(body, MountOrder.class));
          send(context, HttpResponseStatus.OK, json.line(report));
        }
        case "POST /v1/unmount" -> {
          api.unmount(json.parse(body, UnmountOrder.class).path());
          send(context, HttpResponseStatus.OK, "{}");
        }
        case "POST /v1/stop" -> {
          api.stop();
          send(context, HttpResponseStatus.OK, "{}");
        }
        case "POST /v1/reload" -> send(context, HttpResponseStatus.OK, json.line(api.reload()));
        case "GET /v1/lost" -> send(context, HttpResponseStatus.OK, json.line(api.lost()));
        case "POST /v1/lost/drop" -> {
          api.drop(json.parse(body, DropOrder.class));
          send(context, HttpResponseStatus.OK, "{}");
        }
        case "POST /v1/cache" -> {
          CacheOrder order = json.parse(body, CacheOrder.class);
          stream(context, path, lines -> api.cache(order, lines));
        }
        case "POST /v1/sync" -> {
          SyncOrder order = json.parse(body, SyncOrder.class);
          stream(context, path, lines -> api.sync(order, lines));
        }
        default ->
            fail(context, HttpResponseStatus.NOT_FOUND, "no such request: " + method + " " + path);
      }
    } catch (AdminException e) {
      fail(context, HttpResponseStatus.valueOf(e.kind().status()), text(e));
    } catch (JsonProcessingException e) {
      fail(context, HttpResponseStatus.BAD_REQUEST, "the request is not valid JSON for " + path);
    } catch (RuntimeException e) {
      log.error("{} failed", path, e);
      fail(context, HttpResponseStatus.INTERNAL_SERVER_ERROR, "a defect in the daemon: " + e);
    }
  }

  /** Long work with progress. */
  private interface Work {
    Object run(ProgressSink progress) throws AdminException, InterruptedException;
  }

  private void stream(ChannelHandlerContext context, String path, Work work) {
    var head = new DefaultHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.OK);
    head.headers()
        .set(HttpHeaderNames.CONTENT_TYPE, "application/x-ndjson")
        .set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE);
    HttpUtil.setTransferEncodingChunked(head, true);
    context.writeAndFlush(head);
    ProgressLines lines =
        new ProgressLines(
            // A caller that does not read gets no progress piled up for it.
            progress -> {
              if (context.channel().isWritable()) {
                chunk(context, json.line(Map.of("progress", progress)));
              }
            });
    try {
      Object result = work.run(lines);
      lines.flush();
      chunk(context, json.line(Map.of("result", result)));
    } catch (AdminException e) {
      chunk(context, json.line(error(text(e), e.kind().name())));
    } catch (InterruptedException e) {
      chunk(context, json.line(error("the daemon is stopping", Kind.FAILED.name())));
    } catch (RuntimeException e) {
      log.error("{} failed", path, e);
      chunk(context, json.line(error("a defect in the daemon: " + e, Kind.FAILED.name())));
    }
    context
        .writeAndFlush(LastHttpContent.EMPTY_LAST_CONTENT)
        .addListener(ChannelFutureListener.CLOSE);
  }

  private void chunk(ChannelHandlerContext context, String line) {
    ByteBuf text = Unpooled.copiedBuffer(line + "\n", StandardCharsets.UTF_8);
    context.writeAndFlush(new DefaultHttpContent(text));
  }

  private void fail(ChannelHandlerContext context, HttpResponseStatus status, String message) {
    send(context, status, json.line(Map.of("error", message)));
  }

  private static Map<String, String> error(String message, String kind) {
    return Map.of("error", message, "kind", kind);
  }

  private static String text(AdminException e) {
    String message = e.getMessage();
    return message == null ? e.kind().name() : message;
  }

  private static void send(ChannelHandlerContext context, HttpResponseStatus status, String body) {
    ByteBuf content = Unpooled.copiedBuffer(body + "\n", StandardCharsets.UTF_8);
    var response = new DefaultFullHttpResponse(HttpVersion.HTTP_1_1, status, content);
    response
        .headers()
        .set(HttpHeaderNames.CONTENT_TYPE, HttpHeaderValues.APPLICATION_JSON)
        .set(HttpHeaderNames.CONTENT_LENGTH, content.readableBytes())
        .set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE);
    context.writeAndFlush(response).addListener(ChannelFutureListener.CLOSE);
  }
}
