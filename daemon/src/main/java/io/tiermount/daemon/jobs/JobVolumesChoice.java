package io.tiermount.daemon.jobs;

import io.tiermount.daemon.config.JobVolume;
import io.tiermount.daemon.config.MountConfig;
import io.tiermount.daemon.config.TiermountConfig;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Which volumes a job gets. By name: the volumes of {@code persistence}, and mounts of the native
 * form, which are data or outputs as they are named.
 *
 * @param outputs empty where there is none that can be written
 */
public record JobVolumesChoice(List<JobVolume> data, Optional<JobVolume> outputs) {
  public JobVolumesChoice {
    data = List.copyOf(data);
  }

  /**
   * Chooses.
   *
   * @param data null for a job that names none: all data volumes
   * @param outputs null for a job that names none: the first that can be written
   * @throws IllegalArgumentException for a name that is unknown or can't be used so, with the known
   */
  public static JobVolumesChoice of(
      TiermountConfig config, @Nullable List<String> data, @Nullable String outputs) {
    List<JobVolume> chosen = new ArrayList<>();
    if (data == null) {
      chosen.addAll(config.volumes().defaultData());
    } else {
      for (String name : data) {
        JobVolume volume = named(config, name, JobVolume.Kind.DATA);
        if (!chosen.contains(volume)) {
          chosen.add(volume);
        }
      }
    }
    if (outputs == null) {
      return new JobVolumesChoice(chosen, config.volumes().defaultOutputs());
    }
    JobVolume volume = named(config, outputs, JobVolume.Kind.OUTPUTS);
    if (volume.readOnly()) {
      throw new IllegalArgumentException(
          outputs + " is read-only: outputs go to a volume that can be written");
    }
    return new JobVolumesChoice(chosen, Optional.of(volume));
  }

  private static JobVolume named(TiermountConfig config, String name, JobVolume.Kind kind) {
    for (JobVolume volume : config.volumes().all()) {
      if (volume.name().equals(name) && volume.kind() == kind) {
        return volume;
      }
    }
    for (MountConfig mount : config.mounts()) {
      if (mount.name().equals(name) && isNative(config, name)) {
        return new JobVolume(name, kind, mount.path(), mount.volume().readOnly());
      }
    }
    TreeSet<String> known = new TreeSet<>();
    config.volumes().all().stream()
        .filter(volume -> volume.kind() == kind)
        .forEach(volume -> known.add(volume.name()));
    config.mounts().stream()
        .map(MountConfig::name)
        .filter(mount -> isNative(config, mount))
        .forEach(known::add);
    String what = kind == JobVolume.Kind.DATA ? "data" : "outputs";
    throw new IllegalArgumentException(
        "no %s volume is named %s: %s"
            .formatted(
                what,
                name,
                known.isEmpty()
                    ? "the configuration has none"
                    : "there is " + String.join(", ", known)));
  }

  private static boolean isNative(TiermountConfig config, String mount) {
    return config.volumes().all().stream().noneMatch(volume -> volume.name().equals(mount));
  }
}
