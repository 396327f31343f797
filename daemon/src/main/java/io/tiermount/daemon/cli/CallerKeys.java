package io.tiermount.daemon.cli;

import java.util.Map;
import java.util.TreeMap;

/**
 * Keys in the environment of whoever started a daemon by a mount command. They are that mount's
 * alone: the daemon serves other callers too, and what stood in its own environment would serve
 * them all. So they travel under names that no library knows.
 */
public final class CallerKeys {
  private static final Map<String, String> HIDDEN =
      Map.of(
          "AWS_ACCESS_KEY_ID", "TIERMOUNT_CALLER_ACCESS_KEY_ID",
          "AWS_SECRET_ACCESS_KEY", "TIERMOUNT_CALLER_SECRET_ACCESS_KEY",
          "AWS_SESSION_TOKEN", "TIERMOUNT_CALLER_SESSION_TOKEN",
          "AWS_PROFILE", "TIERMOUNT_CALLER_PROFILE");

  private CallerKeys() {}

  /** Renames them in the environment of a process to be started. */
  static void hide(Map<String, String> environment) {
    HIDDEN.forEach((known, hidden) -> {
      String value = environment.remove(known);
      environment.remove(hidden);
      if (value != null) {
        environment.put(hidden, value);
      }
    });
  }

  /** The caller's variables with their own names back. */
  public static Map<String, String> of(Map<String, String> environment) {
    Map<String, String> own = new TreeMap<>(environment);
    HIDDEN.forEach((known, hidden) -> {
      String value = own.remove(hidden);
      if (value != null) {
        own.put(known, value);
      }
    });
    return own;
  }
}
