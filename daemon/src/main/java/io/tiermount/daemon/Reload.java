package io.tiermount.daemon;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.tiermount.backends.os.FileStamps;
import io.tiermount.daemon.admin.ReloadReport;
import io.tiermount.daemon.admin.ReloadReport.Outcome;
import io.tiermount.daemon.admin.ReloadReport.Step;
import io.tiermount.daemon.config.InvalidConfigException;
import io.tiermount.daemon.config.MountConfig;
import io.tiermount.daemon.config.TiermountConfig;
import io.tiermount.fs.cache.CacheOptions;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings a running daemon to what its files say now (SEMANTICS G1–G7). A file that is wrong
 * anywhere changes nothing. What did not change is not touched: its descriptors, mappings and
 * passthrough go on. One at a time; any thread.
 */
final class Reload {
  private static final Logger log = LoggerFactory.getLogger(Reload.class);

  /** What one mount's pending changes may take to reach the store before it stays as it was. */
  private static final Duration DRAIN = Duration.ofSeconds(20);

  private final ConfigReading reading;
  private final Mounts mounts;
  private final NodeCache cache;
  private final long memoryMaxBytes;

  /** What is in force, but for mounts that stayed as they were. */
  @GuardedBy("this")
  private TiermountConfig current;

  @GuardedBy("this")
  private FileStamps files;

  @GuardedBy("this")
  private FileStamps secrets;

  /** The sizes in force: others may be written that wait for a start. */
  @GuardedBy("this")
  private CacheOptions sizes;

  /** The mounts that the files named at some time; others were ordered by command. */
  @GuardedBy("this")
  private final Set<Path> configured = new TreeSet<>();

  Reload(ConfigReading reading, TiermountConfig first, Mounts mounts, NodeCache cache) {
    this.reading = reading;
    this.current = first;
    this.sizes = first.cache();
    this.memoryMaxBytes = first.memoryMaxBytes();
    this.mounts = mounts;
    this.cache = cache;
    this.files = FileStamps.of(reading.files());
    this.secrets = FileStamps.of(first.volumes().secrets());
    first.mounts().forEach(mount -> configured.add(mount.path()));
  }

  /** True where the files are not those that were read last. */
  synchronized boolean filesChanged() {
    return !FileStamps.of(reading.files()).equals(files);
  }

  /** True where a secret that volumes need is another, or is there now. */
  synchronized boolean secretsChanged() {
    return secrets.changed();
  }

  /** How all of them look now, to see whether they rest. */
  synchronized FileStamps stamps() {
    List<Path> all = new ArrayList<>(reading.files());
    all.addAll(current.volumes().secrets());
    return FileStamps.of(all);
  }

  /** Whether the files in force want to be followed. */
  synchronized boolean follows() {
    return current.node().reload();
  }

  /**
   * Reads the files and does what they say.
   *
   * @throws InvalidConfigException with every error; nothing was changed
   */
  synchronized ReloadReport run() throws InvalidConfigException {
    // Before they are read: what changes meanwhile is seen as a change.
    files = FileStamps.of(reading.files());
    secrets = FileStamps.of(current.volumes().secrets());
    TiermountConfig next = reading.read();
    log.debug("{} was read", reading.files());
    List<Step> steps = new ArrayList<>();
    resize(next, steps);
    if (!Objects.equals(next.node().logLevels(), current.node().logLevels())) {
      relog(next, steps);
    }
    if (next.memoryMaxBytes() != memoryMaxBytes) {
      steps.add(new Step("memory.max", Outcome.KEPT, AT_START));
    }
    Map<Path, MountConfig> wanted = new TreeMap<>();
    next.mounts().forEach(mount -> wanted.put(mount.path(), mount));
    remove(wanted.keySet(), next.skipped(), steps);
    mounts.skipped(next.skipped());
    // A mount inside another comes after it: a path sorts behind its beginning.
    wanted.values().forEach(mount -> bring(mount, steps));
    configured.addAll(wanted.keySet());
    List<String> known = current.notices();
    next.notices().stream().filter(notice -> !known.contains(notice)).forEach(log::info);
    if (!next.volumes().secrets().equals(current.volumes().secrets())) {
      secrets = FileStamps.of(next.volumes().secrets());
    }
    current = next;
    ReloadReport report = new ReloadReport(steps);
    log(report);
    return report;
  }

