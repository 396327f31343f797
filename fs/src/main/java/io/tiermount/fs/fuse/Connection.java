package io.tiermount.fs.fuse;

/**
 * A mount's connection to the kernel as a successor needs it: what INIT settled, which the kernel
 * tells once, and the descriptor.
 *
 * @param fd of /dev/fuse
 * @param device "major:minor" of the mount
 * @param minor of the protocol's version 7
 * @param flags granted, bits 0 to 31
 * @param flags2 granted, bits 32 to 63
 * @param passthroughOff why there is no passthrough, "" where there is
 */
public record Connection(
    int fd, String device, int minor, int flags, int flags2, String passthroughOff) {
  /** The same over another descriptor of the same file. */
  public Connection withFd(int other) {
    return new Connection(other, device, minor, flags, flags2, passthroughOff);
  }
}
