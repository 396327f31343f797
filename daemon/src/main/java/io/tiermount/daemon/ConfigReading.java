package io.tiermount.daemon;

import io.tiermount.daemon.config.InvalidConfigException;
import io.tiermount.daemon.config.TiermountConfig;
import java.nio.file.Path;
import java.util.List;

/** Where a daemon's configuration comes from, to be read again. */
interface ConfigReading {
  /**
   * Reads it as it is now.
   *
   * @throws InvalidConfigException with every error
   */
  TiermountConfig read() throws InvalidConfigException;

  /** The files and directories whose change may mean another one. */
  List<Path> files();
}
