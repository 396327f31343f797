package io.tiermount.daemon;

import io.tiermount.daemon.admin.AdminApi.DropOrder;
import io.tiermount.daemon.admin.AdminApi.LostFile;
import io.tiermount.daemon.admin.AdminApi.LostFiles;
import io.tiermount.daemon.admin.AdminApi.NotSent;
import io.tiermount.daemon.admin.AdminApi.Progress;
import io.tiermount.daemon.admin.AdminApi.ProgressSink;
import io.tiermount.daemon.admin.AdminApi.SyncOrder;
import io.tiermount.daemon.admin.AdminApi.SyncResult;
import io.tiermount.daemon.admin.AdminException;
import io.tiermount.daemon.admin.AdminException.Kind;
import io.tiermount.fs.volume.Backlog;
import io.tiermount.fs.volume.SyncRun;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Commands about what was written and the store does not have. Safe from any thread. */
final class WriteTasks {
  private static final long LOOK_MILLIS = 20;
  private static final int MAX_FAILED = 100;

  private final Mounts mounts;

  WriteTasks(Mounts mounts) {
    this.mounts = mounts;
  }

  private record Run(Path mount, SyncRun sync) {}

  /** Waits for the store; all mounts at once. */
  SyncResult sync(SyncOrder order, ProgressSink progress)
      throws AdminException, InterruptedException {
    long endNanos = System.nanoTime() + Duration.ofMillis(order.timeoutMillis()).toNanos();
    boolean patient = order.timeoutMillis() > 0;
    List<Run> runs = begin(order.paths());
    boolean late = false;
    while (true) {
      boolean over = true;
      for (Run run : runs) {
        over &= run.sync.look(patient);
      }
      progress.report(
          new Progress(
              runs.stream().mapToLong(run -> run.sync.done()).sum(),
              runs.stream().mapToLong(run -> run.sync.doneBytes()).sum(),
              runs.stream().mapToLong(run -> run.sync.total()).sum(),
              runs.stream().mapToLong(run -> run.sync.totalBytes()).sum()));
      late = patient && !over && System.nanoTime() - endNanos >= 0;
      if (over || late) {
        return result(runs, late);
      }
      Thread.sleep(LOOK_MILLIS);
    }
  }

  private List<Run> begin(List<String> paths) throws AdminException {
    List<Run> runs = new ArrayList<>();
    if (paths.isEmpty()) {
      for (Mount mount : mounts.all()) {
        add(runs, mount, mount.config().path());
      }
      return runs;
    }
    for (String text : paths) {
      Path path = Path.of(text).toAbsolutePath().normalize();
      Mount mount =
          mounts
              .holding(path)
              .orElseThrow(() ->
                  new AdminException(
                      Kind.NOT_FOUND, path + " does not lie in a mount of this daemon"));
      if (mount.driver() == null) {
        throw new AdminException(
            Kind.FAILED, mount.config().path() + " is not mounted now: see tiermount status");
      }
      add(runs, mount, path);
    }
    return runs;
  }

  /** Nothing is pending where nothing is written, or all is local. */
  private static void add(List<Run> runs, Mount mount, Path path) {
    MountDriver driver = mount.driver();
    Backlog backlog = driver == null ? null : driver.backlog();
    if (backlog != null) {
      Path root = mount.config().path();
      runs.add(new Run(root, backlog.sync(root.relativize(path))));
    }
  }

  private static SyncResult result(List<Run> runs, boolean late) {
    long changes = 0;
    long bytes = 0;
    long unfinished = 0;
    List<NotSent> failed = new ArrayList<>();
    for (Run run : runs) {
      changes += run.sync.done();
      bytes += run.sync.doneBytes();
      unfinished += run.sync.unfinished();
      List<Backlog.Failing> left = new ArrayList<>(run.sync.lost());
      left.addAll(run.sync.left());
      left.forEach(each ->
          failed.add(new NotSent(run.mount.resolve(each.path()).toString(), each.reason())));
    }
    return new SyncResult(
        changes,
        bytes,
        unfinished,
        late,
        failed.size(),
        failed.subList(0, Math.min(MAX_FAILED, failed.size())));
  }

  /** What is kept of all mounts. */
  LostFiles lost() throws AdminException {
    List<LostFile> all = new ArrayList<>();
    for (Mount mount : mounts.all()) {
      Path root = mount.config().path();
      MountDriver driver = mount.driver();
      Backlog backlog = driver == null ? null : driver.backlog();
      if (backlog != null) {
        try {
          backlog
              .lost()
              .forEach(each ->
                  all.add(
                      new LostFile(
                          each.id(),
                          root.toString(),
                          root.resolve(each.path()).toString(),
                          each.sizeBytes(),
                          each.lostAt(),
                          each.reason(),
                          each.file().toString())));
        } catch (IOException e) {
          throw new AdminException(Kind.FAILED, root + ": " + e.getMessage(), e);
        }
      }
    }
    return new LostFiles(all);
  }

  /** Deletes what is kept. */
  void drop(DropOrder order) throws AdminException {
    MountDriver driver = mounts.at(Path.of(order.mount())).map(Mount::driver).orElse(null);
    Backlog backlog = driver == null ? null : driver.backlog();
    try {
      if (backlog == null || !backlog.drop(order.id())) {
        throw new AdminException(
            Kind.NOT_FOUND,
            "nothing is kept as %d of %s: tiermount recover list"
                .formatted(order.id(), order.mount()));
      }
    } catch (IOException e) {
      throw new AdminException(Kind.FAILED, String.valueOf(e.getMessage()), e);
    }
  }
}
