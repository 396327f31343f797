package io.tiermount.fs.fuse.dev;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import io.tiermount.backends.os.Errno;
import io.tiermount.backends.os.ErrnoException;
import io.tiermount.backends.os.LibC;
import io.tiermount.fs.fuse.MountOptions;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** FUSE_INIT: the first request of a connection; until it is answered everything else waits. */
final class Handshake {
  private static final int WANTED =
      FuseWire.ASYNC_READ
          | FuseWire.ATOMIC_O_TRUNC
          | FuseWire.BIG_WRITES
          | FuseWire.DO_READDIRPLUS
          | FuseWire.READDIRPLUS_AUTO
          | FuseWire.ASYNC_DIO
          | FuseWire.PARALLEL_DIROPS
          | FuseWire.MAX_PAGES_FLAG
          | FuseWire.CACHE_SYMLINKS
          | FuseWire.EXPLICIT_INVAL_DATA
          | FuseWire.HANDLE_KILLPRIV_V2
          | FuseWire.INIT_EXT;
  private static final int WANTED2 = FuseWire.DIRECT_IO_ALLOW_MMAP | FuseWire.HAS_RESEND;

  /** Background requests (read-ahead, RELEASE) the kernel sends at once; as many as we pool for. */
  private static final int MAX_BACKGROUND = 64;

  private static final int CONGESTION = MAX_BACKGROUND * 3 / 4;
  private static final int INIT_OUT_BYTES = 64;

  /** The kernel queues INIT inside mount(2). */
  private static final int WAIT_MILLIS = 10_000;

  private final FuseDevice device;
  private final long readAheadBytes;
  private final boolean passthrough;
  private final boolean acl;

  Handshake(FuseDevice device, MountOptions options) {
    this.device = device;
    this.readAheadBytes = options.readAheadBytes();
    this.passthrough = options.passthrough();
    this.acl = options.acl();
  }

  /**
   * Reads and answers INIT.
   *
   * @throws IOException where the kernel is too old or sends something else
   */
  Negotiated run() throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment in = arena.allocate(FuseWire.REQUEST_BYTES, 8);
      MemorySegment out = arena.allocate(FuseWire.OUT_HEADER_BYTES + INIT_OUT_BYTES, 8);
      RequestDecoder request = receive(in);
      if (request.intAt(0) > FuseWire.MAJOR) {
        // The kernel asks again with the major version we name.
        out.set(JAVA_INT, FuseWire.OUT_HEADER_BYTES, FuseWire.MAJOR);
        send(out, request.unique());
        request = receive(in);
      }
      int minor = request.intAt(4);
      if (request.intAt(0) != FuseWire.MAJOR || minor < FuseWire.OLDEST_MINOR) {
        throw new IOException(
            "the kernel speaks FUSE "
                + request.intAt(0)
                + "."
                + minor
                + ", tiermount needs 7."
                + FuseWire.OLDEST_MINOR
                + " (Linux 5.4): use a newer kernel, or set fuse.transport = libfuse");
      }
      return accept(request, out, Math.min(minor, FuseWire.MINOR));
    }
  }

  private Negotiated accept(RequestDecoder request, MemorySegment out, int minor)
      throws IOException {
    int offered = request.intAt(12);
    int offered2 = (offered & FuseWire.INIT_EXT) != 0 ? request.intAt(16) : 0;
    if (acl && (offered & FuseWire.POSIX_ACL) == 0) {
      throw new IOException(
          "the kernel's FUSE knows no POSIX ACLs, which permissions.allow and deny of this mount"
              + " need: use a kernel with them, or allow one user or one group alone");
    }
    int flags = (acl ? WANTED | FuseWire.POSIX_ACL : WANTED) & offered;
    int flags2 = (passthrough ? WANTED2 | FuseWire.PASSTHROUGH : WANTED2) & offered2;
    int o = FuseWire.OUT_HEADER_BYTES;
    out.set(JAVA_INT, o, FuseWire.MAJOR);
    out.set(JAVA_INT, o + 4, minor);
    out.set(JAVA_INT, o + 8, (int) Math.min(readAheadBytes, Integer.MAX_VALUE));
    out.set(JAVA_INT, o + 12, flags);
    out.set(JAVA_SHORT, o + 16, (short) MAX_BACKGROUND);
    out.set(JAVA_SHORT, o + 18, (short) CONGESTION);
    out.set(JAVA_INT, o + 20, FuseWire.MAX_PAYLOAD_BYTES);
    out.set(JAVA_INT, o + 24, 1); // time granularity, ns
    out.set(JAVA_SHORT, o + 28, (short) FuseWire.MAX_PAGES);
    out.set(JAVA_INT, o + 32, flags2);
    // 1: the backing file is on a plain file system. 0 would switch passthrough off, 2 would allow
    // overlayfs below and forbid it above.
    out.set(JAVA_INT, o + 36, (flags2 & FuseWire.PASSTHROUGH) != 0 ? 1 : 0);
    send(out, request.unique());
    return new Negotiated(minor, flags, flags2, passthroughOff(minor, flags2));
  }

  private RequestDecoder receive(MemorySegment in) throws IOException {
    if (LibC.poll(device.fd(), LibC.POLLIN, WAIT_MILLIS) == 0) {
      throw new IOException("the kernel sent no INIT within " + WAIT_MILLIS / 1000 + " s");
    }
    long result = device.read(in);
    if (result < 0) {
      throw new ErrnoException("read(/dev/fuse)", (int) -result);
    }
    RequestDecoder request = new RequestDecoder(in);
    if (request.opcode() != FuseWire.INIT) {
      throw new IOException(
          "the kernel began with " + FuseWire.opcodeName(request.opcode()) + " instead of INIT");
    }
    return request;
  }

  private void send(MemorySegment out, long unique) throws IOException {
    int lengthBytes = (int) out.byteSize();
    ReplyEncoder.header(out, lengthBytes, 0, unique);
    long result = device.write(out, lengthBytes);
    if (result != lengthBytes) {
      throw new ErrnoException("answering INIT", (int) -result);
    }
  }

  private String passthroughOff(int minor, int flags2) {
    final int passthroughMinor = 40;
    if (!passthrough) {
      return "passthrough is switched off in the configuration: set passthrough = true";
    }
    if (minor < passthroughMinor) {
      return "the kernel has no FUSE passthrough (protocol 7." + minor + "): it needs Linux 6.9";
    }
    if ((flags2 & FuseWire.PASSTHROUGH) == 0) {
      return "the kernel was built without FUSE passthrough: it needs CONFIG_FUSE_PASSTHROUGH=y";
    }
    try (Arena arena = Arena.ofConfined()) {
      // A descriptor that cannot be: the kernel looks at our rights before it looks at it.
      MemorySegment map = arena.allocate(16, 8);
      map.set(JAVA_INT, 0, -1);
      device.ioctl(FuseWire.IOC_BACKING_OPEN, map);
      return "the kernel took an impossible backing file";
    } catch (ErrnoException e) {
      return switch (e.errno()) {
        case Errno.EBADF -> "";
        case Errno.EPERM ->
            "registering backing files needs CAP_SYS_ADMIN in the host's user namespace:"
                + " run tiermount as root, in a container with that capability";
        default -> "the kernel refuses backing files with " + Errno.name(e.errno());
      };
    }
  }
}
