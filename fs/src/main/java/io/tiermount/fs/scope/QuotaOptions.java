package io.tiermount.fs.scope;

/**
 * How much a mount may hold in its store; {@code mounts.*.quota}. Past it writers get EDQUOT;
 * statfs shows it.
 *
 * @param maxBytes {@link Long#MAX_VALUE} for none
 * @param maxObjects {@link Long#MAX_VALUE} for none
 * @param warnPercent a warning from this share of either on, 1 to 99
 */
public record QuotaOptions(long maxBytes, long maxObjects, int warnPercent) {
  public static final QuotaOptions DEFAULTS = new QuotaOptions(Long.MAX_VALUE, Long.MAX_VALUE, 90);

  public QuotaOptions {
    if (maxBytes <= 0 || maxObjects <= 0) {
      throw new IllegalArgumentException("a quota is positive");
    }
    if (warnPercent < 1 || warnPercent > 99) {
      throw new IllegalArgumentException("warn_percent is from 1 to 99");
    }
  }

  /** True where there is something to count. */
  public boolean isLimited() {
    return maxBytes != Long.MAX_VALUE || maxObjects != Long.MAX_VALUE;
  }
}
