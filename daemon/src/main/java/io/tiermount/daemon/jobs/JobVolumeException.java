package io.tiermount.daemon.jobs;

import java.io.IOException;

/** A volume that a job needs is not mounted, or can't be seen without another. */
public final class JobVolumeException extends IOException {
  private static final long serialVersionUID = 1L;

  JobVolumeException(String message) {
    super(message);
  }
}
