package io.tiermount.daemon.config;

import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigOrigin;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The library's own errors in our form. Its messages quote the text around the mistake, which may
 * be a secret: what they quote is cut off, unless it is a single sign.
 */
final class HoconErrors {
  private static final Pattern QUOTED = Pattern.compile("['\"](.?)['\"]|['\"]");
  private static final Pattern ADVICE =
      Pattern.compile("\\s*\\((if you|perhaps).*", Pattern.DOTALL);

  private static final Pattern LINES = Pattern.compile(": \\d+(-\\d+)?$");

  private static final String JOINED = "a text joined with a section or a list";
  private static final String JOINABLE =
      "texts joined with texts, lists with lists, sections with sections";

  private HoconErrors() {}

  /** Reports what stopped the parsing of a file. */
  static void parsing(ConfigException e, String file, Problems problems) {
    Position at = position(e.origin(), new Position(file, 0));
    String message = e.getMessage() == null ? "" : e.getMessage();
    String where = e.origin() == null ? "" : e.origin().description() + ": ";
    String text = message.startsWith(where) ? message.substring(where.length()) : message;
    switch (e) {
      case ConfigException.IO _ ->
          problems.add(at, "", "a file that can't be read", "a readable text in UTF-8", "");
      // Not a closed family: what is not a matter of reading is one of syntax.
      default -> {
        if (text.contains("end of file")) {
          problems.add(
              at,
              "",
              "the end of the file within a section or list",
              "HOCON",
              "a { or [ above is not closed");
        } else if (text.startsWith("Cannot concatenate")) {
          problems.add(at, "", JOINED, JOINABLE, "texts with [ ] { } in them need quotes");
        } else {
          problems.add(
              at,
              "",
              "a syntax error: " + harmless(text),
              "HOCON",
              "texts with signs such as : / ? # need quotes");
        }
      }
    }
  }

  /** Reports what stopped the substitution in a document; its message would show values. */
  static void resolving(ConfigException e, HoconDocument document, Problems problems) {
    Position at = position(e.origin(), new Position("", 0));
    boolean circle = e instanceof ConfigException.UnresolvedSubstitution;
    problems.add(
        at,
        document.keyAt(at),
        circle ? "a substitution that leads back to itself" : JOINED,
        circle ? "one that ends at a value" : JOINABLE,
        "");
  }

  /** What the library knows of a place; the description holds the file's name as it was given. */
  static Position position(@Nullable ConfigOrigin origin, Position otherwise) {
    if (origin == null || origin.lineNumber() <= 0) {
      return otherwise;
    }
    String file = LINES.matcher(origin.description()).replaceFirst("");
    return new Position(file, origin.lineNumber());
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
}
