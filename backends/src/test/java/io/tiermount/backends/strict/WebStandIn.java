package io.tiermount.backends.strict;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.UnaryOperator;

/**
 * Stands in for the small web services that give keys: the metadata of an instance or a container,
 * STS. It answers what it was told and keeps what it was asked.
 */
public final class WebStandIn implements AutoCloseable {
  private final HttpServer server;
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final Map<String, UnaryOperator<Asked>> answers = new ConcurrentHashMap<>();
  private final List<String> requests = new ArrayList<>();

  /**
   * A request; an answer is one too, with the body alone.
   *
   * @param headers one of each name, in lower case
   */
  public record Asked(Map<String, String> headers, String body) {
    /** Answers HTTP 404. */
    public static final Asked NONE = answer("");

    /** An answer. */
    public static Asked answer(String body) {
      return new Asked(Map.of(), body);
    }
  }

  private WebStandIn(HttpServer server) {
    this.server = server;
  }

  public static WebStandIn start() throws IOException {
    HttpServer server =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 50);
    WebStandIn standIn = new WebStandIn(server);
    server.createContext("/", standIn::handle);
    server.setExecutor(standIn.threads);
    server.start();
    return standIn;
  }

  public String url() {
    return "http://127.0.0.1:" + server.getAddress().getPort();
  }

  /** Answers {@code METHOD /path} from now on; {@link Asked#NONE} is HTTP 404. */
  public void on(String methodAndPath, UnaryOperator<Asked> answer) {
    answers.put(methodAndPath, answer);
  }

  public void on(String methodAndPath, String body) {
    on(methodAndPath, _ -> Asked.answer(body));
  }

  /** One line {@code METHOD /path} for each request. */
  public List<String> requests() {
    synchronized (requests) {
      return List.copyOf(requests);
    }
  }

  private void handle(HttpExchange exchange) throws IOException {
    try (exchange) {
      String line = exchange.getRequestMethod() + " " + exchange.getRequestURI().getPath();
      synchronized (requests) {
        requests.add(line);
      }
      Map<String, String> headers = new ConcurrentHashMap<>();
      exchange
          .getRequestHeaders()
          .forEach((name, values) ->
              headers.put(name.toLowerCase(java.util.Locale.ROOT), values.getFirst()));
      String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
      UnaryOperator<Asked> answer = answers.get(line);
      Asked said = answer == null ? Asked.NONE : answer.apply(new Asked(headers, body));
      byte[] bytes = said.body().getBytes(StandardCharsets.UTF_8);
      exchange.sendResponseHeaders(
          bytes.length == 0 ? 404 : 200, bytes.length == 0 ? -1 : bytes.length);
      try (OutputStream out = exchange.getResponseBody()) {
        out.write(bytes);
      }
    }
  }

  @Override
  public void close() {
    server.stop(0);
    threads.shutdownNow();
  }
}
