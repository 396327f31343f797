package io.tiermount.fs.write;

import static io.tiermount.fs.write.TestContent.MIB;
import static org.assertj.core.api.Assertions.assertThat;

import io.tiermount.backends.MemoryStore;
import io.tiermount.backends.StoreLimits;
import io.tiermount.backends.Version;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class PartPlanTest {
  private static final StoreLimits S3 = MemoryStore.S3_LIMITS;
  private static final StoreLimits LOCAL =
      new StoreLimits(1L << 50, 1, 1L << 50, 10_000, 1L << 50, 1024, 8192, true, true, true);

  /** A content of any size that differs from its base in some places; nobody reads it. */
  private record Changes(long sizeBytes, long baseBytes, List<long[]> changed)
      implements PublishContent {
    @Override
    public int read(long offsetBytes, ByteBuffer target) {
      throw new IllegalStateException("a plan reads nothing");
    }

    @Override
    public boolean unchanged(long offsetBytes, long lengthBytes) {
      long end = offsetBytes + lengthBytes;
      return end <= baseBytes
          && changed.stream().noneMatch(range -> range[0] < end && range[1] > offsetBytes);
    }

    @Override
    public boolean stillSame() {
      return true;
    }

    Base base() {
      return new Base("k", new Version("v"), baseBytes);
    }
  }

  private static void assertWhole(
      List<PlannedPart> parts, Changes content, StoreLimits limits, String what) {
    assertThat(parts.size()).as(what).isBetween(1, limits.maxParts());
    long at = 0;
    for (PlannedPart part : parts) {
      boolean last = part.number() == parts.size();
      assertThat(part.offsetBytes()).as(what).isEqualTo(at);
      assertThat(part.lengthBytes())
          .as("%s, part %d", what, part.number())
          .isBetween(last ? 1 : limits.minPartBytes(), limits.maxPartBytes());
      if (part.copied()) {
        assertThat(content.unchanged(at, part.lengthBytes())).as(what).isTrue();
      }
      at += part.lengthBytes();
      assertThat(part.number()).as(what).isEqualTo(parts.indexOf(part) + 1);
    }
    assertThat(at).as(what).isEqualTo(content.sizeBytes());
  }

  private static long sentBytes(List<PlannedPart> parts) {
    return parts.stream().filter(part -> !part.copied()).mapToLong(PlannedPart::lengthBytes).sum();
  }

  @Test
  void sizes_reach_the_largest_object_of_a_store() {
    for (StoreLimits limits : List.of(S3, LOCAL)) {
      PartSizes sizes = new PartSizes(limits, 8 * MIB);
      long total = 0;
      for (int number = 1; number <= limits.maxParts(); number++) {
        assertThat(sizes.size(number)).isBetween(limits.minPartBytes(), limits.maxPartBytes());
        total += sizes.size(number);
      }
      assertThat(total).isGreaterThanOrEqualTo(limits.maxObjectBytes());
      assertThat(sizes.size(1)).isEqualTo(8 * MIB);
      assertThat(sizes.size(1000)).isEqualTo(8 * MIB);
    }
    assertThat(new PartSizes(S3, 8 * MIB).size(1001)).isEqualTo(16 * MIB);
    assertThat(new PartSizes(S3, 1).size(1)).isEqualTo(S3.minPartBytes());
  }

  @Test
  void a_little_change_in_a_large_object_is_all_that_is_sent() {
    long size = 2L << 30;
    List<long[]> changed = List.of(new long[] {size / 2, size / 2 + 4096});
    Changes content = new Changes(size, size, changed);
    List<PlannedPart> parts = PartPlan.overBase(content, content.base(), S3, 8 * MIB, 512 * MIB);
    assertWhole(parts, content, S3, "2 GiB");
    assertThat(sentBytes(parts)).isEqualTo(5 * MIB);
    assertThat(parts).hasSize(5);
  }

  @Test
  void an_appended_tail_is_all_that_is_sent() {
    Changes content = new Changes((2L << 30) + 4096, 2L << 30, List.of());
    List<PlannedPart> parts = PartPlan.overBase(content, content.base(), S3, 8 * MIB, 512 * MIB);
    assertWhole(parts, content, S3, "appended");
    assertThat(sentBytes(parts)).isLessThanOrEqualTo(MIB + 4096);
  }

  @Test
  void what_changed_everywhere_is_no_matter_of_copies() {
    Changes content = new Changes(100 * MIB, 100 * MIB, List.of(new long[] {0, 100 * MIB}));
    assertThat(PartPlan.overBase(content, content.base(), S3, 8 * MIB, 512 * MIB)).isEmpty();
  }

  @Test
  void many_changes_far_apart_still_fit_into_the_parts_of_an_upload() {
    long size = 300L << 30;
    List<long[]> changed = new ArrayList<>();
    for (long at = 0; at < size; at += 32 * MIB) {
      changed.add(new long[] {at, at + 1});
    }
    Changes content = new Changes(size, size, changed);
    List<PlannedPart> parts = PartPlan.overBase(content, content.base(), S3, 8 * MIB, 512 * MIB);
    if (!parts.isEmpty()) {
      assertWhole(parts, content, S3, "300 GiB");
    }
    PartSizes sizes = new PartSizes(S3, 8 * MIB);
    assertWhole(PartPlan.inSizes(content, sizes, null), content, S3, "300 GiB in sizes");
  }

  @Test
  void any_changes_make_a_plan_that_a_store_takes() {
    long seed = new Random().nextLong();
    Random random = new Random(seed);
    for (int round = 0; round < 500; round++) {
      long base = 1 + random.nextLong(400L * MIB);
      long size = 1 + random.nextLong(400L * MIB);
      List<long[]> changed = new ArrayList<>();
      for (int i = random.nextInt(12); i > 0; i--) {
        long at = random.nextLong(size);
        changed.add(new long[] {at, at + 1 + random.nextLong(8L * MIB)});
      }
      Changes content = new Changes(size, base, changed);
      StoreLimits limits = round % 2 == 0 ? S3 : LOCAL;
      String what = "seed " + seed + ", round " + round;
      List<PlannedPart> parts =
          PartPlan.overBase(content, content.base(), limits, 8 * MIB, 64 * MIB);
      if (!parts.isEmpty()) {
        assertWhole(parts, content, limits, what);
      }
      PartSizes sizes = new PartSizes(limits, 8 * MIB);
      assertWhole(PartPlan.inSizes(content, sizes, content.base()), content, limits, what);
    }
  }
}
