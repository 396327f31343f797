package io.tiermount.fs.cache;

/**
 * What is known of one extent, as it is in the index too. Immutable: a change makes another, which
 * is published only after the index took it.
 *
 * @param generation another number after each removal of chunks, and after each loading: a reader
 *     that finds the same generation after its pread knows that nothing was punched meanwhile
 * @param allocated chunks that may take space in the data file: set before bytes are written,
 *     cleared after they were punched
 * @param present chunks whose bytes are whole
 * @param crcs CRC-32C of each present chunk, at the chunk's place of 64; never changed in place
 * @param place where it stands in the order of eviction
 */
@SuppressWarnings("ArrayRecordComponent") // Never compared by value, and shared as it is.
record Extent(long generation, long allocated, long present, int[] crcs, Place place) {
  private static final int[] NO_CRCS = new int[Chunks.PER_EXTENT];

  /**
   * A place in a queue of eviction.
   *
   * @param queue {@link #NONE}, {@link #SMALL} or {@link #MAIN}
   */
  record Place(byte queue, long position) {
    static final byte NONE = 0;
    static final byte SMALL = 1;
    static final byte MAIN = 2;
    static final Place NOWHERE = new Place(NONE, 0);
  }

  static Extent empty(long generation) {
    return new Extent(generation, 0, 0, NO_CRCS, Place.NOWHERE);
  }

  boolean has(long chunks) {
    return (present & chunks) == chunks;
  }

  /** It stands in a queue of eviction. */
  boolean isPlaced() {
    return place.queue() != Place.NONE;
  }

  Extent allocate(long chunks, Place place) {
    return new Extent(generation, allocated | chunks, present, crcs, place);
  }

  /** With more chunks present; {@code newCrcs} at their places of 64. */
  Extent add(long chunks, int[] newCrcs) {
    int[] merged = crcs.clone();
    for (long rest = chunks; rest != 0; rest &= rest - 1) {
      int chunk = Long.numberOfTrailingZeros(rest);
      merged[chunk] = newCrcs[chunk];
    }
    return new Extent(generation, allocated | chunks, present | chunks, merged, place);
  }

  /** With chunks gone that still take space. */
  Extent remove(long chunks, long newGeneration) {
    return new Extent(newGeneration, allocated, present & ~chunks, crcs, place);
  }

  Extent move(Place newPlace) {
    return new Extent(generation, allocated, present, crcs, newPlace);
  }
}
