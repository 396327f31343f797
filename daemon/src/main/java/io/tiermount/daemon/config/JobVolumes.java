package io.tiermount.daemon.config;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The volumes of {@code persistence}.
 *
 * @param all in the order in which they were defined: file, line, name
 * @param awaited those whose secret is not there yet
 * @param secrets the files of all secrets, there or not
 */
public record JobVolumes(
    List<JobVolume> all, Map<String, AwaitedSecret> awaited, List<Path> secrets) {
  /** A configuration without any. */
  public static final JobVolumes NONE = new JobVolumes(List.of(), Map.of(), List.of());

  public JobVolumes {
    all = List.copyOf(all);
    awaited = Map.copyOf(awaited);
    secrets = List.copyOf(secrets);
  }

  /** What a job that names no data gets. */
  public List<JobVolume> defaultData() {
    return all.stream().filter(volume -> volume.kind() == JobVolume.Kind.DATA).toList();
  }

  /** What a job that names no outputs gets: the first that can be written, always the same. */
  public Optional<JobVolume> defaultOutputs() {
    return all.stream()
        .filter(volume -> volume.kind() == JobVolume.Kind.OUTPUTS && !volume.readOnly())
        .findFirst();
  }
}
