package io.tiermount.daemon.config;

import io.tiermount.daemon.config.ValueType.ListOf;
import io.tiermount.daemon.config.ValueType.MapOf;
import io.tiermount.daemon.config.ValueType.Single;
import java.math.BigDecimal;
import java.nio.file.FileSystems;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/** The kinds of values that keys have. */
final class ValueTypes {
  private static final Pattern SIZE =
      Pattern.compile(
          "(\\d{1,18}(?:\\.\\d{1,9})?)\\s*(?:([KMGTPE])(IB|I|B)?|(B))", Pattern.CASE_INSENSITIVE);
  private static final String SIZE_LETTERS = "KMGTPE";
  private static final Pattern DURATION =
      Pattern.compile("(\\d{1,15}(?:\\.\\d{1,9})?)\\s*([a-z]+)", Pattern.CASE_INSENSITIVE);
  private static final Pattern PERCENT = Pattern.compile("(\\d{1,9}(?:\\.\\d{1,9})?)\\s*(%?)");
  private static final Pattern MODE = Pattern.compile("(?:0o|0)?([0-7]{3,4})");
  private static final Pattern BARE_NUMBER = Pattern.compile("-?\\d+(\\.\\d+)?");
  private static final Pattern SHELL_VARIABLE = Pattern.compile("\\$(?:(\\w+)|\\{(\\w+)})");
  private static final Pattern SECONDS_NUMBER = Pattern.compile("\\d{1,9}(\\.\\d{1,3})?");
  private static final Duration MAX_DURATION = Duration.ofDays(36_500);
  private static final BigDecimal MILLIS = BigDecimal.valueOf(1000);
  private static final BigDecimal HALF = new BigDecimal("0.5");

  static final Single<String> TEXT =
      new Single<>("a text that is not empty", text -> refuseIf(text.isBlank(), text, ""));

  static final Single<String> ANY_TEXT = new Single<>("a text", text -> text);

  static final Single<Boolean> BOOLEAN =
      new Single<>("true | false", text -> truth(text, List.of("true"), List.of("false")));

  /** As pasted files write it: {@code True} too. */
  static final Single<Boolean> PYTHON_BOOLEAN =
      new Single<>(
          "true | false",
          text -> truth(text.toLowerCase(Locale.ROOT), List.of("true"), List.of("false")));

  /** Certificates: "true", "false", or the absolute path of a CA bundle. */
  static final Single<String> TRUST =
      new Single<>(
          "true | false | the absolute path of a CA bundle",
          text -> {
            String word = text.toLowerCase(Locale.ROOT);
            boolean known = word.equals("true") || word.equals("false");
            return known ? word : refuseIf(!text.startsWith("/") || !isPath(text), text, "");
          });

  static final Single<Boolean> SWITCH =
      new Single<>(
          "on | off (or true | false)",
          text -> truth(text, List.of("on", "true"), List.of("off", "false")));

  /** Bytes. */
  static final Single<Long> SIZE_IN_BYTES =
      new Single<>(
          "a size with a unit: 30G or 30GiB (binary), 30GB (decimal), 4096B", ValueTypes::size);

  /** Bytes; 0 for none. */
  static final Single<Long> SIZE_OR_NONE =
      new Single<>(
          "a size with a unit: 30G or 30GiB (binary), 30GB (decimal); 0 or less for none",
          text -> noneIfNotPositive(text) ? Long.valueOf(0) : size(text));

  static final Single<Duration> DURATION_WITH_UNIT =
      new Single<>("a duration with a unit: 500ms, 1s, 5m, 2h, 1d; 0", ValueTypes::duration);

  /** A bare number of seconds, as the names of pasted keys say. */
  static final Single<Duration> SECONDS =
      new Single<>(
          "seconds, as a number: 0.2 or 120",
          text -> {
            if (!SECONDS_NUMBER.matcher(text.strip()).matches()) {
              throw new BadValueException("");
            }
            return Duration.ofMillis(new BigDecimal(text.strip()).multiply(MILLIS).longValue());
          });

  /** 0 to 99. */
  static final Single<Integer> PERCENT_BELOW_100 =
      new Single<>(
          "a whole percentage from 0 to 99: 5, \"5%\" or 0.05 (below 0.5)", ValueTypes::percent);

  /** Permission bits. */
  static final Single<Integer> OCTAL_MODE =
      new Single<>("an octal mode of three or four digits: 750, 0750, \"1777\"", ValueTypes::mode);

  /** Absolute, or below the home directory. */
  static final Single<String> ABSOLUTE_PATH =
      new Single<>(
          "an absolute path",
          text -> {
            boolean absolute = text.startsWith("/") || text.equals("~") || text.startsWith("~/");
            return refuseIf(
                !absolute || !isPath(text), text, "write it from the root on: /mnt/data");
          });

