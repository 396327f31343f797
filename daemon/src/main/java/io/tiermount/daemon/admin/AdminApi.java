package io.tiermount.daemon.admin;

import java.time.Instant;
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

  /** Waits until what is pending is in the store; progress as with {@link #cache}. */
  SyncResult sync(SyncOrder order, ProgressSink progress)
      throws AdminException, InterruptedException;

  /**
   * What to wait for.
   *
   * @param paths empty for all mounts
   * @param timeoutMillis through failures for so long; 0 for as long as it takes, up to the first
   *     failed attempt
   */
  record SyncOrder(List<String> paths, long timeoutMillis) {
    public SyncOrder {
      paths = List.copyOf(paths);
    }
  }

  /**
   * What became of it.
   *
   * @param changes how many changes the store has that it did not have before
   * @param bytes their content, at most
   * @param unfinished files left out: their writers have neither closed nor synced them
   * @param timedOut false where waiting longer would have made no difference
   * @param left how many changes are not in the store
   * @param failed at most 100 of these
   */
  record SyncResult(
      long changes,
      long bytes,
      long unfinished,
      boolean timedOut,
      long left,
      List<NotSent> failed) {
    public SyncResult {
      failed = List.copyOf(failed);
    }
  }

  /** One change that is not in the store. */
  record NotSent(String path, String reason) {}

  /** What was written here and is no version of its file; never asks a store. */
  LostFiles lost() throws AdminException;

  /** Deletes one of {@link #lost}; {@code NOT_FOUND} where there is none of that id. */
  void drop(DropOrder order) throws AdminException;

  /** The mount's path, and an id of {@link LostFile}. */
  record DropOrder(String mount, long id) {}

  /** The oldest of each mount first. */
  record LostFiles(List<LostFile> lost) {
    public LostFiles {
      lost = List.copyOf(lost);
    }
  }

  /**
   * Content that is kept for a person to look at.
   *
   * @param id no other of this daemon has it
   * @param mount path of the mount
   * @param path the file's, as it was then
   * @param file where the content lies
   */
  record LostFile(
      long id, String mount, String path, long bytes, Instant lostAt, String reason, String file) {}

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
