package io.tiermount.backends.os;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * Sends a datagram to a unix socket, which Java can't: systemd's notification socket is one
 * (sd_notify(3), unix(7)). Safe from any thread.
 */
public final class UnixDatagram {
  private static final int AF_UNIX = 1;
  private static final int SOCK_DGRAM_CLOEXEC = 2 | 0x80000;
  private static final int MSG_NOSIGNAL = 0x4000;

  /** {@code sun_path} of {@code sockaddr_un} (sys/un.h). */
  private static final int SUN_PATH_BYTES = 108;

  private static final SystemCall SOCKET = SystemCall.of("socket", 3, false);

  private UnixDatagram() {}

  /**
   * Sends one.
   *
   * @param address a path, or a name in the abstract name space with a leading {@code @}
   */
  public static void send(String address, String text) throws ErrnoException {
    send(address, text, List.of());
  }

  /**
   * The same with descriptors (SCM_RIGHTS), which stay the caller's, too.
   *
   * @param fds at most {@link FdSocket#MAX_FDS}
   */
  public static void send(String address, String text, List<Integer> fds) throws ErrnoException {
    byte[] name = address.getBytes(StandardCharsets.UTF_8);
    if (name.length >= SUN_PATH_BYTES) {
      throw new ErrnoException("sendmsg(" + address + ")", Errno.ENAMETOOLONG);
    }
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment to = arena.allocate(2 + SUN_PATH_BYTES, 8);
      to.set(JAVA_SHORT, 0, (short) AF_UNIX);
      MemorySegment.copy(name, 0, to, JAVA_BYTE, 2, name.length);
      if (address.startsWith("@")) {
        to.set(JAVA_BYTE, 2, (byte) 0);
      }
      MemorySegment body = arena.allocateFrom(JAVA_BYTE, bytes);
      MemorySegment header = FdSocket.header(arena, body, FdSocket.rights(arena, fds));
      header.set(ADDRESS, 0, to);
      header.set(JAVA_INT, 8, 2 + name.length);
      int fd = (int) SOCKET.call(AF_UNIX, SOCK_DGRAM_CLOEXEC, 0);
      if (fd < 0) {
        throw new ErrnoException("socket(AF_UNIX)", -fd);
      }
      try {
        long sent = FdSocket.SENDMSG.call(fd, header.address(), MSG_NOSIGNAL);
        if (sent < 0) {
          throw new ErrnoException("sendmsg(" + address + ")", (int) -sent);
        }
      } finally {
        LibC.close(fd);
      }
    }
  }
}
