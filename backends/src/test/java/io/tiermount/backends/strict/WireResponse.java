package io.tiermount.backends.strict;

import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * An answer.
 *
 * @param headers without Content-Length
 * @param declaredBytes Content-Length, which differs from the body's for HEAD
 */
record WireResponse(int status, Map<String, String> headers, byte[] body, long declaredBytes) {
  static WireResponse of(int status, Map<String, String> headers, byte[] body) {
    return new WireResponse(status, headers, body, body.length);
  }

  static WireResponse empty(int status) {
    return of(status, Map.of(), new byte[0]);
  }

  static WireResponse xml(int status, String document) {
    String text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" + document;
    return of(
        status, Map.of("Content-Type", "application/xml"), text.getBytes(StandardCharsets.UTF_8));
  }

  WireResponse with(String name, String value) {
    Map<String, String> more = new LinkedHashMap<>(headers);
    more.put(name, value);
    return new WireResponse(status, more, body, declaredBytes);
  }

  /** The same head without a body, for HEAD. */
  WireResponse head() {
    return new WireResponse(status, headers, new byte[0], status == 200 ? declaredBytes : 0);
  }

  byte[] headBytes(String date) {
    StringBuilder text = new StringBuilder("HTTP/1.1 " + status + " -\r\n");
    headers.forEach((name, value) -> text.append(name).append(": ").append(value).append("\r\n"));
    if (status != 204) {
      text.append("Content-Length: ").append(declaredBytes).append("\r\n");
    }
    text.append("Date: ").append(date).append("\r\nServer: strict-s3\r\n\r\n");
    return text.toString().getBytes(StandardCharsets.ISO_8859_1);
  }
}
