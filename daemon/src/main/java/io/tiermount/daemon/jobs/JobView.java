package io.tiermount.daemon.jobs;

import io.tiermount.daemon.config.AwaitedSecret;
import io.tiermount.daemon.config.JobVolume;
import io.tiermount.daemon.config.MountConfig;
import io.tiermount.daemon.config.TiermountConfig;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Which mounts a job sees: of tiermount's its own volumes alone.
 *
 * @param hidden what is taken away, the last mounted first; a path twice where two mounts lie on it
 */
public record JobView(List<Path> hidden) {
  private static final String OURS = "fuse.tiermount";

  public JobView {
    hidden = List.copyOf(hidden);
  }

  /**
   * What to hide.
   *
   * @param mounted the kernel's table, in its order
   * @throws JobVolumeException where a volume is not mounted, or can't be seen without another
   */
  public static JobView of(
      TiermountConfig config, JobVolumesChoice choice, List<MountedPath> mounted)
      throws JobVolumeException {
    List<JobVolume> wanted = new ArrayList<>(choice.data());
    choice.outputs().ifPresent(wanted::add);
    Set<Path> seen = new HashSet<>();
    for (JobVolume volume : wanted) {
      if (mounted.stream().noneMatch(mount -> mount.path().equals(volume.path()))) {
        AwaitedSecret secret = config.volumes().awaited().get(volume.name());
        throw new JobVolumeException(
            "%s is not mounted on %s: %s"
                .formatted(
                    volume.name(),
                    volume.path(),
                    secret == null ? "see tiermount status" : secret.why()));
      }
      seen.add(volume.path());
    }
    Set<Path> ours = new HashSet<>();
    config.mounts().stream().map(MountConfig::path).forEach(ours::add);
    config.volumes().all().stream().map(JobVolume::path).forEach(ours::add);
    List<Path> hidden = new ArrayList<>();
    for (MountedPath mount : mounted.reversed()) {
      boolean isOurs = mount.type().startsWith(OURS) || ours.contains(mount.path());
      if (!isOurs || seen.contains(mount.path())) {
        continue;
      }
      for (Path volume : seen) {
        if (volume.startsWith(mount.path())) {
          throw new JobVolumeException(
              volume + " lies in the mount " + mount.path() + ", which the job does not get");
        }
      }
      hidden.add(mount.path());
    }
    return new JobView(hidden);
  }

  /** True for what the job can't reach by its path. */
  public boolean hides(Path path) {
    return hidden.stream().anyMatch(path::startsWith);
  }
}