  /** One element of a path. */
  static final Single<String> FILE_NAME =
      new Single<>(
          "a name without /",
          text ->
              refuseIf(
                  text.isBlank()
                      || text.contains("/")
                      || text.equals(".")
                      || text.equals("..")
                      || text.indexOf('\0') >= 0,
                  text,
                  ""));

  /** The same, or beginning with {@code $VARIABLE}. */
  static final Single<String> CACHE_PATH =
      new Single<>(
          "an absolute path, also with ~ or $VARIABLE",
          text -> text.startsWith("$") ? text : ABSOLUTE_PATH.parse().parse(text));

  static final ListOf<String> TEXTS = new ListOf<>("a list of texts: [\"a\", \"b\"]", TEXT);

  static final ListOf<String> GLOBS =
      new ListOf<>(
          "a list of globs: [\"models/**\", \"*.idx\"]",
          new Single<>("a glob such as \"models/**\"", ValueTypes::glob));

  /** Of whole URLs, {@code s3://raw/*}: a star stands for slashes too. */
  static final Single<String> URL_GLOB =
      new Single<>(
          "a glob such as \"s3://raw/*\" or \"video/*\"",
          text -> refuseIf(text.isBlank(), text, ""));

  static final ListOf<AccountName> PRINCIPALS =
      new ListOf<>(
          "a list of users (names or uids), groups (\"@name\" or \"@gid\"), or [\"*\"]",
          new Single<>(
              "a user (name or uid), a group (\"@name\" or \"@gid\"), or \"*\"",
              AccountName::principal));

  static final Single<AccountName> ACCOUNT =
      new Single<>("a name or a number", AccountName::account);

  static final MapOf<AccountName> ID_MAP =
      new MapOf<>("a section of numbers and accounts: { 1000 = alice, 1001 = 2001 }", ACCOUNT);

  private ValueTypes() {}

  /** From {@code min} to {@code max}. */
  static Single<Long> number(long min, long max) {
    String accepted =
        max == Long.MAX_VALUE
            ? "a whole number from " + min + " on"
            : "a whole number from " + min + " to " + max;
    return new Single<>(
        accepted,
        text -> {
          long value = wholeNumber(text);
          if (value < min || value > max) {
            throw new BadValueException("");
          }
          return value;
        });
  }

  /** A constant of an enum, in lower case. */
  static <E extends Enum<E>> Single<E> choice(Class<E> type) {
    E[] constants = type.getEnumConstants();
    List<String> words =
        Arrays.stream(constants).map(c -> c.name().toLowerCase(Locale.ROOT)).toList();
    return new Single<>(
        String.join(" | ", words), text -> constants[words.indexOf(oneOf(text, words))]);
  }

  /** One of some words. */
  static Single<String> word(String... words) {
    List<String> known = List.of(words);
    return new Single<>(String.join(" | ", known), text -> oneOf(text, known));
  }

  private static String oneOf(String text, List<String> words) throws BadValueException {
    if (!words.contains(text)) {
      throw new BadValueException(
          Nearest.to(text, words).map(word -> "did you mean " + word + "?").orElse(""));
    }
    return text;
  }

  private static String refuseIf(boolean wrong, String text, String hint) throws BadValueException {
    if (wrong) {
      throw new BadValueException(hint);
    }
    return text;
  }

  private static boolean truth(String text, List<String> yes, List<String> no)
      throws BadValueException {
    if (!yes.contains(text) && !no.contains(text)) {
      throw new BadValueException("");
    }
    return yes.contains(text);
  }

  private static long wholeNumber(String text) throws BadValueException {
    try {
      return Long.parseLong(text.strip());
    } catch (NumberFormatException e) {
      throw new BadValueException("");
    }
  }

  private static boolean noneIfNotPositive(String text) {
    return BARE_NUMBER.matcher(text.strip()).matches()
        && new BigDecimal(text.strip()).signum() <= 0;
  }

  private static long size(String text) throws BadValueException {
    Matcher matcher = SIZE.matcher(text.strip());
    if (!matcher.matches()) {
      boolean bare = BARE_NUMBER.matcher(text.strip()).matches();
      throw new BadValueException(bare ? "a bare number says no unit: " + text + "G?" : "");
    }
    BigDecimal bytes = new BigDecimal(matcher.group(1)).multiply(unitBytes(matcher));
    if (bytes.compareTo(BigDecimal.valueOf(Long.MAX_VALUE)) >= 0) {
      throw new BadValueException("8 EiB are the most that can be counted");
    }
    if (bytes.compareTo(BigDecimal.ONE) < 0) {
      throw new BadValueException("at least one byte");
    }
    return bytes.longValue();
  }

