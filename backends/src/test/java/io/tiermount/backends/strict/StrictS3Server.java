package io.tiermount.backends.strict;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * An S3 server for tests: path style, SigV4 verified, conditional writes, multipart, copies. It
 * refuses what real servers let pass, breaks where the {@link FaultPlan} says so, and keeps one
 * line per request:
 *
 * <pre>
 * METHOD /bucket/key[?query] [range] [if-match] [if-none-match] [copy=/bucket/key]
 * </pre>
 *
 * all decoded, the query without {@code encoding-type} and {@code x-id}. It speaks over plain
 * sockets, because no HTTP library lets a test reset a connection or stall within a body.
 */
public final class StrictS3Server implements AutoCloseable {
  private final StrictS3Options options;
  private final ServerSocket listener;
  private final StrictS3Service service;
  private final FaultPlan faults = new FaultPlan();
  private final List<String> requests = new ArrayList<>();
  private final Set<Socket> connections = ConcurrentHashMap.newKeySet();
  private final CountDownLatch closed = new CountDownLatch(1);

  private StrictS3Server(StrictS3Options options, ServerSocket listener) {
    this.options = options;
    this.listener = listener;
    this.service = new StrictS3Service(options);
  }

  public static StrictS3Server start() throws IOException {
    return start(StrictS3Options.DEFAULTS, 0);
  }

  public static StrictS3Server start(StrictS3Options options) throws IOException {
    return start(options, 0);
  }

  /** Listens on 127.0.0.1; port 0 takes a free one. */
  public static StrictS3Server start(StrictS3Options options, int port) throws IOException {
    InetAddress loopback = InetAddress.getLoopbackAddress();
    ServerSocket listener =
        options.tls() == null
            ? new ServerSocket(port, 128, loopback)
            : options.tls().getServerSocketFactory().createServerSocket(port, 128, loopback);
    StrictS3Server server = new StrictS3Server(options, listener);
    Thread.ofVirtual().name("strict-s3").start(server::accept);
    return server;
  }

  public URI endpoint() {
    String scheme = options.tls() == null ? "http" : "https";
    return URI.create(scheme + "://127.0.0.1:" + listener.getLocalPort());
  }

  public StrictS3Options options() {
    return options;
  }

  public FaultPlan faults() {
    return faults;
  }

  /** Whom it lets in: at first the one of its options. */
  public StrictKeys keys() {
    return service.keys();
  }

  public void createBucket(String name) {
    service.createBucket(name);
  }

  /** One line for each request since the start or the last {@link #drain}. */
  public List<String> requests() {
    synchronized (requests) {
      return List.copyOf(requests);
    }
  }

  public List<String> drain() {
    synchronized (requests) {
      List<String> all = List.copyOf(requests);
      requests.clear();
      return all;
    }
  }

  private void accept() {
    while (!listener.isClosed()) {
      try {
        Socket connection = listener.accept();
        connections.add(connection);
        Thread.ofVirtual().start(() -> serve(connection));
      } catch (IOException e) {
        return; // closed
      }
    }
  }

  private void serve(Socket connection) {
    try (connection) {
      connection.setTcpNoDelay(true);
      InputStream in = new BufferedInputStream(connection.getInputStream(), 64 << 10);
      OutputStream out = connection.getOutputStream();
      while (true) {
        WireRequest request = WireRequest.read(in, out);
        if (request == null || !answer(connection, out, request)) {
          return;
        }
      }
    } catch (IOException e) {
      // The client went away, or a fault broke the connection: nobody is left to tell.
    } finally {
      connections.remove(connection);
    }
  }

