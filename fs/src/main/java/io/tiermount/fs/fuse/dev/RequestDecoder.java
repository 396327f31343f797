package io.tiermount.fs.fuse.dev;

import static io.tiermount.fs.fuse.dev.FuseWire.IN_HEADER_BYTES;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.tiermount.fs.fuse.Caller;
import io.tiermount.fs.fuse.FuseRequest;
import io.tiermount.fs.fuse.Names;
import java.lang.foreign.MemorySegment;

/**
 * Reads one request in place; struct offsets as in include/uapi/linux/fuse.h, relative to the end
 * of fuse_in_header. FORGET, BATCH_FORGET, INIT, INTERRUPT and DESTROY are the reader's business.
 */
final class RequestDecoder {
  private static final int GETATTR_FH = 1;
  private static final int FSYNC_DATA_ONLY = 1;

  private final MemorySegment in;
  private final MemorySegment body;

  /** Over the buffer that requests are read into. */
  RequestDecoder(MemorySegment in) {
    this.in = in;
    this.body = in.asSlice(IN_HEADER_BYTES);
  }

  int lengthBytes() {
    return in.get(JAVA_INT, 0);
  }

  int opcode() {
    return in.get(JAVA_INT, 4);
  }

  long unique() {
    return in.get(JAVA_LONG, 8);
  }

  long nodeId() {
    return in.get(JAVA_LONG, 16);
  }

  Caller caller() {
    return new Caller(in.get(JAVA_INT, 24), in.get(JAVA_INT, 28), in.get(JAVA_INT, 32));
  }

  int intAt(long offset) {
    return body.get(JAVA_INT, offset);
  }

  long longAt(long offset) {
    return body.get(JAVA_LONG, offset);
  }

  /**
   * The request in the buffer.
   *
   * @throws IndexOutOfBoundsException where it is cut short
   */
  FuseRequest decode() {
    long node = nodeId();
    Caller caller = caller();
    int opcode = opcode();
    return switch (opcode) {
      case FuseWire.READ ->
          new FuseRequest.Read(node, caller, longAt(0), longAt(8), intAt(16), intAt(32));
      case FuseWire.WRITE ->
          new FuseRequest.Write(
              node,
              caller,
              longAt(0),
              longAt(8),
              body.asSlice(40, Integer.toUnsignedLong(intAt(16))),
              intAt(20),
              intAt(32));
      case FuseWire.LOOKUP -> new FuseRequest.Lookup(node, caller, name(0));
      case FuseWire.GETATTR ->
          new FuseRequest.GetAttr(node, caller, (intAt(0) & GETATTR_FH) != 0 ? longAt(8) : null);
      case FuseWire.SETATTR -> setAttr(node, caller);
      case FuseWire.OPEN -> new FuseRequest.Open(node, caller, intAt(0));
      case FuseWire.OPENDIR -> new FuseRequest.OpenDir(node, caller, intAt(0));
      case FuseWire.READDIR, FuseWire.READDIRPLUS ->
          new FuseRequest.ReadDir(
              node, caller, longAt(0), longAt(8), intAt(16), opcode == FuseWire.READDIRPLUS);
      case FuseWire.RELEASE -> new FuseRequest.Release(node, caller, longAt(0), intAt(8));
      case FuseWire.RELEASEDIR -> new FuseRequest.ReleaseDir(node, caller, longAt(0));
      case FuseWire.FLUSH -> new FuseRequest.Flush(node, caller, longAt(0), longAt(16));
      case FuseWire.FSYNC -> new FuseRequest.FSync(node, caller, longAt(0), dataOnly());
      case FuseWire.FSYNCDIR -> new FuseRequest.FSyncDir(node, caller, longAt(0), dataOnly());
      case FuseWire.STATFS -> new FuseRequest.StatFs(node, caller);
      case FuseWire.ACCESS -> new FuseRequest.Access(node, caller, intAt(0));
      case FuseWire.READLINK -> new FuseRequest.ReadLink(node, caller);
      case FuseWire.GETXATTR -> new FuseRequest.GetXattr(node, caller, name(8), intAt(0));
      case FuseWire.LISTXATTR -> new FuseRequest.ListXattr(node, caller, intAt(0));
      case FuseWire.REMOVEXATTR -> new FuseRequest.RemoveXattr(node, caller, name(0));
      case FuseWire.SETXATTR -> setXattr(node, caller);
      case FuseWire.FALLOCATE ->
          new FuseRequest.Fallocate(node, caller, longAt(0), longAt(8), longAt(16), intAt(24));
      case FuseWire.LSEEK -> new FuseRequest.LSeek(node, caller, longAt(0), longAt(8), intAt(16));
      case FuseWire.COPY_FILE_RANGE, FuseWire.COPY_FILE_RANGE_64 ->
          new FuseRequest.CopyFileRange(
              node, caller, longAt(0), longAt(8), longAt(16), longAt(24), longAt(32), longAt(40));
      case FuseWire.SYNCFS -> new FuseRequest.SyncFs(node, caller);
      default -> decodeNaming(opcode, node, caller);
    };
  }

