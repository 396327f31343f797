package io.tiermount.backends.s3.keys;

import java.nio.file.Path;
import java.util.Map;

/**
 * What of its surroundings keys are found by, in AWS's own names ("AWS SDKs and Tools Reference
 * Guide", "Environment variables list"). Given rather than read, so that one process can tell its
 * own from a caller's.
 *
 * @param home where {@code .aws/} lies
 */
public record AwsEnvironment(Map<String, String> variables, Path home) {
  public AwsEnvironment {
    variables = Map.copyOf(variables);
  }

  /** This process's own. */
  public static AwsEnvironment ofProcess() {
    return of(System.getenv());
  }

  /** With the home directory that the variables name, or this process's own. */
  public static AwsEnvironment of(Map<String, String> variables) {
    String home = variables.getOrDefault("HOME", "");
    return new AwsEnvironment(
        variables, Path.of(home.isEmpty() ? System.getProperty("user.home", "/") : home));
  }

  /** "" where it is not set. */
  String get(String name) {
    return variables.getOrDefault(name, "").strip();
  }

  boolean isTrue(String name) {
    return get(name).equalsIgnoreCase("true");
  }

  Path credentialsFile() {
    return file("AWS_SHARED_CREDENTIALS_FILE", "credentials");
  }

  Path configFile() {
    return file("AWS_CONFIG_FILE", "config");
  }

  private Path file(String variable, String name) {
    String named = get(variable);
    if (named.isEmpty()) {
      return home.resolve(".aws").resolve(name);
    }
    return named.startsWith("~/") ? home.resolve(named.substring(2)) : Path.of(named);
  }

  String profile() {
    String named = get("AWS_PROFILE");
    return named.isEmpty() ? "default" : named;
  }

  String region() {
    String region = get("AWS_REGION");
    return region.isEmpty() ? get("AWS_DEFAULT_REGION") : region;
  }

  /** Names no value: some are secrets. */
  @Override
  public String toString() {
    return "AwsEnvironment[" + variables.size() + " variables]";
  }
}
