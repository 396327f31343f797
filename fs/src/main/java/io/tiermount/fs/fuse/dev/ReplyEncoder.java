package io.tiermount.fs.fuse.dev;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.tiermount.backends.os.Errno;
import io.tiermount.fs.fuse.Attributes;
import io.tiermount.fs.fuse.FuseReply;
import io.tiermount.fs.fuse.NodeEntry;
import java.lang.foreign.MemorySegment;

/**
 * Writes answers in the kernel's form. A frame is fuse_out_header (16 B) and the body behind it;
 * struct offsets as in include/uapi/linux/fuse.h.
 */
final class ReplyEncoder {
  private static final long NANOS = 1_000_000_000L;

  /** The kernel refuses an errno from here on, and the caller would wait for ever. */
  private static final int ERRNO_LIMIT = 512;

  private ReplyEncoder() {}

  /** Bytes of body an answer may take; a payload's are in its buffer already. */
  static int bodyBytes(FuseReply reply) {
    return switch (reply) {
      case FuseReply.Failed _, FuseReply.Done _ -> 0;
      case FuseReply.Entry _ -> FuseWire.ENTRY_BYTES;
      case FuseReply.Attr _ -> FuseWire.ATTR_OUT_BYTES;
      case FuseReply.Opened _ -> FuseWire.OPEN_OUT_BYTES;
      case FuseReply.Created _ -> FuseWire.ENTRY_BYTES + FuseWire.OPEN_OUT_BYTES;
      case FuseReply.Payload payload -> payload.sizeBytes();
      case FuseReply.Bytes bytes -> bytes.bytes().length;
      case FuseReply.XattrSize _, FuseReply.Written _, FuseReply.Offset _ -> 8;
      case FuseReply.FsStats _ -> FuseWire.STATFS_BYTES;
    };
  }

  /**
   * Fills the frame.
   *
   * @return its length
   */
  static int encode(FuseReply reply, long unique, MemorySegment frame) {
    int bodyBytes = bodyBytes(reply);
    int error = 0;
    switch (reply) {
      case FuseReply.Failed failed -> error = -sanitized(failed.errno());
      case FuseReply.Done _, FuseReply.Payload _ -> {}
      case FuseReply.Entry entry -> entry(frame, 16, entry.entry());
      case FuseReply.Attr attr -> {
        frame.set(JAVA_LONG, 16, attr.ttlNanos() / NANOS);
        frame.set(JAVA_INT, 24, (int) (attr.ttlNanos() % NANOS));
        frame.set(JAVA_INT, 28, 0);
        attributes(frame, 32, attr.attributes());
      }
      case FuseReply.Opened opened -> opened(frame, 16, opened.file());
      case FuseReply.Created created -> {
        entry(frame, 16, created.entry());
        opened(frame, 16 + FuseWire.ENTRY_BYTES, created.file());
      }
      case FuseReply.Bytes bytes ->
          MemorySegment.copy(bytes.bytes(), 0, frame, JAVA_BYTE, 16, bytes.bytes().length);
      case FuseReply.XattrSize size -> frame.set(JAVA_LONG, 16, size.sizeBytes());
      // fuse_write_out is u32 and padding, fuse_copy_file_range_out u64: the same bytes on
      // little-endian machines, the only ones we run on.
      case FuseReply.Written written -> frame.set(JAVA_LONG, 16, written.sizeBytes());
      case FuseReply.Offset offset -> frame.set(JAVA_LONG, 16, offset.offsetBytes());
      case FuseReply.FsStats stats -> fsStats(frame, stats);
    }
    int lengthBytes = FuseWire.OUT_HEADER_BYTES + bodyBytes;
    header(frame, lengthBytes, error, unique);
    return lengthBytes;
  }

  /** fuse_out_header. */
  static void header(MemorySegment frame, int lengthBytes, int error, long unique) {
    frame.set(JAVA_INT, 0, lengthBytes);
    frame.set(JAVA_INT, 4, error);
    frame.set(JAVA_LONG, 8, unique);
  }

  /** fuse_entry_out, 128 B. */
  static void entry(MemorySegment s, long at, NodeEntry entry) {
    s.set(JAVA_LONG, at, entry.nodeId());
    s.set(JAVA_LONG, at + 8, entry.generation());
    s.set(JAVA_LONG, at + 16, entry.entryTtlNanos() / NANOS);
    s.set(JAVA_LONG, at + 24, entry.attrTtlNanos() / NANOS);
    s.set(JAVA_INT, at + 32, (int) (entry.entryTtlNanos() % NANOS));
    s.set(JAVA_INT, at + 36, (int) (entry.attrTtlNanos() % NANOS));
    attributes(s, at + 40, entry.attributes());
  }

  /** fuse_attr, 88 B. */
  private static void attributes(MemorySegment s, long at, Attributes a) {
    s.set(JAVA_LONG, at, a.ino());
    s.set(JAVA_LONG, at + 8, a.sizeBytes());
    s.set(JAVA_LONG, at + 16, a.blocks());
    s.set(JAVA_LONG, at + 24, Math.floorDiv(a.atimeNanos(), NANOS));
    s.set(JAVA_LONG, at + 32, Math.floorDiv(a.mtimeNanos(), NANOS));
    s.set(JAVA_LONG, at + 40, Math.floorDiv(a.ctimeNanos(), NANOS));
    s.set(JAVA_INT, at + 48, (int) Math.floorMod(a.atimeNanos(), NANOS));
    s.set(JAVA_INT, at + 52, (int) Math.floorMod(a.mtimeNanos(), NANOS));
    s.set(JAVA_INT, at + 56, (int) Math.floorMod(a.ctimeNanos(), NANOS));
    s.set(JAVA_INT, at + 60, a.mode());
    s.set(JAVA_INT, at + 64, a.nlink());
    s.set(JAVA_INT, at + 68, a.uid());
    s.set(JAVA_INT, at + 72, a.gid());
    s.set(JAVA_INT, at + 76, a.rdev());
    s.set(JAVA_INT, at + 80, a.blockSizeBytes());
    s.set(JAVA_INT, at + 84, 0);
  }

  /** fuse_open_out, 16 B. */
  private static void opened(MemorySegment s, long at, FuseReply.OpenFile file) {
    FuseReply.Backing backing = file.backing();
    s.set(JAVA_LONG, at, file.handle());
    s.set(
        JAVA_INT,
        at + 8,
        backing == null ? file.flags() : file.flags() | FuseReply.OpenFile.PASSTHROUGH);
    s.set(JAVA_INT, at + 12, backing == null ? 0 : backing.id());
  }

  /** fuse_statfs_out. */
  private static void fsStats(MemorySegment s, FuseReply.FsStats stats) {
    s.asSlice(16, FuseWire.STATFS_BYTES).fill((byte) 0);
    s.set(JAVA_LONG, 16, stats.blocks());
    s.set(JAVA_LONG, 24, stats.freeBlocks());
    s.set(JAVA_LONG, 32, stats.freeBlocks());
    s.set(JAVA_LONG, 40, stats.files());
    s.set(JAVA_LONG, 48, stats.freeFiles());
    s.set(JAVA_INT, 56, stats.blockSizeBytes());
    s.set(JAVA_INT, 60, stats.maxName());
    s.set(JAVA_INT, 64, stats.blockSizeBytes());
  }

  private static int sanitized(int errno) {
    return errno > 0 && errno < ERRNO_LIMIT ? errno : Errno.EIO;
  }
}
