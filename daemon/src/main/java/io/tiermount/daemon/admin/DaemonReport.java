package io.tiermount.daemon.admin;

import java.time.Instant;
import java.util.List;
import java.util.Map;

/**
 * A daemon as {@code status --json} shows it.
 *
 * @param watchdog what it did
 * @param cache counters of the cache with {@code directory} first
 */
public record DaemonReport(
    long pid,
    String version,
    Instant startedAt,
    Map<String, Object> cache,
    Map<String, Object> watchdog,
    List<MountReport> mounts) {
  public DaemonReport {
    mounts = List.copyOf(mounts);
  }
}
