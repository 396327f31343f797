package io.tiermount.daemon.config;

/**
 * Where a value stands.
 *
 * @param file as the operator named it, or where else it comes from
 * @param line from 1; 0 for none
 */
record Position(String file, int line) {
  /** In words, for messages about another place: {@code mounts.conf:12}. */
  String text() {
    return line > 0 ? file + ":" + line : file;
  }
}
