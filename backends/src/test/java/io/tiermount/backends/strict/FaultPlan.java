package io.tiermount.backends.strict;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Random;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Which requests fail, and how: those named in advance, then some by a seeded chance. Any thread.
 */
public final class FaultPlan {
  private static final class Planned {
    private final Predicate<String> line;
    private final Fault fault;
    private int left;

    Planned(Predicate<String> line, Fault fault, int left) {
      this.line = line;
      this.fault = fault;
      this.left = left;
    }
  }

  private final List<Planned> planned = new ArrayList<>();
  private Random random = new Random(0);
  private double share;
  private List<Fault> chances = List.of();

  /** The next {@code times} requests whose line (see StrictS3Server) begins with {@code start}. */
  public synchronized void next(String start, int times, Fault fault) {
    planned.add(new Planned(line -> line.startsWith(start), fault, times));
  }

  /** From now on each request fails with this chance, in a way drawn from {@code faults}. */
  public synchronized void seeded(long seed, double chance, List<Fault> faults) {
    random = new Random(seed);
    share = chance;
    chances = List.copyOf(faults);
  }

  /** No more faults. */
  public synchronized void clear() {
    planned.clear();
    share = 0;
  }

  synchronized @Nullable Fault take(String line) {
    for (Iterator<Planned> each = planned.iterator(); each.hasNext(); ) {
      Planned plan = each.next();
      if (plan.line.test(line)) {
        if (--plan.left == 0) {
          each.remove();
        }
        return plan.fault;
      }
    }
    if (!chances.isEmpty() && random.nextDouble() < share) {
      return chances.get(random.nextInt(chances.size()));
    }
    return null;
  }
}
