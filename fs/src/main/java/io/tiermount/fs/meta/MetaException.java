package io.tiermount.fs.meta;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** The one error of {@code index/} and {@code state/}. {@link #kind} decides what happens next. */
public final class MetaException extends IOException {
  private static final long serialVersionUID = 1L;

  /** Why a call failed. */
  public enum Kind {
    /** What is on disk is not what was written, or can't be opened. */
    DAMAGED,
    /** Another process (or another opening in this one) has it. */
    LOCKED,
    /** The disk is full, and the ballast is used up. */
    FULL,
    /** The disk or RocksDB failed otherwise. */
    FAILED,
    /** It was closed. */
    CLOSED
  }

  private final Kind kind;

  MetaException(Kind kind, String message, @Nullable Throwable cause) {
    super(message, cause);
    this.kind = kind;
  }

  public Kind kind() {
    return kind;
  }
}