  /** Requests that make, move or remove names. */
  private FuseRequest decodeNaming(int opcode, long node, Caller caller) {
    return switch (opcode) {
      case FuseWire.CREATE ->
          new FuseRequest.Create(node, caller, name(16), intAt(0), intAt(4), intAt(8));
      case FuseWire.TMPFILE -> new FuseRequest.TmpFile(node, caller, intAt(0), intAt(4), intAt(8));
      case FuseWire.MKNOD ->
          new FuseRequest.MkNod(node, caller, name(16), intAt(0), intAt(4), intAt(8));
      case FuseWire.MKDIR -> new FuseRequest.MkDir(node, caller, name(8), intAt(0), intAt(4));
      case FuseWire.SYMLINK -> new FuseRequest.Symlink(node, caller, name(0), name(nameEnd(0) + 1));
      case FuseWire.LINK -> new FuseRequest.Link(node, caller, name(8), longAt(0));
      case FuseWire.UNLINK -> new FuseRequest.Unlink(node, caller, name(0));
      case FuseWire.RMDIR -> new FuseRequest.RmDir(node, caller, name(0));
      case FuseWire.RENAME ->
          new FuseRequest.Rename(node, caller, name(8), longAt(0), name(nameEnd(8) + 1), 0);
      case FuseWire.RENAME2 ->
          new FuseRequest.Rename(
              node, caller, name(16), longAt(0), name(nameEnd(16) + 1), intAt(8));
      default -> new FuseRequest.Unknown(node, caller, opcode);
    };
  }

  private FuseRequest setAttr(long node, Caller caller) {
    return new FuseRequest.SetAttr(
        node,
        caller,
        intAt(0),
        longAt(8),
        longAt(16),
        intAt(68),
        intAt(76),
        intAt(80),
        nanos(32, 56),
        nanos(40, 60),
        nanos(48, 64));
  }

  /** The short struct (size, flags): SETXATTR_EXT is not asked for. */
  private FuseRequest setXattr(long node, Caller caller) {
    String name = name(8);
    MemorySegment value = body.asSlice(nameEnd(8) + 1, Integer.toUnsignedLong(intAt(0)));
    return new FuseRequest.SetXattr(node, caller, name, value, intAt(4));
  }

  private boolean dataOnly() {
    return (intAt(8) & FSYNC_DATA_ONLY) != 0;
  }

  private long nanos(long secondsOffset, long nanosOffset) {
    return longAt(secondsOffset) * 1_000_000_000L + intAt(nanosOffset);
  }

  private String name(long offset) {
    byte[] bytes = new byte[(int) (nameEnd(offset) - offset)];
    MemorySegment.copy(body, JAVA_BYTE, offset, bytes, 0, bytes.length);
    return Names.decode(bytes);
  }

  /** Where the NUL is; the kernel ends every name with one. */
  private long nameEnd(long offset) {
    long end = lengthBytes() - (long) IN_HEADER_BYTES;
    for (long i = offset; i < end; i++) {
      if (body.get(JAVA_BYTE, i) == 0) {
        return i;
      }
    }
    throw new IndexOutOfBoundsException("name without an end in " + FuseWire.opcodeName(opcode()));
  }
}
