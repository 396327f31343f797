package io.tiermount.fs.volume;

import java.time.Duration;
import java.util.concurrent.TimeUnit;

/**
 * How a volume shows its store.
 *
 * @param prefix keys below it are the mount; "" or ends with "/"
 * @param attributes where modes and times come from
 * @param owner uid of what has none of its own
 * @param group gid of what has none of its own
 * @param fileMode permission bits of files that have none of their own
 * @param dirMode permission bits of directories that have none of their own
 * @param attrTtl how old attributes and listings may be
 * @param entryTtl how old a name's resolution may be
 * @param negativeTtl how long a missing name is remembered
 * @param direct what is never cached
 */
public record VolumeOptions(
    String prefix,
    boolean readOnly,
    AttributeMode attributes,
    int owner,
    int group,
    int fileMode,
    int dirMode,
    Duration attrTtl,
    Duration entryTtl,
    Duration negativeTtl,
    Revalidate revalidateOnOpen,
    DirectAccess direct) {
  /** With everything cached. */
  public VolumeOptions(
      String prefix,
      boolean readOnly,
      AttributeMode attributes,
      int owner,
      int group,
      int fileMode,
      int dirMode,
      Duration attrTtl,
      Duration entryTtl,
      Duration negativeTtl,
      Revalidate revalidateOnOpen) {
    this(
        prefix,
        readOnly,
        attributes,
        owner,
        group,
        fileMode,
        dirMode,
        attrTtl,
        entryTtl,
        negativeTtl,
        revalidateOnOpen,
        DirectAccess.NONE);
  }

  public VolumeOptions {
    if (!prefix.isEmpty() && !prefix.endsWith("/")) {
      throw new IllegalArgumentException("a prefix ends with /: " + prefix);
    }
  }

  /** How old what is known of a name may be. */
  long maxAgeMillis() {
    Duration ttl = attrTtl.compareTo(entryTtl) < 0 ? attrTtl : entryTtl;
    return revalidateOnOpen == Revalidate.NEVER ? Long.MAX_VALUE / 2 : ttl.toMillis();
  }

  /** What is left of a time to live: what has been waited counts against the kernel's timeout. */
  long leftNanos(Duration ttl, long ageMillis) {
    return revalidateOnOpen == Revalidate.NEVER
        ? TimeUnit.HOURS.toNanos(1)
        : Math.max(0, ttl.toNanos() - TimeUnit.MILLISECONDS.toNanos(ageMillis));
  }

  /** True where the other may take this one's place under open files. */
  public boolean differsInLifetimesAlone(VolumeOptions other) {
    // What the kernel was told to keep for ever it would not ask for again.
    boolean asks =
        (revalidateOnOpen == Revalidate.NEVER) == (other.revalidateOnOpen == Revalidate.NEVER);
    return asks && withLifetimes(other).equals(other);
  }

  private VolumeOptions withLifetimes(VolumeOptions other) {
    return new VolumeOptions(
        prefix,
        readOnly,
        attributes,
        owner,
        group,
        fileMode,
        dirMode,
        other.attrTtl,
        other.entryTtl,
        other.negativeTtl,
        other.revalidateOnOpen,
        direct);
  }

  /** {@code attributes = full | list}. */
  public enum AttributeMode {
    /** Every entry's user metadata, fetched once per version where the listing lacks it. */
    FULL,
    /** What a listing carries; modes from the configuration. */
    LIST
  }

  /** {@code consistency.revalidate_on_open}. */
  public enum Revalidate {
    ALWAYS,
    TTL,
    NEVER
  }
}