  /** Binary where the unit says so (GiB) or has no B; decimal for GB. */
  private static BigDecimal unitBytes(Matcher size) {
    String letter = size.group(2);
    if (letter == null) {
      return BigDecimal.ONE;
    }
    int power = 1 + SIZE_LETTERS.indexOf(letter.toUpperCase(Locale.ROOT));
    boolean decimal = "B".equalsIgnoreCase(size.group(3));
    return BigDecimal.valueOf(decimal ? 1000 : 1024).pow(power);
  }

  private static Duration duration(String text) throws BadValueException {
    if (text.strip().equals("0")) {
      return Duration.ZERO;
    }
    Matcher matcher = DURATION.matcher(text.strip());
    if (!matcher.matches()) {
      boolean bare = BARE_NUMBER.matcher(text.strip()).matches();
      throw new BadValueException(bare ? "a bare number says no unit: " + text + "s?" : "");
    }
    BigDecimal unitMillis =
        switch (matcher.group(2).toLowerCase(Locale.ROOT)) {
          case "ms", "millis", "millisecond", "milliseconds" -> BigDecimal.ONE;
          case "s", "second", "seconds" -> MILLIS;
          case "m", "minute", "minutes" -> BigDecimal.valueOf(60_000);
          case "h", "hour", "hours" -> BigDecimal.valueOf(3_600_000);
          case "d", "day", "days" -> BigDecimal.valueOf(86_400_000);
          // A word of the operator's: anything may stand here.
          default -> throw new BadValueException("");
        };
    BigDecimal millis = new BigDecimal(matcher.group(1)).multiply(unitMillis);
    if (millis.compareTo(BigDecimal.valueOf(MAX_DURATION.toMillis())) > 0) {
      throw new BadValueException("a hundred years are the most");
    }
    return Duration.ofMillis(millis.longValue());
  }

  private static int percent(String text) throws BadValueException {
    Matcher matcher = PERCENT.matcher(text.strip());
    if (!matcher.matches()) {
      throw new BadValueException("");
    }
    BigDecimal value = new BigDecimal(matcher.group(1));
    if (matcher.group(2).isEmpty() && value.compareTo(BigDecimal.ONE) <= 0) {
      if (value.compareTo(HALF) >= 0) {
        String share = value.movePointRight(2).stripTrailingZeros().toPlainString();
        throw new BadValueException(
            "ambiguous: write \"" + matcher.group(1) + "%\" or \"" + share + "%\"");
      }
      value = value.movePointRight(2);
    }
    try {
      int percent = value.intValueExact();
      if (percent > 99) {
        throw new BadValueException("");
      }
      return percent;
    } catch (ArithmeticException e) {
      throw new BadValueException("fractions of a percent are not counted");
    }
  }

  private static int mode(String text) throws BadValueException {
    Matcher matcher = MODE.matcher(text.strip());
    if (!matcher.matches()) {
      throw new BadValueException("");
    }
    return Integer.parseInt(matcher.group(1), 8);
  }

  private static String glob(String text) throws BadValueException {
    try {
      FileSystems.getDefault().getPathMatcher("glob:" + text);
      return refuseIf(text.isBlank() || text.startsWith("/"), text, "from the mount's root on");
    } catch (PatternSyntaxException e) {
      throw new BadValueException("the pattern is not closed or not complete");
    }
  }

  private static boolean isPath(String text) {
    return text.indexOf('\0') < 0
        && Arrays.stream(text.split("/", -1)).noneMatch(part -> part.equals(".."));
  }

  /** {@code ~} as the shell reads it. */
  static Path expand(String text, Map<String, String> environment) throws BadValueException {
    if (!text.startsWith("~")) {
      return Path.of(text).normalize();
    }
    String home = environment.get("HOME");
    if (home == null || !home.startsWith("/")) {
      throw new BadValueException("~ needs the variable HOME, which is not set");
    }
    return Path.of(home + text.substring(1)).normalize();
  }

  /** The same with {@code $NAME} and {@code ${NAME}} too, which must be set. */
  static Path expandAll(String text, Map<String, String> environment) throws BadValueException {
    Matcher matcher = SHELL_VARIABLE.matcher(text);
    StringBuilder expanded = new StringBuilder();
    while (matcher.find()) {
      String name = matcher.group(1) == null ? matcher.group(2) : matcher.group(1);
      String value = environment.getOrDefault(name, "");
      if (value.isEmpty()) {
        throw new BadValueException("the variable " + name + " is not set");
      }
      matcher.appendReplacement(expanded, Matcher.quoteReplacement(value));
    }
    return expand(matcher.appendTail(expanded).toString(), environment);
  }
}
