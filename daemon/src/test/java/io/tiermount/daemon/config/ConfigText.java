package io.tiermount.daemon.config;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** Parses texts as if they were files. */
final class ConfigText {
  private ConfigText() {}

  static TiermountConfig parse(String text) throws InvalidConfigException {
    return parse(text, Map.of(), new FixedNode());
  }

  static TiermountConfig parse(String text, Map<String, String> environment)
      throws InvalidConfigException {
    return parse(text, environment, new FixedNode());
  }

  static TiermountConfig parse(String text, Map<String, String> environment, NodeFacts node)
      throws InvalidConfigException {
    try {
      Path file = Files.createTempFile("tiermount-config", ".conf");
      try {
        Files.writeString(file, text);
        return new ConfigParser(environment, node).parseFiles(List.of(file));
      } finally {
        Files.delete(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The only mount of a text that holds one. */
  static MountConfig mount(String body) throws InvalidConfigException {
    return mount(body, Map.of());
  }

  static MountConfig mount(String body, Map<String, String> environment)
      throws InvalidConfigException {
    TiermountConfig config = parse("mounts { data { " + body + " } }", environment);
    return config.mounts().getFirst();
  }

  /** What is wrong with a text. */
  static List<ConfigError> errors(String text) {
    return errors(text, Map.of());
  }

  static List<ConfigError> errors(String text, Map<String, String> environment) {
    return errors(text, environment, new FixedNode());
  }

  static List<ConfigError> errors(String text, Map<String, String> environment, NodeFacts node) {
    try {
      parse(text, environment, node);
      throw new AssertionError("this was accepted: " + text);
    } catch (InvalidConfigException e) {
      return e.errors();
    }
  }
}