  private static final String AT_START = "it is taken at the next start of the daemon";

  @GuardedBy("this")
  private void resize(TiermountConfig next, List<Step> steps) {
    if (sizes.equals(next.cache())) {
      return;
    }
    if (sizes.differsInSizesAlone(next.cache())) {
      cache.resize(next.cache());
      sizes = next.cache();
      steps.add(new Step("storage.cache", Outcome.CHANGED, ""));
    } else {
      steps.add(
          new Step(
              "storage.cache",
              Outcome.KEPT,
              "sizes alone change while the daemon runs; for directories, block_size and verify "
                  + AT_START));
    }
  }

  private static void relog(TiermountConfig next, List<Step> steps) {
    if (next.node().logLevels() == null) {
      steps.add(new Step("log_levels", Outcome.KEPT, "without the key " + AT_START));
    } else {
      DaemonLog.levels(next.node().logLevels());
      steps.add(new Step("log_levels", Outcome.CHANGED, ""));
    }
  }

  /** The deepest first: a mount with another in it is in use. */
  @GuardedBy("this")
  private void remove(Set<Path> wanted, Map<String, String> skipped, List<Step> steps) {
    List<Path> gone =
        configured.stream()
            .filter(path -> !wanted.contains(path))
            .sorted(Comparator.reverseOrder())
            .toList();
    for (Path path : gone) {
      Optional<Mount> there = mounts.at(path);
      if (there.isEmpty()) {
        configured.remove(path);
        continue;
      }
      String undefined = skipped.get(there.get().config().name());
      if (undefined != null) {
        steps.add(new Step(path.toString(), Outcome.KEPT, undefined));
        continue;
      }
      String why = mounts.release(there.get(), DRAIN);
      if (why == null) {
        configured.remove(path);
        steps.add(new Step(path.toString(), Outcome.REMOVED, ""));
      } else {
        steps.add(
            new Step(
                path.toString(),
                Outcome.KEPT,
                why + "; the next reload tries again, tiermount umount does not wait"));
      }
    }
  }

  @GuardedBy("this")
  private void bring(MountConfig next, List<Step> steps) {
    Path path = next.path();
    Optional<Mount> there = mounts.at(path);
    if (there.isEmpty()) {
      start(next, Outcome.ADDED, "", steps);
      return;
    }
    Mount mount = there.get();
    if (!configured.contains(path)) {
      steps.add(
          new Step(
              path.toString(),
              Outcome.KEPT,
              "something else was mounted here by command: tiermount umount " + path));
      return;
    }
    MountState state = mount.started().join();
    if (state instanceof MountState.Failed || mount.state() instanceof MountState.Failed) {
      start(next, Outcome.ADDED, "", steps);
      return;
    }
    if (mount.config().equals(next)) {
      return;
    }
    MountDriver driver = mount.driver();
    if (driver != null && driver.change(next)) {
      mount.change(next);
      steps.add(new Step(path.toString(), Outcome.CHANGED, ""));
      return;
    }
    String why = mounts.release(mount, DRAIN);
    if (why == null) {
      start(next, Outcome.REMOUNTED, "what changed is fixed while it is mounted", steps);
    } else {
      steps.add(
          new Step(
              path.toString(),
              Outcome.KEPT,
              "what changed needs a remount, and " + why + "; the next reload tries again"));
    }
  }

  private void start(MountConfig next, Outcome outcome, String reason, List<Step> steps) {
    String path = next.path().toString();
    try {
      steps.add(
          mounts.start(next) instanceof MountState.Failed(String why)
              ? new Step(path, Outcome.FAILED, why)
              : new Step(path, outcome, reason));
    } catch (IOException e) {
      steps.add(new Step(path, Outcome.FAILED, String.valueOf(e.getMessage())));
    }
  }

  private static void log(ReloadReport report) {
    if (report.steps().isEmpty()) {
      log.info("reloaded: nothing changed");
    }
    for (Step step : report.steps()) {
      String text = step.reason().isEmpty() ? "" : ": " + step.reason();
      log.info("reloaded: {} {}{}", step.what(), step.outcome().label(), text);
    }
  }
}
