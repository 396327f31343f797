package io.tiermount.fs.fuse.dev;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.tiermount.backends.os.Errno;
import io.tiermount.backends.os.ErrnoException;
import io.tiermount.fs.fuse.KernelCache;
import io.tiermount.fs.fuse.Names;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Notifications (an answer with unique 0) and the ioctls of the device. */
final class DevKernelCache implements KernelCache {
  private static final Logger log = LoggerFactory.getLogger(DevKernelCache.class);

  private final FuseDevice device;
  private final Negotiated negotiated;

  DevKernelCache(FuseDevice device, Negotiated negotiated) {
    this.device = device;
    this.negotiated = negotiated;
  }

  @Override
  public void invalidateInode(long nodeId, long offsetBytes, long lengthBytes) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment frame = arena.allocate(FuseWire.OUT_HEADER_BYTES + 24L, 8);
      frame.set(JAVA_LONG, 16, nodeId);
      // To the kernel a negative offset means attributes alone, a length of 0 or less to the end.
      frame.set(JAVA_LONG, 24, lengthBytes == 0 ? -1 : offsetBytes);
      frame.set(JAVA_LONG, 32, lengthBytes);
      notify(frame, FuseWire.NOTIFY_INVAL_INODE, "node " + nodeId);
    }
  }

  @Override
  public void invalidateEntry(long parent, String name) {
    byte[] bytes = Names.encode(name);
    try (Arena arena = Arena.ofConfined()) {
      // The name ends with a NUL that its length does not count.
      MemorySegment frame = arena.allocate(FuseWire.OUT_HEADER_BYTES + 17L + bytes.length, 8);
      frame.set(JAVA_LONG, 16, parent);
      frame.set(JAVA_INT, 24, bytes.length);
      MemorySegment.copy(bytes, 0, frame, JAVA_BYTE, 32, bytes.length);
      notify(frame, FuseWire.NOTIFY_INVAL_ENTRY, name);
    }
  }

  private void notify(MemorySegment frame, int code, String what) {
    int lengthBytes = (int) frame.byteSize();
    ReplyEncoder.header(frame, lengthBytes, code, 0);
    long result = device.write(frame, lengthBytes);
    if (result < 0) {
      int errno = (int) -result;
      switch (errno) {
        // The kernel does not know it (any more), or the mount is gone.
        case Errno.ENOENT, Errno.ENOTDIR, Errno.ENODEV, Errno.ENOTCONN -> {}
        default -> log.warn("The kernel would not invalidate {}: {}", what, Errno.name(errno));
      }
    }
  }

  @Override
  public boolean passthrough() {
    return negotiated.passthrough();
  }

  @Override
  public String passthroughOff() {
    return negotiated.passthroughOff();
  }

  @Override
  public int openBacking(int fd) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment map = arena.allocate(16, 8);
      map.set(JAVA_INT, 0, fd);
      return device.ioctl(FuseWire.IOC_BACKING_OPEN, map);
    } catch (ErrnoException e) {
      throw new IOException(
          "the kernel took no backing file for passthrough (fd " + fd + "): " + e.getMessage(), e);
    }
  }

  @Override
  public void closeBacking(int id) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment argument = arena.allocate(4, 4);
      argument.set(JAVA_INT, 0, id);
      device.ioctl(FuseWire.IOC_BACKING_CLOSE, argument);
    } catch (ErrnoException e) {
      if (e.errno() != Errno.ENODEV && e.errno() != Errno.ENOENT) {
        log.warn("The kernel would not close backing id {}: {}", id, e.getMessage());
      }
    }
  }
}
