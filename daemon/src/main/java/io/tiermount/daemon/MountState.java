package io.tiermount.daemon;

import java.util.Locale;

/** Where a mount stands. */
sealed interface MountState {
  /** Being mounted. */
  record Starting() implements MountState {}

  /** It answers. */
  record Ready() implements MountState {}

  /** Draining and unmounting. */
  record Stopping() implements MountState {}

  /** Not mounted. */
  record Failed(String reason) implements MountState {}

  /** Never tried: its source is not defined on this node. */
  record Skipped(String reason) implements MountState {}

  /** As status shows it. */
  default String label() {
    return getClass().getSimpleName().toLowerCase(Locale.ROOT);
  }
}
