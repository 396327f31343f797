package io.tiermount.fs.fuse.dev;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.IntToLongFunction;

/**
 * Numbers of include/uapi/linux/fuse.h (protocol 7.45). All structs are in the machine's byte order
 * and padded to 8 bytes.
 */
final class FuseWire {
  static final int MAJOR = 7;
  static final int MINOR = 45;

  /** Linux 5.4: the oldest kernel whose structs all have the size we write. */
  static final int OLDEST_MINOR = 31;

  static final int PAGE_BYTES = 4096;

  /** Largest READ answer and WRITE request: max_pages (256, the kernel's default limit) pages. */
  static final int MAX_PAGES = 256;

  static final int MAX_PAYLOAD_BYTES = MAX_PAGES * PAGE_BYTES;

  /** A request: header, struct, and either names or at most a payload. */
  static final int REQUEST_BYTES = MAX_PAYLOAD_BYTES + PAGE_BYTES;

  static final int IN_HEADER_BYTES = 40;
  static final int OUT_HEADER_BYTES = 16;
  static final int ENTRY_BYTES = 128;
  static final int ATTR_OUT_BYTES = 104;
  static final int OPEN_OUT_BYTES = 16;
  static final int STATFS_BYTES = 80;
  static final int DIRENT_BYTES = 24;

  static final int LOOKUP = 1;
  static final int FORGET = 2;
  static final int GETATTR = 3;
  static final int SETATTR = 4;
  static final int READLINK = 5;
  static final int SYMLINK = 6;
  static final int MKNOD = 8;
  static final int MKDIR = 9;
  static final int UNLINK = 10;
  static final int RMDIR = 11;
  static final int RENAME = 12;
  static final int LINK = 13;
  static final int OPEN = 14;
  static final int READ = 15;
  static final int WRITE = 16;
  static final int STATFS = 17;
  static final int RELEASE = 18;
  static final int FSYNC = 20;
  static final int SETXATTR = 21;
  static final int GETXATTR = 22;
  static final int LISTXATTR = 23;
  static final int REMOVEXATTR = 24;
  static final int FLUSH = 25;
  static final int INIT = 26;
  static final int OPENDIR = 27;
  static final int READDIR = 28;
  static final int RELEASEDIR = 29;
  static final int FSYNCDIR = 30;
  static final int ACCESS = 34;
  static final int CREATE = 35;
  static final int INTERRUPT = 36;
  static final int DESTROY = 38;
  static final int BATCH_FORGET = 42;
  static final int FALLOCATE = 43;
  static final int READDIRPLUS = 44;
  static final int RENAME2 = 45;
  static final int LSEEK = 46;
  static final int COPY_FILE_RANGE = 47;
  static final int SYNCFS = 50;
  static final int TMPFILE = 51;
  static final int COPY_FILE_RANGE_64 = 53;

  /** By opcode; "" where the header leaves a gap. Anything beyond is counted as OTHER. */
  private static final String[] NAMES = {
    "OTHER",
    "LOOKUP",
    "FORGET",
    "GETATTR",
    "SETATTR",
    "READLINK",
    "SYMLINK",
    "",
    "MKNOD",
    "MKDIR",
    "UNLINK",
    "RMDIR",
    "RENAME",
    "LINK",
    "OPEN",
    "READ",
    "WRITE",
    "STATFS",
    "RELEASE",
    "",
    "FSYNC",
    "SETXATTR",
    "GETXATTR",
    "LISTXATTR",
    "REMOVEXATTR",
    "FLUSH",
    "INIT",
    "OPENDIR",
    "READDIR",
    "RELEASEDIR",
    "FSYNCDIR",
    "GETLK",
    "SETLK",
    "SETLKW",
    "ACCESS",
    "CREATE",
    "INTERRUPT",
    "BMAP",
    "DESTROY",
    "IOCTL",
    "POLL",
    "NOTIFY_REPLY",
    "BATCH_FORGET",
    "FALLOCATE",
    "READDIRPLUS",
    "RENAME2",
    "LSEEK",
    "COPY_FILE_RANGE",
    "SETUPMAPPING",
    "REMOVEMAPPING",
    "SYNCFS",
    "TMPFILE",
    "STATX",
    "COPY_FILE_RANGE_64"
  };

  static final int OPCODES = NAMES.length;

  // INIT flags.
  static final int ASYNC_READ = 1;
  static final int ATOMIC_O_TRUNC = 1 << 3;
  static final int BIG_WRITES = 1 << 5;
  static final int DO_READDIRPLUS = 1 << 13;
  static final int READDIRPLUS_AUTO = 1 << 14;
  static final int ASYNC_DIO = 1 << 15;
  static final int PARALLEL_DIROPS = 1 << 18;
  static final int MAX_PAGES_FLAG = 1 << 22;

  /**
   * READLINK answers stay in the page cache, cut at the st_size the node was given: a symlink's
   * size must be its target's length, and a node whose target changed needs INVAL_INODE.
   */
  static final int CACHE_SYMLINKS = 1 << 23;

  static final int POSIX_ACL = 1 << 20;

  static final int EXPLICIT_INVAL_DATA = 1 << 25;
  static final int HANDLE_KILLPRIV_V2 = 1 << 28;
  static final int INIT_EXT = 1 << 30;

  // INIT flags2 (bits 32 and up).
  static final int DIRECT_IO_ALLOW_MMAP = 1 << (36 - 32);
  static final int PASSTHROUGH = 1 << (37 - 32);
  static final int HAS_RESEND = 1 << (39 - 32);

  // Notifications: the code travels where an answer has its error.
  static final int NOTIFY_INVAL_INODE = 2;
  static final int NOTIFY_INVAL_ENTRY = 3;

  /** Linux 6.9. */
  static final int NOTIFY_RESEND = 7;

  /** In a request's number: it was read before by a process that did not answer it. */
  static final long UNIQUE_RESENT = 1L << 63;

  static final long IOC_BACKING_OPEN = 0x4010E501L;
  static final long IOC_BACKING_CLOSE = 0x4004E502L;

  private FuseWire() {}

  /** Where a request of this opcode is counted. */
  static int counter(int opcode) {
    return opcode > 0 && opcode < OPCODES ? opcode : 0;
  }

  /** Counts by name, zeros included. */
  static Map<String, Long> byName(IntToLongFunction countOf) {
    Map<String, Long> counts = new LinkedHashMap<>();
    for (int i = 0; i < OPCODES; i++) {
      if (!NAMES[i].isEmpty()) {
        counts.put(NAMES[i], countOf.applyAsLong(i));
      }
    }
    return counts;
  }

  /** "READ" for 15; for messages. */
  static String opcodeName(int opcode) {
    String name = NAMES[counter(opcode)];
    return name.isEmpty() || counter(opcode) == 0 ? "opcode " + opcode : name;
  }
}
