package io.tiermount.fs.volume;

import io.tiermount.backends.ObjectAttributes;
import io.tiermount.backends.ObjectInfo;
import io.tiermount.fs.volume.LocalFile.ObjectMeta;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Attributes of a file as user metadata of its object: s3fs's names and forms (decimal mode with
 * type bits, uid, gid, times as seconds with nine digits of fraction), whatever other metadata the
 * object had, and the id of the publish that wrote it, by which recovery tells its own success.
 */
final class ObjectMetadata {
  static final String PUBLISH_ID = "tm-publish";
  private static final Set<String> OURS =
      Set.of("mode", "uid", "gid", "rdev", "mtime", "ctime", "atime", PUBLISH_ID);
  private static final long NANOS = 1_000_000_000L;
  private static final SecureRandom RANDOM = new SecureRandom();
  static final String DIRECTORY_TYPE = "application/x-directory";

  private ObjectMetadata() {}

  /** An id for a publish: 96 random bits. */
  static String newId() {
    byte[] bytes = new byte[12];
    RANDOM.nextBytes(bytes);
    return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
  }

  /** What an object that is there says beside what is ours. */
  static Map<String, String> foreign(ObjectInfo info) {
    Map<String, String> metadata = info.metadata();
    Map<String, String> foreign = new HashMap<>(metadata == null ? Map.of() : metadata);
    foreign.keySet().removeAll(OURS);
    return foreign;
  }

  static boolean isOurs(ObjectInfo info, String id) {
    Map<String, String> metadata = info.metadata();
    return metadata != null && id.equals(metadata.get(PUBLISH_ID));
  }

  /**
   * @param headers kept from the object before; null for none
   */
  static ObjectAttributes attributes(
      ObjectMeta meta, PosixMetadata posix, String id, @Nullable Map<String, String> headers) {
    Map<String, String> metadata = new HashMap<>();
    Map<String, String> foreign = meta.foreign();
    if (foreign != null) {
      metadata.putAll(foreign);
    }
    number(metadata, "mode", posix.mode());
    number(metadata, "uid", posix.uid());
    number(metadata, "gid", posix.gid());
    number(metadata, "rdev", posix.rdev());
    time(metadata, "mtime", posix.mtimeNanos());
    time(metadata, "ctime", posix.ctimeNanos());
    time(metadata, "atime", posix.atimeNanos());
    metadata.put(PUBLISH_ID, id);
    return new ObjectAttributes(meta.contentType(), metadata, headers == null ? Map.of() : headers);
  }

  private static void number(Map<String, String> metadata, String name, @Nullable Integer value) {
    if (value != null) {
      metadata.put(name, Integer.toUnsignedString(value));
    }
  }

  private static void time(Map<String, String> metadata, String name, @Nullable Long nanos) {
    if (nanos != null) {
      metadata.put(
          name, "%d.%09d".formatted(Math.floorDiv(nanos, NANOS), Math.floorMod(nanos, NANOS)));
    }
  }
}
