package io.tiermount.fs.tree;

/**
 * How many times the kernel was told of each node, minus what it forgot: exact, or the kernel's
 * nodes outlive ours. Open-addressing tables of primitive longs, 16 stripes: about 24 bytes a node,
 * since a kernel may hold millions. Safe from any thread.
 */
final class LookupCounts {
  private static final int STRIPES = 16;
  private static final int MIN_SLOTS = 64;

  private final Stripe[] stripes = new Stripe[STRIPES];

  LookupCounts() {
    for (int i = 0; i < STRIPES; i++) {
      stripes[i] = new Stripe();
    }
  }

  /** Adds lookups and returns the new count. */
  long add(long nodeId, long lookups) {
    return stripe(nodeId).add(nodeId, lookups);
  }

  /** Takes lookups back and returns what is left; never below zero. */
  long remove(long nodeId, long lookups) {
    return stripe(nodeId).remove(nodeId, lookups);
  }

  long get(long nodeId) {
    return stripe(nodeId).get(nodeId);
  }

  /** Nodes the kernel holds. */
  long nodes() {
    long sum = 0;
    for (Stripe stripe : stripes) {
      sum += stripe.size();
    }
    return sum;
  }

  private Stripe stripe(long nodeId) {
    return stripes[(int) (mix(nodeId) >>> 60) & (STRIPES - 1)];
  }

  private static long mix(long id) {
    long h = id * 0x9E3779B97F4A7C15L;
    return h ^ (h >>> 32);
  }

  /** Linear probing, deletion by shifting back; id 0 marks a free slot. */
  private static final class Stripe {
    private long[] ids = new long[MIN_SLOTS];
    private long[] counts = new long[MIN_SLOTS];
    private int size;

    synchronized long add(long id, long lookups) {
      int at = find(id);
      if (ids[at] == id) {
        counts[at] += lookups;
        return counts[at];
      }
      if ((size + 1) * 3 > ids.length * 2) {
        resize(ids.length * 2);
        at = find(id);
      }
      ids[at] = id;
      counts[at] = lookups;
      size++;
      return lookups;
    }

    synchronized long remove(long id, long lookups) {
      int at = find(id);
      if (ids[at] != id) {
        return 0;
      }
      counts[at] -= lookups;
      if (counts[at] > 0) {
        return counts[at];
      }
      free(at);
      size--;
      if (ids.length > MIN_SLOTS && size * 8 < ids.length) {
        resize(ids.length / 2);
      }
      return 0;
    }

    synchronized long get(long id) {
      int at = find(id);
      return ids[at] == id ? counts[at] : 0;
    }

    synchronized int size() {
      return size;
    }

    private int find(long id) {
      int mask = ids.length - 1;
      int at = (int) mix(id) & mask;
      while (ids[at] != 0 && ids[at] != id) {
        at = (at + 1) & mask;
      }
      return at;
    }

    private void free(int slot) {
      int mask = ids.length - 1;
      int hole = slot;
      int at = slot;
      ids[hole] = 0;
      while (true) {
        at = (at + 1) & mask;
        if (ids[at] == 0) {
          return;
        }
        int home = (int) mix(ids[at]) & mask;
        // The entry may move into the hole unless its home lies cyclically behind it.
        if (((at - home) & mask) >= ((at - hole) & mask)) {
          ids[hole] = ids[at];
          counts[hole] = counts[at];
          ids[at] = 0;
          hole = at;
        }
      }
    }

    private void resize(int capacity) {
      long[] oldIds = ids;
      long[] oldCounts = counts;
      ids = new long[capacity];
      counts = new long[capacity];
      for (int i = 0; i < oldIds.length; i++) {
        if (oldIds[i] != 0) {
          int at = find(oldIds[i]);
          ids[at] = oldIds[i];
          counts[at] = oldCounts[i];
        }
      }
    }
  }
}
