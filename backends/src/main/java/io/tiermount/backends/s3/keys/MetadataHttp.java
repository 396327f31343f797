package io.tiermount.backends.s3.keys;

import java.io.IOException;
import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.Proxy;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Small requests to a metadata server of this machine. The JDK's own connection: loading an HTTP
 * client for three requests an hour is not worth it. No proxy, no redirects, short deadlines.
 */
final class MetadataHttp {
  private static final int CONNECT_MILLIS = 1_000;
  private static final int READ_MILLIS = 5_000;
  private static final int MAX_BYTES = 64 << 10;

  private MetadataHttp() {}

  /**
   * One answer.
   *
   * @param body "" where the status is not 200
   */
  record Answer(int status, String body) {}

  /**
   * Asks once.
   *
   * @throws IOException where nobody answers
   */
  static Answer ask(String method, URI uri, Map<String, String> headers) throws IOException {
    if (!(uri.toURL().openConnection(Proxy.NO_PROXY) instanceof HttpURLConnection connection)) {
      throw new IOException("not a web address");
    }
    try {
      connection.setRequestMethod(method);
      connection.setConnectTimeout(CONNECT_MILLIS);
      connection.setReadTimeout(READ_MILLIS);
      connection.setInstanceFollowRedirects(false);
      connection.setUseCaches(false);
      headers.forEach(connection::setRequestProperty);
      int status = connection.getResponseCode();
      if (status != HttpURLConnection.HTTP_OK) {
        return new Answer(status, "");
      }
      try (@Nullable InputStream in = connection.getInputStream()) {
        byte[] bytes = in == null ? new byte[0] : in.readNBytes(MAX_BYTES);
        return new Answer(status, new String(bytes, StandardCharsets.UTF_8));
      }
    } finally {
      connection.disconnect();
    }
  }
}
