package io.tiermount.daemon.cli;

import picocli.CommandLine.Option;

/** The option that every printing command has. */
final class Output {
  @Option(
      names = "--json",
      description = "Print JSON (stable field names, bytes, ISO-8601 times in UTC).")
  private boolean json;

  boolean json() {
    return json;
  }
}
