package io.tiermount.daemon.cli;

import io.tiermount.daemon.admin.AdminException;

/** How every command ends. The help text shows this list. */
public enum ExitCode {
  /** It worked. */
  OK(0, "it worked"),
  /** It was tried and failed. */
  FAILED(1, "it was tried and failed"),
  /** The command line is wrong. */
  USAGE(2, "the command line is wrong"),
  /** Nothing of tiermount's is mounted there, or no daemon runs. */
  NOT_MOUNTED(3, "not mounted, or no daemon runs"),
  /** The configuration is wrong. */
  BAD_CONFIG(4, "the configuration is wrong"),
  /** Only root or the daemon's user may do that. */
  NOT_PERMITTED(5, "not permitted: only root or the daemon's own user may"),
  /** It did not end in time. */
  TIMEOUT(6, "it did not end in time");

  private final int code;
  private final String meaning;

  ExitCode(int code, String meaning) {
    this.code = code;
    this.meaning = meaning;
  }

  /** What the process ends with. */
  public int code() {
    return code;
  }

  /** For the help text. */
  String meaning() {
    return meaning;
  }

  static ExitCode of(AdminException.Kind kind) {
    return switch (kind) {
      case BAD_REQUEST -> USAGE;
      case FORBIDDEN -> NOT_PERMITTED;
      case NOT_FOUND -> NOT_MOUNTED;
      case BAD_CONFIG -> BAD_CONFIG;
      case FAILED -> FAILED;
      case TIMEOUT -> TIMEOUT;
    };
  }
}
