package io.tiermount.fs.tree;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class LookupCountsTest {
  @Test
  void counts_are_those_of_a_plain_map_whatever_comes_and_goes() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    LookupCounts counts = new LookupCounts();
    Map<Long, Long> model = new HashMap<>();
    for (int i = 0; i < 300_000; i++) {
      // Ids close together, as ours are, and few enough that each comes and goes often.
      long id = 16L + random.nextInt(3_000);
      if (random.nextInt(100) < (i / 50_000 % 2 == 0 ? 60 : 40)) {
        long lookups = 1L + random.nextInt(3);
        assertThat(counts.add(id, lookups))
            .as("seed %d step %d", seed, i)
            .isEqualTo(model.merge(id, lookups, Long::sum));
      } else {
        long lookups = 1L + random.nextInt(5);
        long left = Math.max(0, model.getOrDefault(id, 0L) - lookups);
        assertThat(counts.remove(id, lookups)).as("seed %d step %d", seed, i).isEqualTo(left);
        if (left == 0) {
          model.remove(id);
        } else {
          model.put(id, left);
        }
      }
    }
    assertThat(counts.nodes()).as("seed %d", seed).isEqualTo(model.size());
    model.forEach((id, count) -> assertThat(counts.get(id)).isEqualTo(count));
  }
}
