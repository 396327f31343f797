package io.tiermount.backends.os;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One end of a pair of connected unix sockets (SOCK_SEQPACKET) that carries descriptors
 * (SCM_RIGHTS, unix(7)), which Java's own sockets can't. A message that nobody has received keeps
 * its descriptors open for as long as any process has the receiving end. Safe from any thread.
 */
public final class FdSocket implements AutoCloseable {
  /** SCM_MAX_FD of the kernel: what one message carries at most. */
  public static final int MAX_FDS = 253;

  /** Longer messages are cut. */
  public static final int MAX_BODY_BYTES = 64 << 10;

  private static final int AF_UNIX = 1;
  private static final int SOCK_SEQPACKET_CLOEXEC = 5 | 0x80000;
  private static final int SOL_SOCKET = 1;
  private static final int SCM_RIGHTS = 1;
  private static final int MSG_PEEK = 2;
  private static final long FIONREAD = 0x541B;
  private static final int MSG_DONTWAIT = 0x40;
  private static final int MSG_NOSIGNAL = 0x4000;
  private static final int MSG_CMSG_CLOEXEC = 0x40000000;
  private static final int MSGHDR_BYTES = 56;
  private static final int CMSGHDR_BYTES = 16;

  private static final SystemCall SOCKETPAIR = SystemCall.of("socketpair", 4, false);
  static final SystemCall SENDMSG = SystemCall.of("sendmsg", 3, true);
  private static final SystemCall RECVMSG = SystemCall.of("recvmsg", 3, true);

  private final int fd;

  /**
   * @param fd an end that another process of ours made; this object's from here on
   */
  public FdSocket(int fd) {
    this.fd = fd;
  }

  /** Two connected ends, close-on-exec. */
  public static List<FdSocket> pair() throws ErrnoException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment ends = arena.allocate(JAVA_INT, 2);
      int result = (int) SOCKETPAIR.call(AF_UNIX, SOCK_SEQPACKET_CLOEXEC, 0, ends.address());
      if (result < 0) {
        throw new ErrnoException("socketpair", -result);
      }
      return List.of(
          new FdSocket(ends.getAtIndex(JAVA_INT, 0)), new FdSocket(ends.getAtIndex(JAVA_INT, 1)));
    }
  }

  public int fd() {
    return fd;
  }

  /**
   * What was received.
   *
   * @param fds close-on-exec, the receiver's
   */
  public record Message(byte[] body, List<Integer> fds) {}

  /**
   * Sends; the descriptors stay the caller's, too.
   *
   * @param body not empty
   * @throws ErrnoException EAGAIN where the other end holds as much as it may
   */
  public void send(byte[] body, List<Integer> fds) throws ErrnoException {
    if (body.length == 0 || body.length > MAX_BODY_BYTES || fds.size() > MAX_FDS) {
      throw new IllegalArgumentException(
          "a message of " + body.length + " bytes and " + fds.size() + " descriptors");
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment data = arena.allocateFrom(JAVA_BYTE, body);
      MemorySegment header = header(arena, data, rights(arena, fds));
      long sent = SENDMSG.call(fd, header.address(), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (sent < 0) {
        throw new ErrnoException("sendmsg", (int) -sent);
      }
    }
  }

  /** Takes the oldest message; null where none waits. */
  public @Nullable Message receive() throws ErrnoException {
    return receive(0);
  }

  /** The oldest message, which stays; null where none waits. */
  public @Nullable Message peek() throws ErrnoException {
    return receive(MSG_PEEK);
  }

  /** The bytes of all messages that wait. */
  public int waitingBytes() throws ErrnoException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment count = arena.allocate(JAVA_INT);
      int _ = LibC.ioctl(fd, FIONREAD, count);
      return count.get(JAVA_INT, 0);
    }
  }

  private @Nullable Message receive(int flags) throws ErrnoException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment data = arena.allocate(MAX_BODY_BYTES, 8);
      MemorySegment control = arena.allocate(controlBytes(MAX_FDS), 8);
      MemorySegment header = header(arena, data, control);
      long count = RECVMSG.call(fd, header.address(), MSG_DONTWAIT | MSG_CMSG_CLOEXEC | flags);
      if (count == -Errno.EAGAIN || count == 0) {
        return null;
      }
      if (count < 0) {
        throw new ErrnoException("recvmsg", (int) -count);
      }
      List<Integer> fds = new ArrayList<>();
      if (header.get(JAVA_LONG, 40) >= CMSGHDR_BYTES && control.get(JAVA_INT, 12) == SCM_RIGHTS) {
        long end = control.get(JAVA_LONG, 0);
        for (long at = CMSGHDR_BYTES; at + 4 <= end; at += 4) {
          fds.add(control.get(JAVA_INT, at));
        }
      }
      return new Message(data.asSlice(0, count).toArray(JAVA_BYTE), fds);
    }
  }

  /** A control message that carries descriptors; NULL for none. */
  static MemorySegment rights(Arena arena, List<Integer> fds) {
    if (fds.isEmpty()) {
      return MemorySegment.NULL;
    }
    MemorySegment control = arena.allocate(controlBytes(fds.size()), 8);
    control.set(JAVA_LONG, 0, CMSGHDR_BYTES + 4L * fds.size());
    control.set(JAVA_INT, 8, SOL_SOCKET);
    control.set(JAVA_INT, 12, SCM_RIGHTS);
    for (int i = 0; i < fds.size(); i++) {
      control.set(JAVA_INT, CMSGHDR_BYTES + 4L * i, fds.get(i));
    }
    return control;
  }

  private static long controlBytes(int fds) {
    return CMSGHDR_BYTES + ((4L * fds + 7) & -8);
  }

  /** struct msghdr of bits/socket.h, 64 bits. */
  static MemorySegment header(Arena arena, MemorySegment data, MemorySegment control) {
    MemorySegment vector = arena.allocate(16, 8);
    vector.set(ADDRESS, 0, data);
    vector.set(JAVA_LONG, 8, data.byteSize());
    MemorySegment header = arena.allocate(MSGHDR_BYTES, 8);
    header.set(ADDRESS, 16, vector);
    header.set(JAVA_LONG, 24, 1);
    header.set(ADDRESS, 32, control);
    header.set(JAVA_LONG, 40, control.byteSize());
    return header;
  }

  @Override
  public void close() throws ErrnoException {
    LibC.close(fd);
  }
}
