package io.tiermount.fs.write;

import io.tiermount.backends.StoreLimits;

/**
 * How large each part of an upload is when nobody knows how large the object will be: the first
 * tenth of the numbers has the first size, each further tenth a multiple of the one before, so that
 * the last number reaches the largest object. On S3 that is 8 MiB up to 7.8 GiB, 16 MiB up to 23
 * GiB, 32 MiB up to 54 GiB, and so on by doubling.
 */
final class PartSizes {
  private static final int STEPS = 10;
  private static final int MAX_FACTOR = 1024;

  private final long firstBytes;
  private final long maxBytes;
  private final int perStep;
  private final int factor;

  PartSizes(StoreLimits limits, long partBytes) {
    maxBytes = limits.maxPartBytes();
    firstBytes = Math.clamp(partBytes, limits.minPartBytes(), maxBytes);
    perStep = Math.max(1, limits.maxParts() / STEPS);
    int enough = 1;
    while (enough < MAX_FACTOR && total(enough, limits.maxParts()) < limits.maxObjectBytes()) {
      enough++;
    }
    factor = enough;
  }

  private double total(int by, int parts) {
    double sum = 0;
    for (int first = 0; first < parts; first += perStep) {
      sum += size(first + 1, by) * (double) Math.min(perStep, parts - first);
    }
    return sum;
  }

  /** Of a part that is not the last. */
  long size(int number) {
    return (long) size(number, factor);
  }

  private double size(int number, int by) {
    int step = (number - 1) / perStep;
    return Math.min((double) maxBytes, firstBytes * Math.pow(by, step));
  }
}
