package io.tiermount.fs.cache;

/**
 * Remembers extents that were evicted after one use only, by fingerprint, in a table of fixed size
 * (512 KiB): one that comes back goes to the main queue at once. Newer ones overwrite older ones.
 * Lost with the process, which costs one more round through the small queue.
 */
final class Ghosts {
  private static final int SLOTS = 1 << 16;
  private final long[] slots = new long[SLOTS];

  synchronized void add(ContentKey key, int extent) {
    long print = fingerprint(key, extent);
    slots[slot(print)] = print;
  }

  /** True where it was remembered; forgets it. */
  synchronized boolean remove(ContentKey key, int extent) {
    long print = fingerprint(key, extent);
    int slot = slot(print);
    if (slots[slot] != print) {
      return false;
    }
    slots[slot] = 0;
    return true;
  }

  private static int slot(long print) {
    return (int) (print >>> 48);
  }

  private static long fingerprint(ContentKey key, int extent) {
    long hash = (((long) key.hashCode()) << 32) ^ (extent * 0x9E3779B97F4A7C15L);
    hash = (hash ^ key.key().length()) * 0xBF58476D1CE4E5B9L;
    return (hash ^ (hash >>> 31)) * 0x94D049BB133111EBL | 1;
  }
}
