package io.tiermount.fs.cache;

import io.tiermount.fs.cache.Extent.Place;
import io.tiermount.fs.meta.MetaException;

/**
 * How what happens to one content's extents is written down: its records, the queues of eviction
 * and the ledger of its directory, all in one change of the index, so that they can't come to
 * disagree.
 *
 * <p>Writes the index only and remembers nothing: the caller publishes in memory what is returned
 * here, after it was returned. Where a {@link MetaException} is thrown nothing has changed.
 *
 * <p>Threads: whoever holds the {@link Content}'s lock.
 *
 * @param home where the content's data file lies
 */
record ContentBooks(ContentKey key, long sizeBytes, CacheDirectory home) {
  /**
   * Chunks of an extent may take space from here on.
   *
   * @param more the content's record, with this extent counted
   * @param first the index has nothing of the content yet
   * @param old the extent as it is in the index
   * @param reservedBytes given back to the directory, also on failure: what is charged takes their
   *     place
   * @param queue where the extent joins at the tail, unless it stands in one already
   * @return the extent as it is in the index now
   */
  Extent allocate(
      ContentRecord more,
      boolean first,
      int number,
      Extent old,
      long chunks,
      long reservedBytes,
      byte queue)
      throws MetaException {
    boolean fresh = !old.isPlaced();
    Extent[] next = {old};
    home.change(
        reservedBytes,
        (change, ledger, position) -> {
          Place place = fresh ? new Place(queue, position) : old.place();
          next[0] = old.allocate(chunks, place);
          if (first) {
            change.newContent(key, more);
          } else if (fresh) {
            change.putContent(key, more);
          }
          change.putExtent(more.id(), number, next[0]);
          if (fresh) {
            change.enqueue(home.id(), place, more.id(), number);
          }
          long charge = charge(number, next[0]) - charge(number, old);
          return CacheDirectory.add(place, charge).apply(ledger);
        });
    return next[0];
  }

  /**
   * An extent takes no space any more; the content goes with its last one.
   *
   * @param less the content's record, without this extent
   * @param old the extent as it is in the index
   * @return the bytes that are no longer charged
   */
  long free(ContentRecord less, int number, Extent old) throws MetaException {
    long bytes = charge(number, old);
    home.change(
        0,
        (change, ledger, _) -> {
          change.removeExtent(less.id(), number);
          change.dequeue(home.id(), old.place());
          if (less.extents() == 0) {
            change.removeContent(key, less.id());
          } else {
            change.putContent(key, less);
          }
          return CacheDirectory.add(old.place(), -bytes).apply(ledger);
        });
    return bytes;
  }

  /**
   * Moves an extent to the tail of a queue.
   *
   * @param old the extent as it is in the index
   * @return the extent as it is in the index now
   */
  Extent move(long contentId, int number, Extent old, byte queue) throws MetaException {
    long bytes = charge(number, old);
    Extent[] next = {old};
    home.change(
        0,
        (change, ledger, position) -> {
          Place place = new Place(queue, position);
          next[0] = old.move(place);
          change.dequeue(home.id(), old.place());
          change.enqueue(home.id(), place, contentId, number);
          change.putExtent(contentId, number, next[0]);
          var without = CacheDirectory.add(old.place(), -bytes).apply(ledger);
          return CacheDirectory.add(place, bytes).apply(without);
        });
    return next[0];
  }

  private long charge(int number, Extent extent) {
    return Chunks.charge(sizeBytes, number, extent.allocated());
  }
}
