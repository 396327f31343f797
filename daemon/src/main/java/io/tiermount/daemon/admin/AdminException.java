package io.tiermount.daemon.admin;

/**
 * A request that the daemon could not fulfil. The message is for people: what happened, to what,
 * and what to do.
 */
public final class AdminException extends Exception {
  private static final long serialVersionUID = 1L;

  /** Why; each has its HTTP status, and its exit code in the commands. */
  public enum Kind {
    /** The request itself is wrong. */
    BAD_REQUEST(400),
    /** The caller may not ask this. */
    FORBIDDEN(403),
    /** No such mount, or no daemon at all. */
    NOT_FOUND(404),
    /** The configuration in the request is wrong. */
    BAD_CONFIG(422),
    /** It was tried and failed. */
    FAILED(500),
    /** It did not end in time. */
    TIMEOUT(504);

    private final int status;

    Kind(int status) {
      this.status = status;
    }

    /** The HTTP status it travels as. */
    public int status() {
      return status;
    }
  }

  private final Kind kind;

  public AdminException(Kind kind, String message) {
    super(message);
    this.kind = kind;
  }

  public AdminException(Kind kind, String message, Throwable cause) {
    super(message, cause);
    this.kind = kind;
  }

  public Kind kind() {
    return kind;
  }
}
