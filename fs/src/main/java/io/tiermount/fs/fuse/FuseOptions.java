package io.tiermount.fs.fuse;

/**
 * How a mount talks to the kernel; the {@code fuse} section and a mount's own.
 *
 * @param passthrough let the kernel read whole cached files itself
 */
public record FuseOptions(Transport transport, boolean passthrough, Open open) {
  /** Which transport. */
  public enum Transport {
    /** dev where it can, else libfuse. */
    AUTO,
    /** The kernel's protocol on /dev/fuse. */
    DEV,
    /** jnr-fuse and libfuse 2. */
    LIBFUSE
  }

  /** Whether the daemon hears of opens. */
  public enum Open {
    NORMAL,
    /** OPEN is answered ENOSYS: the fastest opens, no passthrough, no revalidation on open. */
    SKIP
  }
}
