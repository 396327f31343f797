package io.tiermount.daemon.config;

import java.nio.file.Path;

/**
 * A secret that a volume needs and that is not there yet.
 *
 * @param file where it will be
 */
public record AwaitedSecret(Path file) {
  /** For {@code status}. */
  public String why() {
    return "waits for its secret: there is no " + file + "; it is mounted when there is";
  }
}
