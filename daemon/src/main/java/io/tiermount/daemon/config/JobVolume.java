package io.tiermount.daemon.config;

import java.nio.file.Path;

/**
 * A volume that jobs may name.
 *
 * @param path where it is mounted
 */
public record JobVolume(String name, Kind kind, Path path, boolean readOnly) {
  /** What a job does with it. */
  public enum Kind {
    /** Reads it; {@code --data}. */
    DATA,
    /** Leaves its results there; {@code --outputs}. */
    OUTPUTS
  }
}
