package io.tiermount.daemon.jobs;

import io.tiermount.daemon.admin.Json;
import io.tiermount.daemon.config.Identity;
import io.tiermount.daemon.config.JobVolume;
import io.tiermount.daemon.config.TiermountConfig;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The variables by which a job finds its volumes. They hold no secret. */
public final class JobEnvironment {
  private static final Pattern RUN_ID = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,127}");

  private JobEnvironment() {}

  /**
   * The variables of a job.
   *
   * @param runId the run's own directory below the outputs volume; null for the volume itself
   */
  public static Map<String, String> of(
      TiermountConfig config, JobVolumesChoice volumes, @Nullable String runId, Json json) {
    Map<String, String> variables = new TreeMap<>();
    Identity identity = config.identity();
    put(variables, "TIERMOUNT_ORG", identity.org());
    put(variables, "TIERMOUNT_CLOUD", identity.cloud());
    put(variables, "TIERMOUNT_CLUSTER", identity.cluster());
    put(variables, "TIERMOUNT_USER", identity.user());
    Map<String, String> data = new LinkedHashMap<>();
    for (JobVolume volume : volumes.data()) {
      data.put(volume.name(), volume.path().toString());
    }
    // Polyaxon's own names beside ours: its jobs read those.
    for (String prefix : new String[] {"TIERMOUNT_", "POLYAXON_RUN_"}) {
      variables.put(prefix + "DATA_PATHS", json.line(data));
      outputsPath(volumes, runId)
          .ifPresent(path -> variables.put(prefix + "OUTPUTS_PATH", path.toString()));
    }
    return variables;
  }

  /**
   * Where a run leaves its results; empty without an outputs volume.
   *
   * @throws IllegalArgumentException for a run id that is no single name
   */
  public static Optional<Path> outputsPath(JobVolumesChoice volumes, @Nullable String runId) {
    if (runId != null && !RUN_ID.matcher(runId).matches()) {
      throw new IllegalArgumentException(
          "the run id "
              + runId
              + " is no name of a directory: letters, digits, . _ -, at most 128, beginning with a"
              + " letter or digit");
    }
    return volumes
        .outputs()
        .map(volume -> runId == null ? volume.path() : volume.path().resolve(runId));
  }

  private static void put(Map<String, String> variables, String name, @Nullable String value) {
    if (value != null && !value.isEmpty()) {
      variables.put(name, value);
    }
  }
}
