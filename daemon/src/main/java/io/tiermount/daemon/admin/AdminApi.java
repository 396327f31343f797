package io.tiermount.daemon.admin;

import java.util.List;
import java.util.Map;

/**
 * What a daemon can be asked. Every call may block (one virtual thread each) and is interrupted
 * when its caller hangs up.
 */
public interface AdminApi {
  /** The whole daemon as {@code status} shows it; reads counters only, never a store. */
  DaemonReport status();

  /**
   * Mounts and returns once the mount answers.
   *
   * @throws AdminException {@code BAD_CONFIG}, or {@code FAILED} with the reason
   */
  MountReport mount(MountOrder order) throws AdminException;

  /** Drains and unmounts; {@code NOT_FOUND} where nothing of ours is mounted there. */
  void unmount(String path) throws AdminException;

  /** Begins a real stop: all is unmounted, nobody follows. Returns at once. */
  void stop();

  /**
   * Reads the configuration's files again and does what they say.
   *
   * @throws AdminException {@code BAD_CONFIG} with everything that is wrong, nothing being changed;
   *     {@code NOT_FOUND} where the daemon has no files
   */
  ReloadReport reload() throws AdminException;

  /** Long work on the cache. Progress is reported as it goes; the result once, at the end. */
  CacheResult cache(CacheOrder order, ProgressSink progress)
      throws AdminException, InterruptedException;

  /**
   * One mount without a file.
   *
   * @param options {@code KEY=VALUE} each
   * @param environment what of the caller's environment credentials are found by
   */
  record MountOrder(
      String source, String path, List<String> options, Map<String, String> environment) {
    public MountOrder {
      options = List.copyOf(options);
      environment = Map.copyOf(environment);
    }

    /** Names no value of the environment: they may be secrets. */
    @Override
    public String toString() {
      return "MountOrder[" + source + " on " + path + "]";
    }
  }

  /** What to do with the cache. */
  record CacheOrder(Action action, List<String> paths) {
    public CacheOrder {
      paths = List.copyOf(paths);
    }

    /** The sub-commands of {@code cache}. */
    public enum Action {
      WARM,
      EVICT,
      VERIFY
    }
  }

  /**
   * What became of it.
   *
   * @param files how many were warmed, evicted or verified
   * @param bytes how many bytes that was
   * @param problems a line each, at most 100; empty where all went well
   */
  record CacheResult(long files, long bytes, List<String> problems) {
    public CacheResult {
      problems = List.copyOf(problems);
    }
  }

  /** Takes progress; cheap, may be called often, from any thread. */
  @FunctionalInterface
  interface ProgressSink {
    void report(Progress progress);
  }

  /**
   * How far long work has come.
   *
   * @param totalBytes 0 while it is not known
   */
  record Progress(long files, long bytes, long totalFiles, long totalBytes) {}
}
