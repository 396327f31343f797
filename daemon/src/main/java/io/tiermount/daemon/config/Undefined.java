package io.tiermount.daemon.config;

import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Words about values that come from undefined variables. */
final class Undefined {
  private Undefined() {}

  /** The variables that are not set or empty, and that a value is made of. */
  static Set<String> variables(@Nullable Node node) {
    return switch (node) {
      case Node.Absent absent -> absent.undefined();
      case Node.Scalar scalar -> scalar.undefined();
      case Node.Items _, Node.Section _, Node.Broken _ -> Set.of();
      case null -> Set.of();
    };
  }

  /** "nothing", and why where that is known. */
  static String nothing(@Nullable Node node) {
    Set<String> variables = variables(node);
    return variables.isEmpty() ? "nothing" : "nothing: " + names(variables) + " not set";
  }

  /** {@code ${A} is} or {@code ${A}, ${B} are}. */
  static String names(Set<String> variables) {
    String names =
        String.join(
            ", ", new TreeSet<>(variables).stream().map(name -> "${" + name + "}").toList());
    return names + (variables.size() == 1 ? " is" : " are");
  }
}
