package io.tiermount.fs.tree;

/**
 * What is written down of an open beside what {@link Handles} knows by itself.
 *
 * @param unique of the request
 * @param facts what it is opened on, encoded
 */
public record OpenNote(long unique, byte[] facts) {
  /** Where nothing is written down. */
  public static final OpenNote NONE = new OpenNote(0, new byte[0]);
}
