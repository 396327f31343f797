package io.tiermount.fs.fuse.select;

import io.tiermount.fs.fuse.FuseOptions;

/**
 * Which transport a mount gets.
 *
 * @param dev true for /dev/fuse, false for libfuse 2
 * @param reason a sentence for the log and status
 */
public record TransportChoice(boolean dev, String reason) {
  /**
   * What this machine lets us do.
   *
   * @param device why /dev/fuse can't be opened; "" where it can
   * @param mayMount the process has CAP_SYS_ADMIN
   */
  public record Machine(String device, boolean mayMount) {}

  /** Decides: what is configured; for {@code auto} dev where it can work. */
  public static TransportChoice of(FuseOptions.Transport configured, Machine machine) {
    return switch (configured) {
      case DEV -> new TransportChoice(true, "fuse.transport = dev");
      case LIBFUSE -> new TransportChoice(false, "fuse.transport = libfuse");
      case AUTO -> automatic(machine);
    };
  }

  private static TransportChoice automatic(Machine machine) {
    if (!machine.device().isEmpty()) {
      return new TransportChoice(
          false,
          "auto: /dev/fuse can't be opened ("
              + machine.device()
              + "); libfuse tries through fusermount");
    }
    if (!machine.mayMount()) {
      return new TransportChoice(
          false,
          "auto: mounting on /dev/fuse needs CAP_SYS_ADMIN, which this process lacks; libfuse"
              + " mounts through fusermount, without passthrough");
    }
    return new TransportChoice(true, "auto: /dev/fuse opens and CAP_SYS_ADMIN is there");
  }
}
