package io.tiermount.fs.volume;

/** What a name stands for. */
public sealed interface Resolution {
  /**
   * Something is there.
   *
   * @param segment of the key it stands for
   */
  record Found(String segment, Facts facts) implements Resolution {}

  /**
   * Nothing is there.
   *
   * @param sinceMillis when the store said so
   */
  record Missing(long sinceMillis) implements Resolution {}
}
