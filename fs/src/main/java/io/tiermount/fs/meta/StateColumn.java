package io.tiermount.fs.meta;

/** The column families of {@code state/}: nothing here may be lost. */
public enum StateColumn {
  /** Counters and marks. */
  STATE,
  /** Node id → parent, name. */
  NODES,
  /** Parent, name → node id. */
  NAMES,
  /** File handle → what it has open. */
  HANDLES,
  /** Directory cookie → key of a listing. */
  COOKIES,
  /** Changes on their way to a store. */
  JOURNAL
}
