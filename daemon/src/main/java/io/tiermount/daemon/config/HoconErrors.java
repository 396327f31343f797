package io.tiermount.daemon.config;

import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigOrigin;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The library's own errors in our form. Its messages quote the text around the mistake, which may
 * be a secret: what they quote is cut off, unless it is a single sign.
 */
final class HoconErrors {
  private static final Pattern QUOTED = Pattern.compile("['\"](.?)['\"]|['\"]");
  private static final Pattern ADVICE =
      Pattern.compile("\\s*\\((if you|perhaps).*", Pattern.DOTALL);

  private HoconErrors() {}

  static void report(ConfigException e, String file, Problems problems) {
    ConfigOrigin origin = e.origin();
    int line = origin == null ? 0 : Math.max(0, origin.lineNumber());
    String named = origin == null || origin.filename() == null ? file : origin.filename();
    String where = origin == null ? "" : origin.description() + ": ";
    String message = e.getMessage() == null ? "" : e.getMessage();
    String text = message.startsWith(where) ? message.substring(where.length()) : message;
    switch (e) {
      case ConfigException.UnresolvedSubstitution _ ->
          problems.add(
              new Position(named, line),
              "",
              "a substitution that leads back to itself",
              "one that ends at a value",
              "");
      case ConfigException.Parse _ ->
          problems.add(
              new Position(named, line),
              "",
              "a syntax error: " + harmless(text),
              "HOCON",
              hint(text));
      case ConfigException.IO _ ->
          problems.add(
              new Position(named, line), "", "a file that can't be read", "a readable file", "");
      default ->
          problems.add(
              new Position(named, line),
              "",
              "a value that can't be put together: " + harmless(text),
              "texts joined with texts, lists with lists, sections with sections",
              "");
    }
  }

  /** Up to the first quotation that is longer than one sign. */
  static String harmless(String message) {
    String text = ADVICE.matcher(message).replaceFirst("");
    Matcher matcher = QUOTED.matcher(text);
    while (matcher.find()) {
      if (matcher.group(1) == null) {
        return text.substring(0, matcher.start()).strip() + " …";
      }
    }
    return text.replaceAll("\\s+", " ").strip();
  }

  private static String hint(String message) {
    return message.contains("end of file")
        ? "a { or [ above is not closed"
        : "texts with signs such as : / ? # need double quotes";
  }
}
