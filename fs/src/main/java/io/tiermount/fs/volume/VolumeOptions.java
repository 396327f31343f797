package io.tiermount.fs.volume;

import java.time.Duration;

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
