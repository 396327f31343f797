package io.tiermount.daemon;

import io.tiermount.daemon.admin.AdminApi.CacheResult;
import io.tiermount.daemon.admin.AdminApi.Progress;
import io.tiermount.daemon.admin.AdminApi.ProgressSink;
import io.tiermount.daemon.admin.AdminException;
import io.tiermount.daemon.admin.AdminException.Kind;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The {@code cache} commands that name paths. Safe from any thread. */
final class CacheTasks {
  private final Mounts mounts;

  CacheTasks(Mounts mounts) {
    this.mounts = mounts;
  }

  /** Reads files, and all that directories hold, into the cache. */
  CacheResult warm(List<String> paths, ProgressSink progress)
      throws AdminException, InterruptedException {
    List<Path> roots = new ArrayList<>();
    for (String path : paths) {
      Target target = target(path);
      roots.add(target.path());
    }
    return new WarmRun(progress).run(roots);
  }

  /** Drops clean content of files, and of all that directories hold, from the cache. */
  CacheResult evict(List<String> paths, ProgressSink progress) throws AdminException {
    long files = 0;
    long bytes = 0;
    List<String> problems = new ArrayList<>();
    for (String path : paths) {
      Target target = target(path);
      try {
        CacheResult one = target.driver().evict(target.mount().relativize(target.path()));
        files += one.files();
        bytes += one.bytes();
        problems.addAll(one.problems());
        progress.report(new Progress(files, bytes, 0, 0));
      } catch (IOException e) {
        throw new AdminException(Kind.FAILED, path + ": " + e.getMessage(), e);
      }
    }
    return new CacheResult(files, bytes, problems.subList(0, Math.min(100, problems.size())));
  }

  private record Target(Path path, Path mount, MountDriver driver) {}

  private Target target(String text) throws AdminException {
    Path path = Path.of(text).toAbsolutePath().normalize();
    Mount mount =
        mounts
            .holding(path)
            .orElseThrow(() ->
                new AdminException(
                    Kind.NOT_FOUND, path + " does not lie in a mount of this daemon"));
    @Nullable MountDriver driver = mount.driver();
    if (driver == null) {
      throw new AdminException(
          Kind.FAILED, mount.config().path() + " is not mounted now: see tiermount status");
    }
    if (!driver.cached()) {
      throw new AdminException(
          Kind.BAD_REQUEST,
          mount.config().path() + " is a bind mount: its files are local, nothing is cached");
    }
    return new Target(path, mount.config().path(), driver);
  }
}
