package io.tiermount.daemon.config;

import java.util.List;

/** A configuration that is refused whole, with everything that is wrong with it. */
public final class InvalidConfigException extends Exception {
  private static final long serialVersionUID = 1L;

  private final transient List<ConfigError> errors;

  InvalidConfigException(List<ConfigError> errors) {
    super(ConfigError.text(errors));
    this.errors = List.copyOf(errors);
  }

  /** Sorted by file and line; at least one. */
  public List<ConfigError> errors() {
    return errors;
  }
}
