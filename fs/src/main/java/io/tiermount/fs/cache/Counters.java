package io.tiermount.fs.cache;

import java.util.concurrent.atomic.LongAdder;

/** What the cache counts while it works. */
final class Counters {
  final LongAdder hitRequests = new LongAdder();
  final LongAdder hitBytes = new LongAdder();
  final LongAdder missRequests = new LongAdder();
  final LongAdder missBytes = new LongAdder();
  final LongAdder fetches = new LongAdder();
  final LongAdder fetchedBytes = new LongAdder();
  final LongAdder failedFetches = new LongAdder();
  final LongAdder notKeptBytes = new LongAdder();
  final LongAdder evictedExtents = new LongAdder();
  final LongAdder evictedBytes = new LongAdder();
  final LongAdder badChunks = new LongAdder();
  final LongAdder lostFiles = new LongAdder();

  /** How many of 64 chunks' records are in memory, over all contents. */
  final LongAdder loadedExtents = new LongAdder();
}