  private boolean answer(Socket connection, OutputStream out, WireRequest request)
      throws IOException {
    String line = line(request);
    synchronized (requests) {
      requests.add(line);
    }
    Fault fault = faults.take(line);
    return switch (fault) {
      case null -> send(out, respond(request), Integer.MAX_VALUE);
      case Fault.Status(int status, String code) ->
          send(
              out,
              forMethod(request, new S3Refusal(status, code, "planned").response()),
              Integer.MAX_VALUE);
      case Fault.Reset _ -> reset(connection);
      case Fault.LoseAnswer _ -> {
        WireResponse _ = respond(request);
        yield reset(connection);
      }
      case Fault.Stall _ -> {
        WireResponse _ = respond(request);
        yield stall();
      }
      case Fault.StallBody(int afterBytes) -> {
        boolean _ = send(out, respond(request), afterBytes);
        yield stall();
      }
      case Fault.Truncate(int afterBytes) -> {
        boolean _ = send(out, respond(request), afterBytes);
        yield false;
      }
      case Fault.Corrupt _ -> {
        WireResponse good = respond(request);
        byte[] bad = good.body().clone();
        if (bad.length > 0) {
          bad[bad.length / 2] ^= 1;
        }
        yield send(
            out,
            new WireResponse(good.status(), good.headers(), bad, good.declaredBytes()),
            Integer.MAX_VALUE);
      }
      case Fault.Drip drip -> drip(out, respond(request), drip);
    };
  }

  private WireResponse respond(WireRequest request) {
    return forMethod(request, service.respond(request));
  }

  private static WireResponse forMethod(WireRequest request, WireResponse response) {
    return request.method().equals("HEAD") ? response.head() : response;
  }

  private static boolean send(OutputStream out, WireResponse response, int bytes)
      throws IOException {
    byte[] head = response.headBytes(now());
    int count = Math.min(bytes, response.body().length);
    byte[] all = new byte[head.length + count];
    System.arraycopy(head, 0, all, 0, head.length);
    System.arraycopy(response.body(), 0, all, head.length, count);
    out.write(all);
    out.flush();
    return true;
  }

  private static boolean drip(OutputStream out, WireResponse response, Fault.Drip drip)
      throws IOException {
    out.write(response.headBytes(now()));
    byte[] body = response.body();
    int piece = Math.max(1, (body.length + drip.pieces() - 1) / drip.pieces());
    for (int at = 0; at < body.length; at += piece) {
      LockSupport.parkNanos(drip.pause().toNanos());
      out.write(body, at, Math.min(piece, body.length - at));
      out.flush();
    }
    return true;
  }

  private static boolean reset(Socket connection) throws IOException {
    connection.setSoLinger(true, 0); // close sends RST
    return false;
  }

  private boolean stall() {
    try {
      boolean _ = closed.await(10, TimeUnit.MINUTES);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return false;
  }

  private static String now() {
    return DateTimeFormatter.RFC_1123_DATE_TIME.format(ZonedDateTime.now(ZoneOffset.UTC));
  }

  private static String line(WireRequest request) {
    StringBuilder line = new StringBuilder(request.method()).append(' ').append(request.path());
    char separator = '?';
    for (Map.Entry<String, String> entry : request.query().entrySet()) {
      String name = entry.getKey();
      if (!name.equals("encoding-type") && !name.equals("x-id")) {
        line.append(separator).append(name);
        if (!entry.getValue().isEmpty()) {
          line.append('=').append(entry.getValue());
        }
        separator = '&';
      }
    }
    append(line, " ", request.header("range"));
    append(line, " if-match", request.header("if-match") == null ? null : "");
    append(line, " if-none-match", request.header("if-none-match") == null ? null : "");
    String source = request.header("x-amz-copy-source");
    append(line, " copy=/", source == null ? null : UrlText.decode(source));
    return line.toString();
  }

  private static void append(StringBuilder line, String before, @Nullable String value) {
    if (value != null) {
      line.append(before).append(value);
    }
  }

  /** Breaks all connections; calls under way see a reset. */
  @Override
  public void close() throws IOException {
    closed.countDown();
    listener.close();
    for (Socket connection : connections) {
      connection.close();
    }
  }

  /** {@code StrictS3Server PORT BUCKET…}: serves until it is killed; prints endpoint and keys. */
  // The one program here that speaks to a terminal.
  @SuppressWarnings("SystemOut")
  public static void main(String[] args) throws Exception {
    int port = args.length > 0 ? Integer.parseInt(args[0]) : 0;
    try (StrictS3Server server = start(StrictS3Options.DEFAULTS, port)) {
      for (int i = 1; i < args.length; i++) {
        server.createBucket(args[i]);
      }
      System.out.println(
          server.endpoint() + " " + server.options.accessKey() + " " + server.options.secretKey());
      server.closed.await();
    }
  }
}
