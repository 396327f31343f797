package io.tiermount.daemon.config;

import io.tiermount.fs.scope.Principal;
import java.util.OptionalInt;
import java.util.regex.Pattern;

/**
 * A user or group as an operator writes it, before the node is asked for its number.
 *
 * @param name a name or digits
 */
record AccountName(Kind kind, String name) {
  private static final Pattern NAME =
      Pattern.compile("[A-Za-z0-9_.][A-Za-z0-9_.@\\\\-]{0,254}\\$?");
  private static final Pattern DIGITS = Pattern.compile("\\d+");

  /** What the name is of. */
  enum Kind {
    EVERYONE,
    USER,
    GROUP
  }

  /** {@code alice}, {@code 1000}, {@code @ml}, {@code @2000} or {@code *}. */
  static AccountName principal(String text) throws BadValueException {
    if (text.equals("*")) {
      return new AccountName(Kind.EVERYONE, text);
    }
    return text.startsWith("@")
        ? new AccountName(Kind.GROUP, checked(text.substring(1)))
        : account(text);
  }

  /** A name or number; its key says whether of a user or a group. */
  static AccountName account(String text) throws BadValueException {
    return new AccountName(Kind.USER, checked(text));
  }

  private static String checked(String name) throws BadValueException {
    if (!NAME.matcher(name).matches()) {
      throw new BadValueException("");
    }
    return name;
  }

  /** As a uid. */
  int uid(NodeFacts node) throws BadValueException {
    return number("user", DIGITS.matcher(name).matches() ? OptionalInt.empty() : node.uidOf(name));
  }

  /** As a gid. */
  int gid(NodeFacts node) throws BadValueException {
    return number("group", DIGITS.matcher(name).matches() ? OptionalInt.empty() : node.gidOf(name));
  }

  private int number(String what, OptionalInt known) throws BadValueException {
    if (known.isPresent()) {
      return known.getAsInt();
    }
    if (!DIGITS.matcher(name).matches()) {
      throw new BadValueException("this node knows no " + what + " named " + name);
    }
    try {
      return Integer.parseInt(name);
    } catch (NumberFormatException e) {
      throw new BadValueException("a " + what + "'s number is at most " + Integer.MAX_VALUE);
    }
  }

  /** As it was written. */
  String text() {
    return kind == Kind.GROUP ? "@" + name : name;
  }

  Principal resolve(NodeFacts node) throws BadValueException {
    return switch (kind) {
      case EVERYONE -> new Principal.Everyone();
      case USER -> new Principal.User(uid(node));
      case GROUP -> new Principal.Group(gid(node));
    };
  }
}
