package io.tiermount.daemon.config;

import java.net.URI;
import java.net.URISyntaxException;

/** An endpoint as an operator writes it. */
final class EndpointText {
  private EndpointText() {}

  static String checked(String text) throws BadValueException {
    parse(text);
    return text;
  }

  /** Scheme, host and port; a trailing slash is dropped. */
  static URI parse(String text) throws BadValueException {
    try {
      URI uri = new URI(text.strip());
      boolean http = "http".equals(uri.getScheme()) || "https".equals(uri.getScheme());
      boolean bare =
          uri.getUserInfo() == null && uri.getQuery() == null && uri.getFragment() == null;
      String path = uri.getPath() == null ? "" : uri.getPath();
      if (!http || uri.getHost() == null || !bare || !(path.isEmpty() || path.equals("/"))) {
        throw new BadValueException("");
      }
      return new URI(uri.getScheme(), null, uri.getHost(), uri.getPort(), null, null, null);
    } catch (URISyntaxException e) {
      throw new BadValueException("");
    }
  }
}
