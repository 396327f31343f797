package io.tiermount.daemon.admin;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import io.tiermount.daemon.admin.AdminApi.CacheOrder;
import io.tiermount.daemon.admin.AdminApi.CacheResult;
import io.tiermount.daemon.admin.AdminApi.DropOrder;
import io.tiermount.daemon.admin.AdminApi.MountOrder;
import io.tiermount.daemon.admin.AdminApi.Progress;
import io.tiermount.daemon.admin.AdminApi.ProgressSink;
import io.tiermount.daemon.admin.AdminApi.SyncOrder;
import io.tiermount.daemon.admin.AdminApi.SyncResult;
import io.tiermount.daemon.admin.AdminException.Kind;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * Asks one daemon. Plain blocking I/O of the JDK on purpose: a command lives for a quarter of a
 * second, and loading netty would be most of it. Every call ends within its deadline, except {@link
 * #cache} and {@link #sync}, which end when the daemon does or is done. Not for use by several
 * threads at once.
 */
public final class AdminClient {
  private final Path socket;
  private final Json json;

  public AdminClient(Path socket, Json json) {
    this.socket = socket;
    this.json = json;
  }

  /** The daemon as {@link DaemonReport} writes it. */
  public JsonNode status(Duration deadline) throws AdminException, IOException {
    return within(deadline, () -> call("GET", "/v1/status", ""));
  }

  /** The mount as {@link MountReport} writes it, once it answers. */
  public JsonNode mount(MountOrder order, Duration deadline) throws AdminException, IOException {
    return within(deadline, () -> call("POST", "/v1/mount", json.line(order)));
  }

  /** Drains and unmounts. */
  public void unmount(String path, Duration deadline) throws AdminException, IOException {
    String body = json.line(new AdminHandler.UnmountOrder(path));
    within(deadline, () -> call("POST", "/v1/unmount", body));
  }

  /** Begins a real stop of the daemon. */
  public void stop(Duration deadline) throws AdminException, IOException {
    within(deadline, () -> call("POST", "/v1/stop", ""));
  }

  /** What the daemon did for it, as {@link ReloadReport} writes it. */
  public JsonNode reload(Duration deadline) throws AdminException, IOException {
    return within(deadline, () -> call("POST", "/v1/reload", ""));
  }

  /** {@link AdminApi.LostFiles} as it is written. */
  public JsonNode lost(Duration deadline) throws AdminException, IOException {
    return within(deadline, () -> call("GET", "/v1/lost", ""));
  }

  /** Deletes what was kept, for good. */
  public void drop(DropOrder order, Duration deadline) throws AdminException, IOException {
    within(deadline, () -> call("POST", "/v1/lost/drop", json.line(order)));
  }

  /** Long work, with its progress; the daemon gives it up when this client ends. */
  public CacheResult cache(CacheOrder order, ProgressSink progress)
      throws AdminException, IOException {
    return stream("/v1/cache", order, CacheResult.class, progress);
  }

  /** Waits for the store; ends as {@link #cache} does. */
  public SyncResult sync(SyncOrder order, ProgressSink progress)
      throws AdminException, IOException {
    return stream("/v1/sync", order, SyncResult.class, progress);
  }

  private <T> T stream(String path, Object order, Class<T> result, ProgressSink progress)
      throws AdminException, IOException {
    try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
      HttpAnswer answer = send(channel, "POST", path, json.line(order));
      if (answer.status() != 200) {
        throw refused(answer.status(), answer.rest());
      }
      for (@Nullable String line = answer.line(); line != null; line = answer.line()) {
        JsonNode node = json.parse(line);
        if (node.has("progress")) {
          progress.report(json.parse(node.get("progress").toString(), Progress.class));
        } else if (node.has("result")) {
          return json.parse(node.get("result").toString(), result);
        } else {
          throw new AdminException(
              Kind.valueOf(node.path("kind").asText(Kind.FAILED.name())),
              node.path("error").asText());
        }
      }
      throw new IOException("the daemon ended before the work did: start it and try again");
    }
  }

  private JsonNode call(String method, String path, String body)
      throws AdminException, IOException {
    try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
      HttpAnswer answer = send(channel, method, path, body);
      String text = answer.rest();
      if (answer.status() != 200) {
        throw refused(answer.status(), text);
      }
      return json.parse(text);
    }
  }

  private static HttpAnswer send(SocketChannel channel, String method, String path, String body)
      throws IOException {
    byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
    String head =
        "%s %s HTTP/1.1\r\nHost: tiermount\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
            .formatted(method, path, bytes.length);
    ByteBuffer request = ByteBuffer.allocate(head.length() + bytes.length);
    request.put(head.getBytes(StandardCharsets.US_ASCII)).put(bytes).flip();
    while (request.hasRemaining()) {
      int _ = channel.write(request);
    }
    InputStream in = new BufferedInputStream(Channels.newInputStream(channel));
    return HttpAnswer.read(in);
  }

  private AdminException refused(int status, String body) {
    Kind kind = Kind.FAILED;
    for (Kind each : Kind.values()) {
      if (each.status() == status) {
        kind = each;
      }
    }
    try {
      return new AdminException(kind, json.parse(body).path("error").asText(body));
    } catch (JsonProcessingException e) {
      return new AdminException(kind, "the daemon answered " + status + ": " + body, e);
    }
  }

  private interface Call<T> {
    T run() throws AdminException, IOException;
  }

  /** Blocking reads of a unix socket have no time-out of their own: a thread and a deadline do. */
  private <T> T within(Duration deadline, Call<T> call) throws AdminException, IOException {
    FutureTask<T> task = new FutureTask<>(call::run);
    Thread thread = Thread.ofPlatform().daemon().name("admin-client").start(task);
    try {
      return task.get(deadline.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      thread.interrupt();
      throw new AdminException(
          Kind.TIMEOUT,
          "the daemon behind %s did not answer within %d s: see its log"
              .formatted(socket, deadline.toSeconds()),
          e);
    } catch (InterruptedException e) {
      thread.interrupt();
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    } catch (ExecutionException e) {
      switch (e.getCause()) {
        case AdminException admin -> throw admin;
        case IOException io -> throw io;
        case null, default -> throw new IllegalStateException(e.getCause());
      }
    }
  }
}
