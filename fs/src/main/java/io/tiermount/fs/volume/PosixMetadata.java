package io.tiermount.fs.volume;

import java.math.BigDecimal;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Owner, mode and times as s3fs keeps them in an object's user metadata (s3fs-fuse, FAQ "How does
 * s3fs store mode, owner and time": decimal {@code mode} with type bits, {@code uid}, {@code gid},
 * {@code mtime}/{@code ctime}/{@code atime} in seconds with an optional fraction; rclone writes the
 * same {@code mtime}). What is absent or makes no sense is null and comes from the mount's options
 * or the object itself.
 *
 * @param mode type and permission bits; no type bits where the writer left them out
 */
public record PosixMetadata(
    @Nullable Integer mode,
    @Nullable Integer uid,
    @Nullable Integer gid,
    @Nullable Integer rdev,
    @Nullable Long mtimeNanos,
    @Nullable Long ctimeNanos,
    @Nullable Long atimeNanos) {
  /** An object that says nothing of itself. */
  static final PosixMetadata NONE = new PosixMetadata(null, null, null, null, null, null, null);

  private static final BigDecimal NANOS = BigDecimal.valueOf(1_000_000_000L);

  /** Reads the metadata of an object; unreadable values count as absent. */
  static PosixMetadata of(Map<String, String> metadata) {
    if (metadata.isEmpty()) {
      return NONE;
    }
    PosixMetadata read =
        new PosixMetadata(
            number(metadata.get("mode"), 0177777),
            number(metadata.get("uid"), 0xFFFFFFFEL),
            number(metadata.get("gid"), 0xFFFFFFFEL),
            number(metadata.get("rdev"), 0xFFFFFFFFL),
            time(metadata.get("mtime")),
            time(metadata.get("ctime")),
            time(metadata.get("atime")));
    return read.equals(NONE) ? NONE : read;
  }

  /** Decimal, as s3fs writes it; octal (leading 0) and hexadecimal are read as s3fs reads them. */
  private static @Nullable Integer number(@Nullable String text, long max) {
    if (text == null || text.isEmpty()) {
      return null;
    }
    try {
      long value = Long.decode(text.strip());
      return value < 0 || value > max ? null : (int) value;
    } catch (NumberFormatException e) {
      return null;
    }
  }

  private static @Nullable Long time(@Nullable String text) {
    if (text == null || text.isEmpty() || text.length() > 40) {
      return null;
    }
    try {
      BigDecimal seconds = new BigDecimal(text.strip());
      // Beyond a year 9999 in either direction, and what an exponent could blow up, is nonsense.
      if (seconds.abs().compareTo(BigDecimal.valueOf(9_200_000_000L)) > 0) {
        return null;
      }
      return seconds.multiply(NANOS).longValue();
    } catch (NumberFormatException e) {
      return null;
    }
  }
}
