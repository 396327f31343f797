package io.tiermount.fs.fuse.libfuse;

import ru.serce.jnrfuse.struct.FuseOperations;

/** Where struct fuse_operations has the functions that we give. */
final class Operations {
  private Operations() {}

  /** The bit field behind bmap, which jnr-fuse keeps to itself. */
  static long flags(FuseOperations layout) {
    return layout.bmap.offset() + Long.BYTES;
  }

  static long offset(FuseOperations layout, String name) {
    return switch (name) {
      case "getattr" -> layout.getattr.offset();
      case "readlink" -> layout.readlink.offset();
      case "mknod" -> layout.mknod.offset();
      case "mkdir" -> layout.mkdir.offset();
      case "unlink" -> layout.unlink.offset();
      case "rmdir" -> layout.rmdir.offset();
      case "symlink" -> layout.symlink.offset();
      case "rename" -> layout.rename.offset();
      case "link" -> layout.link.offset();
      case "chmod" -> layout.chmod.offset();
      case "chown" -> layout.chown.offset();
      case "truncate" -> layout.truncate.offset();
      case "open" -> layout.open.offset();
      case "read" -> layout.read.offset();
      case "write" -> layout.write.offset();
      case "statfs" -> layout.statfs.offset();
      case "flush" -> layout.flush.offset();
      case "release" -> layout.release.offset();
      case "fsync" -> layout.fsync.offset();
      case "setxattr" -> layout.setxattr.offset();
      case "getxattr" -> layout.getxattr.offset();
      case "listxattr" -> layout.listxattr.offset();
      case "removexattr" -> layout.removexattr.offset();
      case "opendir" -> layout.opendir.offset();
      case "readdir" -> layout.readdir.offset();
      case "releasedir" -> layout.releasedir.offset();
      case "fsyncdir" -> layout.fsyncdir.offset();
      case "init" -> layout.init.offset();
      case "create" -> layout.create.offset();
      case "ftruncate" -> layout.ftruncate.offset();
      case "fgetattr" -> layout.fgetattr.offset();
      case "utimens" -> layout.utimens.offset();
      case "fallocate" -> layout.fallocate.offset();
      default -> throw new IllegalArgumentException("libfuse 2 has no operation " + name);
    };
  }
}
