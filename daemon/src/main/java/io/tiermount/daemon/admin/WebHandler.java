package io.tiermount.daemon.admin;

import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.QueryStringDecoder;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.Semaphore;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One connection, one request: every answer closes it. */
// A write or close that fails ends the connection.
@SuppressWarnings("FutureReturnValueIgnored")
final class WebHandler extends SimpleChannelInboundHandler<FullHttpRequest> {
  private static final Logger log = LoggerFactory.getLogger(WebHandler.class);
  private static final String TEXT = "text/plain; charset=utf-8";

  private final WebAnswers answers;
  private final ExecutorService requests;
  private final Semaphore slots;
  private boolean asked;

  WebHandler(WebAnswers answers, ExecutorService requests, Semaphore slots) {
    this.answers = answers;
    this.requests = requests;
    this.slots = slots;
  }

  @Override
  protected void channelRead0(ChannelHandlerContext context, FullHttpRequest request) {
    if (asked) {
      context.close();
      return;
    }
    asked = true;
    if (!request.decoderResult().isSuccess()) {
      send(context, WebAnswers.plain(HttpResponseStatus.BAD_REQUEST, TEXT, "not HTTP\n"));
      return;
    }
    if (!slots.tryAcquire()) {
      send(
          context,
          WebAnswers.plain(HttpResponseStatus.SERVICE_UNAVAILABLE, TEXT, "busy: try again\n"));
      return;
    }
    WebAnswers.Asked copied =
        new WebAnswers.Asked(
            request.method(),
            new QueryStringDecoder(request.uri()).path(),
            request.headers().copy(),
            request.content().toString(StandardCharsets.UTF_8));
    try {
      requests.submit(() -> {
        try {
          send(context, answers.answer(copied));
        } catch (RuntimeException e) {
          log.error("{} could not be answered", copied.path(), e);
          send(
              context,
              WebAnswers.plain(
                  HttpResponseStatus.INTERNAL_SERVER_ERROR, TEXT, "a defect: see the log\n"));
        } finally {
          slots.release();
        }
      });
    } catch (RejectedExecutionException e) {
      slots.release();
      context.close();
    }
  }

  private static void send(ChannelHandlerContext context, FullHttpResponse answer) {
    context.writeAndFlush(answer).addListener(ChannelFutureListener.CLOSE);
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
    log.debug("a connection to the admin page broke", cause);
    context.close();
  }
}
