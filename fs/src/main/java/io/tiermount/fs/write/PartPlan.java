package io.tiermount.fs.write;

import io.tiermount.backends.StoreLimits;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Which parts make an object: numbers 1 to n, without gaps, each but the last of at least the
 * store's smallest part. Nothing here asks the store.
 */
final class PartPlan {
  /** Changes are looked for down to this; a finer search would find less than a part saves. */
  private static final long GRAIN_BYTES = 1 << 20;

  /** A search does not ask for more ranges than about this. */
  private static final long MAX_GRAINS = 1 << 16;

  private record Run(long from, long to) {}

  private PartPlan() {}

  /**
   * Every part in order of {@link PartSizes}.
   *
   * @param base a part that did not change from it as a whole is copied; null for none
   */
  static List<PlannedPart> inSizes(PublishContent content, PartSizes sizes, @Nullable Base base) {
    List<PlannedPart> parts = new ArrayList<>();
    long size = content.sizeBytes();
    long reach = base == null ? 0 : base.sizeBytes();
    for (long from = 0; from < size; ) {
      int number = parts.size() + 1;
      long length = Math.min(sizes.size(number), size - from);
      boolean copied = from + length <= reach && content.unchanged(from, length);
      parts.add(new PlannedPart(number, from, length, copied));
      from += length;
    }
    return parts;
  }

  /**
   * Copies what did not change from the base in pieces as large as may be, sends the rest. A change
   * smaller than a part takes its unchanged neighbours along.
   *
   * @return nothing where there is nothing to copy
   */
  static List<PlannedPart> overBase(
      PublishContent content, Base base, StoreLimits limits, long partBytes, long copyBytes) {
    long size = content.sizeBytes();
    List<Run> same = unchanged(content, Math.min(size, base.sizeBytes()));
    long least = Math.max(1, limits.minPartBytes());
    long smallest = Math.max(least, GRAIN_BYTES);
    long part = Math.max(partBytes, least);
    long copy = Math.clamp(copyBytes, 2 * least, Math.max(2 * least, limits.maxPartBytes()));
    List<PlannedPart> plan = cut(same, size, least, smallest, part, copy);
    // Many small changes make many parts: then larger gaps between them are sent along.
    while (plan.size() > limits.maxParts()) {
      smallest *= 2;
      part = Math.min(limits.maxPartBytes(), part * 2);
      copy = Math.min(limits.maxPartBytes(), copy * 2);
      plan = cut(same, size, least, smallest, part, copy);
    }
    return plan.stream().anyMatch(PlannedPart::copied) ? plan : List.of();
  }

  private static List<PlannedPart> cut(
      List<Run> same, long size, long least, long smallest, long part, long copy) {
    List<PlannedPart> parts = new ArrayList<>();
    long done = 0;
    for (Run run : same) {
      long from = Math.max(run.from, done);
      if (from > done && from - done < least) {
        from = done + least;
      }
      long length = run.to - from;
      if (length >= smallest || (length > 0 && run.to == size)) {
        split(parts, done, from, part, least, false);
        split(parts, from, run.to, copy, least, true);
        done = run.to;
      }
    }
    split(parts, done, size, part, least, false);
    return parts;
  }

  /** Even pieces of about {@code piece}, none below {@code least} unless the whole is. */
  private static void split(
      List<PlannedPart> parts, long from, long to, long piece, long least, boolean copied) {
    long length = to - from;
    long count = Math.max(1, Math.min((length + piece - 1) / piece, length / least));
    for (long i = 0; i < count && length > 0; i++) {
      // Not length * i / count: that would overflow.
      long start = from + length / count * i + Math.min(i, length % count);
      long bytes = length / count + (i < length % count ? 1 : 0);
      parts.add(new PlannedPart(parts.size() + 1, start, bytes, copied));
    }
  }

  private static List<Run> unchanged(PublishContent content, long size) {
    List<Run> runs = new ArrayList<>();
    long grain = Math.max(GRAIN_BYTES, Long.highestOneBit(size / MAX_GRAINS) * 2);
    search(content, 0, size, grain, runs);
    return runs;
  }

  private static void search(
      PublishContent content, long from, long to, long grain, List<Run> runs) {
    if (from >= to) {
      return;
    }
    if (content.unchanged(from, to - from)) {
      Run last = runs.isEmpty() ? null : runs.getLast();
      if (last != null && last.to == from) {
        runs.set(runs.size() - 1, new Run(last.from, to));
      } else {
        runs.add(new Run(from, to));
      }
    } else if (to - from > grain) {
      long middle = from + Math.ceilDiv((to - from) / 2, grain) * grain;
      search(content, from, middle, grain, runs);
      search(content, middle, to, grain, runs);
    }
  }
}
