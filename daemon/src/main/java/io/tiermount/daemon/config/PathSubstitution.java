package io.tiermount.daemon.config;

import java.util.List;
import java.util.Optional;

/**
 * Where URLs of a store lie on this node, and the reverse: {@code storage.path_substitution}. The
 * first rule that matches wins; one that does not match changes nothing. Texts only: nothing is
 * looked up.
 *
 * @param rules in the order of the file
 */
public record PathSubstitution(List<Rule> rules) {
  /** No rules. */
  public static final PathSubstitution NONE = new PathSubstitution(List.of());

  public PathSubstitution {
    rules = List.copyOf(rules);
  }

  /** How a prefix is compared. */
  public enum Match {
    /** Whole components: {@code /opt/mydir} is no prefix of {@code /opt/mydirnew}. */
    COMPONENTS,
    /**
     * Sign by sign, as ClearML documents it: {@code /opt/mydirnew} becomes {@code /tmp/datanew}.
     */
    TEXT
  }

  /**
   * One rule.
   *
   * @param registeredPrefix of the URLs; not empty
   * @param localPrefix what stands there on this node; not empty
   * @param replaceWindowsSep in what follows the prefix, {@code \} becomes {@code /}
   * @param replaceLinuxSep in what follows the prefix, {@code /} becomes {@code \}
   */
  public record Rule(
      String registeredPrefix,
      String localPrefix,
      boolean replaceWindowsSep,
      boolean replaceLinuxSep,
      Match match) {
    public Rule {
      if (registeredPrefix.isEmpty() || localPrefix.isEmpty()) {
        throw new IllegalArgumentException("a substitution needs both prefixes");
      }
      if (replaceWindowsSep && replaceLinuxSep) {
        throw new IllegalArgumentException("separators are replaced one way only");
      }
    }

    private Optional<String> local(String url) {
      return swap(url, registeredPrefix, localPrefix, match)
          .map(parts -> parts.prefix() + separators(parts.rest(), '\\', '/'));
    }

    private Optional<String> registered(String path) {
      return swap(path, localPrefix, registeredPrefix, match)
          .map(parts -> parts.prefix() + separators(parts.rest(), '/', '\\'));
    }

    private String separators(String rest, char windows, char linux) {
      if (replaceWindowsSep) {
        return rest.replace(windows, linux);
      }
      return replaceLinuxSep ? rest.replace(linux, windows) : rest;
    }
  }

  /** A text behind its new prefix. */
  private record Parts(String prefix, String rest) {}

  /** The path on this node that a URL means; empty where no rule matches. */
  public Optional<String> toLocal(String url) {
    return rules.stream().flatMap(rule -> rule.local(url).stream()).findFirst();
  }

  /** The URL that a path on this node stands for; empty where no rule matches. */
  public Optional<String> toRegistered(String path) {
    return rules.stream().flatMap(rule -> rule.registered(path).stream()).findFirst();
  }

  private static Optional<Parts> swap(String text, String from, String to, Match match) {
    if (match == Match.TEXT) {
      if (!text.startsWith(from)) {
        return Optional.empty();
      }
      String rest = text.substring(from.length());
      // A slash that only the old prefix had would glue two names together.
      boolean glued = isSeparated(from) && !isSeparated(to) && !rest.isEmpty();
      return Optional.of(new Parts(to, glued ? "/" + rest : rest));
    }
    String prefix = withoutSeparator(from);
    if (!text.startsWith(prefix)) {
      return Optional.empty();
    }
    String rest = text.substring(prefix.length());
    if (!rest.isEmpty() && !isSeparated(prefix) && !isSeparator(rest.charAt(0))) {
      return Optional.empty();
    }
    if (rest.isEmpty()) {
      return Optional.of(new Parts(withoutTrailing(to), ""));
    }
    String target = withoutSeparator(to);
    if (isSeparated(target)) {
      return Optional.of(new Parts(target, isSeparator(rest.charAt(0)) ? rest.substring(1) : rest));
    }
    return Optional.of(new Parts(target, isSeparator(rest.charAt(0)) ? rest : "/" + rest));
  }

  /** Without the separators at its end; {@code s3://} keeps its own. */
  private static String withoutSeparator(String prefix) {
    int end = prefix.length();
    while (end > 0 && isSeparator(prefix.charAt(end - 1)) && !prefix.startsWith("://", end - 3)) {
      end--;
    }
    return prefix.substring(0, end);
  }

  /** The same, for a whole path: the root stays. */
  private static String withoutTrailing(String path) {
    String without = withoutSeparator(path);
    return without.isEmpty() ? path.substring(0, 1) : without;
  }

  private static boolean isSeparated(String prefix) {
    return !prefix.isEmpty() && isSeparator(prefix.charAt(prefix.length() - 1));
  }

  private static boolean isSeparator(char c) {
    return c == '/' || c == '\\';
  }
}
