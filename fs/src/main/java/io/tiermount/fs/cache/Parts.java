package io.tiermount.fs.cache;

/**
 * What all of a cache's contents use.
 *
 * @param checked what was checked a moment ago
 * @param verifyReads check every daemon-served read
 * @param manyLoaded called, without locks, when more extents are in memory than there should be
 */
record Parts(
    BlockIndex index,
    Counters counters,
    Trouble trouble,
    Scratch scratch,
    Frequency frequency,
    CheckedChunks checked,
    boolean verifyReads,
    Runnable manyLoaded) {
  /** Extents in memory, about 350 B each: 23 MiB. */
  static final int MAX_LOADED_EXTENTS = 1 << 16;
}
