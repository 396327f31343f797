package io.tiermount.backends.local;

import io.tiermount.backends.ObjectInfo;
import io.tiermount.backends.ReadTarget;
import io.tiermount.backends.StoreException;
import io.tiermount.backends.StoreException.Kind;
import io.tiermount.backends.Version;
import io.tiermount.backends.local.KeyPaths.Place;
import io.tiermount.backends.os.DirectoryCalls;
import io.tiermount.backends.os.ErrnoException;
import io.tiermount.backends.os.FileStat;
import io.tiermount.backends.os.LibC;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Objects as they are on disk: what they are, and their bytes. Any thread. */
final class ObjectFiles {
  private static final String DIRECTORY_TYPE = "application/x-directory";
  private static final long NANOS_PER_SECOND = 1_000_000_000L;

  private final AttributeFiles attributes;

  ObjectFiles(AttributeFiles attributes) {
    this.attributes = attributes;
  }

  /**
   * The identity of a content: device, inode, size, time of the last change of the content and of
   * the inode. Any write, replacement, chmod or chown gives another one.
   */
  static Version version(FileStat stat) {
    return new Version(
        Long.toHexString(stat.dev())
            + "-"
            + Long.toHexString(stat.ino())
            + "-"
            + Long.toHexString(stat.isDirectory() ? 0 : stat.sizeBytes())
            + "-"
            + Long.toHexString(stat.mtimeNanos())
            + "-"
            + Long.toHexString(stat.ctimeNanos()));
  }

  /** What was stored with an object; null for what nobody wrote through this store. */
  @Nullable StoredAttributes stored(String key, Place place) throws ErrnoException {
    return place.stat().isRegular()
        ? attributes.read(key, place.directory().fd(), place.name(), place.stat())
        : null;
  }

  /** Describes an object. */
  ObjectInfo info(String key, Place place) throws ErrnoException {
    return info(key, place.stat(), stored(key, place));
  }

  /** Describes an object that is known already. */
  static ObjectInfo info(String key, FileStat stat, @Nullable StoredAttributes stored) {
    Map<String, String> metadata =
        stored == null ? StoredAttributes.ofDisk(stat) : stored.metadata(stat);
    String type = stored != null ? stored.attributes().contentType() : defaultType(stat);
    return new ObjectInfo(
        key,
        stat.isDirectory() ? 0 : stat.sizeBytes(),
        version(stat),
        Instant.ofEpochSecond(
            Math.floorDiv(stat.mtimeNanos(), NANOS_PER_SECOND),
            Math.floorMod(stat.mtimeNanos(), NANOS_PER_SECOND)),
        type,
        metadata,
        stored == null ? Map.of() : stored.attributes().headersWritten());
  }

  private static @Nullable String defaultType(FileStat stat) {
    return stat.isDirectory() ? DIRECTORY_TYPE : null;
  }

  /** Describes the object under a name of a directory; empty where it is gone. */
  Optional<ObjectInfo> info(
      Descriptors descriptors,
      KeyPaths.Directory directory,
      String segment,
      boolean escaped,
      String key)
      throws ErrnoException {
    Place place = KeyPaths.object(directory, segment, escaped, descriptors);
    return place == null ? Optional.empty() : Optional.of(info(key, place));
  }

  /** Reads a range; the object is the same one before and after. */
  ObjectInfo read(
      Descriptors descriptors,
      String key,
      Place place,
      @Nullable Version version,
      long offsetBytes,
      long lengthBytes,
      ReadTarget target)
      throws IOException {
    if (!place.stat().isRegular()) {
      requireVersion(key, version, place.stat());
      byte[] bytes =
          place.isSymlink()
              ? DirectoryCalls.readlink(place.directory().fd(), place.name())
              : new byte[0];
      deliver(bytes, offsetBytes, lengthBytes, target);
      return info(key, place);
    }
    Opened opened = open(descriptors, key, place, version);
    FileBytes.read(
        opened.fd,
        offsetBytes,
        Math.clamp(opened.stat.sizeBytes() - offsetBytes, 0, lengthBytes),
        target);
    requireUnchanged(key, opened.fd, opened.stat);
    return opened.info(key);
  }

  /** Copies a range of a version to the beginning of an empty file. */
  void copy(
      Descriptors descriptors,
      String key,
      Place place,
      Version version,
      long offsetBytes,
      long lengthBytes,
      int target)
      throws IOException {
    requireVersion(key, version, place.stat());
    if (offsetBytes < 0
        || lengthBytes < 1
        || lengthBytes > place.stat().sizeBytes() - offsetBytes
        || place.stat().isDirectory()) {
      throw new StoreException(
          Kind.INVALID,
          key,
          "'" + key + "' does not reach over " + offsetBytes + "+" + lengthBytes);
    }
    if (place.isSymlink()) {
      byte[] bytes = DirectoryCalls.readlink(place.directory().fd(), place.name());
      int from = (int) offsetBytes;
      FileBytes.write(target, Arrays.copyOfRange(bytes, from, from + (int) lengthBytes));
      return;
    }
    Opened source = open(descriptors, key, place, version);
    FileBytes.append(source.fd(), offsetBytes, target, 0, lengthBytes);
    requireUnchanged(key, source.fd(), source.stat());
  }

  /** An open regular file, and what it was when it was opened. */
  record Opened(int fd, FileStat stat, @Nullable StoredAttributes stored) {
    ObjectInfo info(String key) {
      return ObjectFiles.info(key, stat, stored);
    }
  }

  /** Opens a regular file for reading, where it is the version wanted. */
  Opened open(Descriptors descriptors, String key, Place place, @Nullable Version version)
      throws IOException {
    // O_NONBLOCK: should a FIFO take the name meanwhile, the open does not wait for its writer.
    int fd =
        descriptors.open(place.directory().fd(), place.name(), LibC.O_RDONLY | LibC.O_NONBLOCK, 0);
    FileStat stat = LibC.fstat(fd);
    if (!stat.isRegular()) {
      throw changed(key);
    }
    requireVersion(key, version, stat);
    return new Opened(fd, stat, attributes.read(key, fd, stat));
  }

  /** The bytes of a symlink or an empty directory as a file's. */
  private static void deliver(byte[] bytes, long offsetBytes, long lengthBytes, ReadTarget target)
      throws IOException {
    int from = (int) Math.min(offsetBytes, bytes.length);
    int count = (int) Math.min(lengthBytes, bytes.length - from);
    if (count > 0) {
      target.accept(ByteBuffer.wrap(bytes, from, count));
    }
  }

  private static void requireVersion(String key, @Nullable Version version, FileStat stat)
      throws StoreException {
    if (version != null && !version.equals(version(stat))) {
      throw changed(key);
    }
  }

  /** Throws where somebody wrote to the open file since {@code before}. */
  static void requireUnchanged(String key, int fd, FileStat before) throws IOException {
    FileStat after = LibC.fstat(fd);
    boolean same =
        after.sizeBytes() == before.sizeBytes()
            && after.mtimeNanos() == before.mtimeNanos()
            // Losing a name (replaced, deleted) moves ctime too, and leaves the bytes whole.
            && (after.ctimeNanos() == before.ctimeNanos() || after.nlink() < before.nlink());
    if (!same) {
      throw changed(key);
    }
  }

  static StoreException changed(String key) {
    return new StoreException(
        Kind.PRECONDITION_FAILED, key, "'" + key + "' is another version now: open it again");
  }
}
