package io.tiermount.fs.fuse.libfuse;

import io.tiermount.backends.os.Errno;
import io.tiermount.fs.fuse.libfuse.NativeFuse.FuseFunction;
import java.util.HashMap;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What libfuse calls, by the name of the field of struct fuse_operations. */
final class Callbacks {
  private static final Logger log = LoggerFactory.getLogger(Callbacks.class);

  private Callbacks() {}

  /** A callback that may fail; its result is 0 or a count. */
  private interface Body {
    int call(long a, long b, long c, long d, long e) throws FuseFailure;
  }

  /**
   * @param ready runs once the kernel and libfuse have agreed
   */
  static Map<String, FuseFunction> of(NameOperations names, FileOperations files, Runnable ready) {
    Map<String, FuseFunction> all = new HashMap<>();
    byName(all, names);
    byHandle(all, files);
    all.put(
        "init",
        (_, _, _, _, _) -> {
          ready.run();
          return 0;
        });
    return all;
  }

  private static void byName(Map<String, FuseFunction> all, NameOperations names) {
    put(all, "getattr", (path, stat, _, _, _) -> names.getattr(path, stat));
    put(all, "readlink", (path, buffer, size, _, _) -> names.readlink(path, buffer, size));
    put(all, "mknod", (path, mode, dev, _, _) -> names.mknod(path, (int) mode, (int) dev));
    put(all, "mkdir", (path, mode, _, _, _) -> names.mkdir(path, (int) mode));
    put(all, "unlink", (path, _, _, _, _) -> names.unlink(path));
    put(all, "rmdir", (path, _, _, _, _) -> names.rmdir(path));
    put(all, "symlink", (target, path, _, _, _) -> names.symlink(target, path));
    put(all, "rename", (from, to, _, _, _) -> names.rename(from, to));
    put(all, "link", (from, to, _, _, _) -> names.link(from, to));
    put(all, "chmod", (path, mode, _, _, _) -> names.chmod(path, (int) mode));
    put(all, "chown", (path, uid, gid, _, _) -> names.chown(path, (int) uid, (int) gid));
    put(all, "truncate", (path, size, _, _, _) -> names.truncate(path, size));
    put(all, "utimens", (path, times, _, _, _) -> names.utimens(path, times));
    put(all, "statfs", (path, result, _, _, _) -> names.statfs(path, result));
    put(
        all,
        "setxattr",
        (path, name, value, size, flags) -> names.setxattr(path, name, value, size, (int) flags));
    put(all, "getxattr", (path, name, value, size, _) -> names.getxattr(path, name, value, size));
    put(all, "listxattr", (path, list, size, _, _) -> names.listxattr(path, list, size));
    put(all, "removexattr", (path, name, _, _, _) -> names.removexattr(path, name));
  }

  private static void byHandle(Map<String, FuseFunction> all, FileOperations files) {
    put(all, "open", (path, info, _, _, _) -> files.open(path, info));
    put(all, "create", (path, mode, info, _, _) -> files.create(path, (int) mode, info));
    put(all, "read", (_, buffer, size, offset, info) -> files.read(buffer, size, offset, info));
    put(all, "write", (_, buffer, size, offset, info) -> files.write(buffer, size, offset, info));
    put(all, "fgetattr", (_, stat, info, _, _) -> files.fgetattr(stat, info));
    put(all, "ftruncate", (_, size, info, _, _) -> files.ftruncate(size, info));
    put(all, "flush", (_, info, _, _, _) -> files.flush(info));
    put(all, "release", (_, info, _, _, _) -> files.release(info));
    put(all, "fsync", (_, data, info, _, _) -> files.fsync((int) data != 0, info));
    put(all, "opendir", (path, info, _, _, _) -> files.opendir(path, info));
    put(
        all,
        "readdir",
        (_, buffer, filler, offset, info) -> files.readdir(buffer, filler, offset, info));
    put(all, "releasedir", (_, info, _, _, _) -> files.releasedir(info));
    put(all, "fsyncdir", (_, data, info, _, _) -> files.fsyncdir((int) data != 0, info));
    put(
        all,
        "fallocate",
        (_, mode, offset, length, info) -> files.fallocate((int) mode, offset, length, info));
  }

  private static void put(Map<String, FuseFunction> all, String name, Body body) {
    all.put(
        name,
        (a, b, c, d, e) -> {
          try {
            return body.call(a, b, c, d, e);
          } catch (FuseFailure failure) {
            return -failure.errno();
          } catch (RuntimeException | Error unexpected) {
            log.error("{} failed; answering EIO", name, unexpected);
            return -Errno.EIO;
          }
        });
  }
}
