package io.tiermount.backends.strict;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * One HTTP/1.1 request, read whole.
 *
 * @param path decoded, with its leading slash
 * @param query decoded, in name order; "" for a name without a value
 * @param headers lower-case names
 * @param body as it came over the wire (aws-chunked still in its frames)
 */
record WireRequest(
    String method,
    String path,
    Map<String, String> query,
    Map<String, String> headers,
    byte[] body) {
  private static final int MAX_LINE_BYTES = 64 << 10;

  @Nullable String header(String name) {
    return headers.get(name);
  }

  String header(String name, String absent) {
    return headers.getOrDefault(name, absent);
  }

  WireRequest withBody(byte[] decoded) {
    return new WireRequest(method, path, query, headers, decoded);
  }

  /** The next request of a connection, null at its end. */
  static @Nullable WireRequest read(InputStream in, OutputStream out) throws IOException {
    String start = line(in);
    if (start == null) {
      return null;
    }
    String[] words = start.split(" ", -1);
    if (words.length != 3) {
      throw new IOException("an odd request line: " + start);
    }
    Map<String, String> headers = new TreeMap<>();
    for (String line = line(in); line != null && !line.isEmpty(); line = line(in)) {
      int colon = line.indexOf(':');
      String name = line.substring(0, colon).toLowerCase(Locale.ROOT);
      headers.merge(name, line.substring(colon + 1).strip(), (a, b) -> a + "," + b);
    }
    if (headers.getOrDefault("expect", "").equalsIgnoreCase("100-continue")) {
      out.write("HTTP/1.1 100 Continue\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
      out.flush();
    }
    int question = words[1].indexOf('?');
    String rawPath = question < 0 ? words[1] : words[1].substring(0, question);
    String rawQuery = question < 0 ? "" : words[1].substring(question + 1);
    return new WireRequest(
        words[0], UrlText.decode(rawPath), parse(rawQuery), headers, body(in, headers));
  }

  private static Map<String, String> parse(String rawQuery) {
    Map<String, String> query = new TreeMap<>();
    for (String pair : rawQuery.split("&", -1)) {
      if (!pair.isEmpty()) {
        int equals = pair.indexOf('=');
        String name = equals < 0 ? pair : pair.substring(0, equals);
        query.put(
            UrlText.decode(name), equals < 0 ? "" : UrlText.decode(pair.substring(equals + 1)));
      }
    }
    return query;
  }

  private static byte[] body(InputStream in, Map<String, String> headers) throws IOException {
    if (headers.getOrDefault("transfer-encoding", "").equalsIgnoreCase("chunked")) {
      ByteArrayOutputStream body = new ByteArrayOutputStream();
      while (true) {
        String size = line(in);
        if (size == null) {
          throw new EOFException("the request ended in its body");
        }
        int count = Integer.parseInt(size.split(";", 2)[0].strip(), 16);
        body.write(exactly(in, count));
        String _ = line(in);
        if (count == 0) {
          return body.toByteArray();
        }
      }
    }
    return exactly(in, Integer.parseInt(headers.getOrDefault("content-length", "0")));
  }

  private static byte[] exactly(InputStream in, int count) throws IOException {
    byte[] bytes = in.readNBytes(count);
    if (bytes.length < count) {
      throw new EOFException("the request ended after " + bytes.length + " of " + count);
    }
    return bytes;
  }

  private static @Nullable String line(InputStream in) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(128);
    for (int next = in.read(); next != '\n'; next = in.read()) {
      if (next < 0) {
        if (bytes.size() == 0) {
          return null;
        }
        throw new EOFException("the request ended within a line");
      }
      if (bytes.size() > MAX_LINE_BYTES) {
        throw new IOException("a request line longer than " + MAX_LINE_BYTES);
      }
      bytes.write(next);
    }
    return bytes.toString(StandardCharsets.UTF_8).stripTrailing();
  }
}
