package io.tiermount.fs.volume;

import io.tiermount.backends.ObjectInfo;
import io.tiermount.backends.Version;
import io.tiermount.fs.fuse.Attributes;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What is known of one name, and since when.
 *
 * @param directory a prefix with keys below it, or a directory marker
 * @param key the object that holds content and metadata: the file's, or the directory's marker;
 *     null for a directory without a marker, or whose marker was not looked for
 * @param version of that object; null where {@code key} is
 * @param sizeBytes of that object; 0 where {@code key} is null
 * @param modifiedNanos the store's time of its last write; 0 where not known
 * @param posix its metadata; null where it has not been asked for
 * @param seenAtMillis when the store said so
 * @param contentType its media type; null where it is not known
 */
public record Facts(
    boolean directory,
    @Nullable String key,
    @Nullable Version version,
    long sizeBytes,
    long modifiedNanos,
    @Nullable PosixMetadata posix,
    long seenAtMillis,
    @Nullable String contentType) {
  private static final String DIRECTORY_TYPE = "application/x-directory";

  /** Of an object whose media type is not known. */
  Facts(
      boolean directory,
      @Nullable String key,
      @Nullable Version version,
      long sizeBytes,
      long modifiedNanos,
      @Nullable PosixMetadata posix,
      long seenAtMillis) {
    this(directory, key, version, sizeBytes, modifiedNanos, posix, seenAtMillis, null);
  }

  /** An object that is a file, a symlink, or whatever its metadata says. */
  static Facts of(ObjectInfo info, long nowMillis) {
    boolean directory = info.contentType() != null && info.contentType().startsWith(DIRECTORY_TYPE);
    Facts facts = of(info, directory, nowMillis);
    Integer mode = facts.posix == null ? null : facts.posix.mode();
    return !directory && mode != null && (mode & Attributes.S_IFMT) == Attributes.S_IFDIR
        ? of(info, true, nowMillis)
        : facts;
  }

  static Facts of(ObjectInfo info, boolean directory, long nowMillis) {
    PosixMetadata posix = info.metadata() == null ? null : PosixMetadata.of(info.metadata());
    return new Facts(
        directory,
        info.key(),
        info.version(),
        info.sizeBytes(),
        ChronoUnit.NANOS.between(Instant.EPOCH, info.lastModified()),
        posix,
        nowMillis,
        info.contentType());
  }

  /** A directory that is there because keys are below it. */
  static Facts implicit(@Nullable PosixMetadata posix, long nowMillis) {
    return new Facts(true, null, null, 0, 0, posix, nowMillis);
  }

  /** For whoever has to know them after a restart. */
  public byte[] toBytes() {
    return FactsCodec.encode(this);
  }

  /** See {@link #toBytes}; null where they are of another version of tiermount. */
  public static @Nullable Facts ofBytes(byte[] bytes) {
    return FactsCodec.decode(bytes);
  }

  /** The same content under another version. */
  public Facts withVersion(Version other) {
    return new Facts(directory, key, other, sizeBytes, modifiedNanos, posix, seenAtMillis);
  }

  /** The same, confirmed later. */
  Facts seenAt(long nowMillis) {
    return new Facts(
        directory, key, version, sizeBytes, modifiedNanos, posix, nowMillis, contentType);
  }

  Facts withPosix(PosixMetadata known) {
    return new Facts(
        directory, key, version, sizeBytes, modifiedNanos, known, seenAtMillis, contentType);
  }

  /** The same content; times of the same version may still differ by a metadata-only rewrite. */
  public boolean sameObject(Facts other) {
    return directory == other.directory
        && Objects.equals(key, other.key)
        && Objects.equals(version, other.version)
        && modifiedNanos == other.modifiedNanos;
  }
}
