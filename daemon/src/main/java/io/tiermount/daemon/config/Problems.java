package io.tiermount.daemon.config;

import java.util.ArrayList;
import java.util.List;

/** Collects errors, so that a person sees all of them at once. One thread. */
final class Problems {
  /** A wrong generator must not fill the screen's history: more are counted only. */
  private static final int MAX_ERRORS = 1000;

  private final List<ConfigError> errors = new ArrayList<>();

  void add(Position at, String key, String found, String accepted, String hint) {
    ConfigError error = new ConfigError(at.file(), at.line(), key, found, accepted, hint);
    if (errors.size() < MAX_ERRORS && !errors.contains(error)) {
      errors.add(error);
    }
  }

  boolean isEmpty() {
    return errors.isEmpty();
  }

  int count() {
    return errors.size();
  }

  void throwIfAny() throws InvalidConfigException {
    if (!errors.isEmpty()) {
      throw new InvalidConfigException(errors.stream().sorted(ConfigError.ORDER).toList());
    }
  }
}
