package io.tiermount.fs.meta;

/** The column families of {@code index/}: everything here may be lost. */
public enum IndexColumn {
  /** Counters and marks of the cache. */
  CACHE,
  /** Content key → content. */
  CONTENTS,
  /** Content id → content key. */
  CONTENT_IDS,
  /** Content id, extent → presence, checksums. */
  EXTENTS,
  /** Directory, queue, position → extent: the order of eviction. */
  EVICTION,
  /** Objects' and directories' attributes. */
  ATTRIBUTES,
  /** Directory listings. */
  LISTINGS
}
