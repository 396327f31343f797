package io.tiermount.daemon.admin;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * The part of an HTTP/1.1 answer (RFC 9112) that our own server sends: a status line, headers, and
 * a body of known length or in chunks.
 */
final class HttpAnswer {
  private static final int MAX_LINE_BYTES = 16 << 20;

  private final InputStream in;
  private final int status;
  private final boolean chunked;

  /** Bytes left of the body, or of the current chunk. */
  private long left;

  private boolean ended;

  private HttpAnswer(InputStream in, int status, boolean chunked, long lengthBytes) {
    this.in = in;
    this.status = status;
    this.chunked = chunked;
    this.left = lengthBytes;
  }

  /** Reads up to the body. */
  static HttpAnswer read(InputStream in) throws IOException {
    String[] first = headLine(in).split(" ", 3);
    if (first.length < 2 || !first[0].startsWith("HTTP/1.")) {
      throw new IOException("not an answer of a tiermount daemon: " + first[0]);
    }
    boolean chunked = false;
    long lengthBytes = 0;
    for (String header = headLine(in); !header.isEmpty(); header = headLine(in)) {
      int colon = header.indexOf(':');
      String name = header.substring(0, Math.max(0, colon)).toLowerCase(Locale.ROOT);
      String value = header.substring(colon + 1).strip();
      if (name.equals("content-length")) {
        lengthBytes = Long.parseLong(value);
      } else if (name.equals("transfer-encoding")) {
        chunked = value.equalsIgnoreCase("chunked");
      }
    }
    return new HttpAnswer(in, Integer.parseInt(first[1]), chunked, lengthBytes);
  }

  int status() {
    return status;
  }

  /** The next line of the body; null at its end. */
  @Nullable String line() throws IOException {
    var line = new ByteArrayOutputStream();
    for (int b = next(); b >= 0; b = next()) {
      if (b == '\n') {
        return line.toString(StandardCharsets.UTF_8);
      }
      if (line.size() >= MAX_LINE_BYTES) {
        throw new IOException("the daemon's answer has a line over " + MAX_LINE_BYTES + " bytes");
      }
      line.write(b);
    }
    return line.size() == 0 ? null : line.toString(StandardCharsets.UTF_8);
  }

  /** All that is left of the body. */
  String rest() throws IOException {
    var body = new ByteArrayOutputStream();
    for (int b = next(); b >= 0; b = next()) {
      body.write(b);
    }
    return body.toString(StandardCharsets.UTF_8);
  }

  private int next() throws IOException {
    while (left == 0) {
      if (!chunked || ended) {
        return -1;
      }
      String size = headLine(in);
      left = Long.parseLong(size, 16);
      if (left == 0) {
        ended = true;
        return -1;
      }
    }
    int b = in.read();
    if (b < 0) {
      throw new EOFException("the daemon hung up in the middle of its answer: see its log");
    }
    left--;
    if (left == 0 && chunked) {
      String _ = headLine(in);
    }
    return b;
  }

  private static String headLine(InputStream in) throws IOException {
    var line = new StringBuilder();
    for (int b = in.read(); b >= 0; b = in.read()) {
      if (b == '\n') {
        return line.toString();
      }
      if (b != '\r') {
        line.append((char) b);
      }
    }
    throw new EOFException("the daemon hung up before it answered: see its log");
  }
}
