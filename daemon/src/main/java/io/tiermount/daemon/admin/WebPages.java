package io.tiermount.daemon.admin;

import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The page's HTML: no scripts, nothing from elsewhere. */
final class WebPages {
  private static final String HEAD =
      """
      <!doctype html>
      <html lang="en"><head><meta charset="utf-8"><title>tiermount</title>
      <style>
      body { font-family: sans-serif; margin: 2em; } table { border-collapse: collapse; }
      td, th { text-align: left; padding: 0.3em 1em 0.3em 0; vertical-align: top; }
      .degraded, .failed { color: #b00; }
      </style></head><body>
      """;
  private static final String END = "</body></html>\n";

  private WebPages() {}

  /**
   * The daemon at a glance.
   *
   * @param user who looks at it; null where nobody is asked
   */
  static String status(DaemonReport report, @Nullable String user) {
    StringBuilder page = new StringBuilder(HEAD);
    page.append("<h1>tiermount ").append(text(report.version())).append("</h1>\n<p>process ");
    page.append(report.pid()).append(", since ").append(report.startedAt()).append("</p>\n");
    page.append("<table>\n<tr><th>path<th>source<th>scope<th>state<th>since<th></tr>\n");
    for (MountReport mount : report.mounts()) {
      page.append("<tr><td>").append(text(mount.path().isEmpty() ? mount.name() : mount.path()));
      page.append("<td>").append(text(mount.source())).append("<td>").append(text(mount.scope()));
      String state = mount.state().toLowerCase(Locale.ROOT);
      page.append("<td class=\"").append(text(state)).append("\">").append(text(state));
      page.append("<td>").append(mount.since()).append("<td>");
      page.append(text(mount.reason() == null ? "" : mount.reason())).append("</tr>\n");
    }
    page.append("</table>\n<h2>cache</h2>\n<table>\n");
    for (Map.Entry<String, Object> counter : report.cache().entrySet()) {
      if (counter.getValue() instanceof Number || counter.getValue() instanceof String) {
        page.append("<tr><td>").append(text(counter.getKey())).append("<td>");
        page.append(text(String.valueOf(counter.getValue()))).append("</tr>\n");
      }
    }
    page.append(
        "</table>\n<p><a href=\"/metrics\">metrics</a> <a href=\"/v1/status\">JSON</a></p>");
    if (user != null) {
      page.append("<form method=\"post\" action=\"/logout\">").append(text(user));
      page.append(" <button>log out</button></form>\n");
    }
    return page.append(END).toString();
  }

  /**
   * Asks who it is.
   *
   * @param wrong the last answer was
   */
  static String login(boolean wrong) {
    return HEAD
        + "<h1>tiermount</h1>\n"
        + (wrong ? "<p class=\"failed\">That is not a user's name and password.</p>\n" : "")
        + """
        <form method="post" action="/login">
        <p><label>name <input name="username" autocomplete="username" autofocus></label></p>
        <p><label>password <input name="password" type="password" autocomplete="current-password"></label></p>
        <p><button>log in</button></p></form>
        """
        + END;
  }

  private static String text(String raw) {
    return raw.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace("\"", "&quot;");
  }
}
