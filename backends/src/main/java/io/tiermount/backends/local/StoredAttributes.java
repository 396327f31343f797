package io.tiermount.backends.local;

import io.tiermount.backends.ObjectAttributes;
import io.tiermount.backends.os.FileStat;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What a write through this store left beside the bytes, as text lines {@code name=value}.
 *
 * @param attributes what the writer said
 * @param uploadId the upload that made the object, to know one's own success again; "" for none
 * @param mode permission bits, owner and time of the file when it was written: where the file
 *     differs today a person changed it, and what the disk says wins
 */
record StoredAttributes(
    ObjectAttributes attributes, String uploadId, int mode, int uid, int gid, long mtimeNanos) {
  private static final String CONTENT_TYPE = "content-type";
  private static final String UPLOAD = "upload";
  private static final String DISK = "disk";
  private static final String METADATA = "meta.";
  private static final String HEADER = "header.";
  private static final int PERMISSIONS = 07777;
  private static final int S_IFMT = 0170000;
  private static final long NANOS_PER_SECOND = 1_000_000_000L;

  /** The attributes as they are, with the file as it is now. */
  static StoredAttributes of(ObjectAttributes attributes, String uploadId, FileStat stat) {
    return new StoredAttributes(
        attributes, uploadId, stat.mode() & PERMISSIONS, stat.uid(), stat.gid(), stat.mtimeNanos());
  }

  /** The text form; sorted, so that equal attributes are equal bytes. */
  byte[] encode() {
    Map<String, String> lines = new TreeMap<>();
    attributes.metadata().forEach((name, value) -> lines.put(METADATA + name, value));
    attributes.headersWritten().forEach((name, value) -> lines.put(HEADER + name, value));
    if (attributes.contentType() != null) {
      lines.put(CONTENT_TYPE, attributes.contentType());
    }
    if (!uploadId.isEmpty()) {
      lines.put(UPLOAD, uploadId);
    }
    lines.put(DISK, mode + " " + uid + " " + gid + " " + mtimeNanos);
    StringBuilder text = new StringBuilder();
    // Names hold no "=" and values no line end: MetadataRules checked both.
    lines.forEach((name, value) -> text.append(name).append('=').append(value).append('\n'));
    return text.toString().getBytes(StandardCharsets.UTF_8);
  }

  /** Null where the bytes are not ours: somebody else's attribute, or damage. */
  static @Nullable StoredAttributes decode(byte[] bytes) {
    Map<String, String> metadata = new HashMap<>();
    Map<String, String> headers = new HashMap<>();
    Map<String, String> own = new HashMap<>();
    for (String line : new String(bytes, StandardCharsets.UTF_8).lines().toList()) {
      int at = line.indexOf('=');
      if (at < 0) {
        return null;
      }
      String name = line.substring(0, at);
      String value = line.substring(at + 1);
      if (name.startsWith(METADATA)) {
        metadata.put(name.substring(METADATA.length()), value);
      } else if (name.startsWith(HEADER)) {
        headers.put(name.substring(HEADER.length()), value);
      } else {
        own.put(name, value);
      }
    }
    long[] disk;
    try {
      disk =
          Arrays.stream(own.getOrDefault(DISK, "").split(" ")).mapToLong(Long::parseLong).toArray();
    } catch (NumberFormatException e) {
      return null;
    }
    return disk.length != 4
        ? null
        : new StoredAttributes(
            new ObjectAttributes(own.get(CONTENT_TYPE), metadata, headers),
            own.getOrDefault(UPLOAD, ""),
            (int) disk[0],
            (int) disk[1],
            (int) disk[2],
            disk[3]);
  }

  /** The metadata to show: what was stored, and what a person changed on disk since. */
  Map<String, String> metadata(FileStat stat) {
    boolean sameMode = (stat.mode() & PERMISSIONS) == mode;
    if (sameMode && stat.uid() == uid && stat.gid() == gid && stat.mtimeNanos() == mtimeNanos) {
      return attributes.metadata();
    }
    Map<String, String> shown = new HashMap<>(attributes.metadata());
    if (!sameMode) {
      int type = type(shown.get("mode"), stat.mode() & S_IFMT);
      shown.put("mode", Integer.toString(type | (stat.mode() & PERMISSIONS)));
    }
    if (stat.uid() != uid) {
      shown.put("uid", Integer.toUnsignedString(stat.uid()));
    }
    if (stat.gid() != gid) {
      shown.put("gid", Integer.toUnsignedString(stat.gid()));
    }
    if (stat.mtimeNanos() != mtimeNanos) {
      shown.put("mtime", seconds(stat.mtimeNanos()));
    }
    return shown;
  }

  /** The type bits of a stored mode: a symlink or a FIFO of the mount is a plain file on disk. */
  private static int type(@Nullable String storedMode, int onDisk) {
    try {
      int type = storedMode == null ? 0 : Integer.parseInt(storedMode) & S_IFMT;
      return type == 0 ? onDisk : type;
    } catch (NumberFormatException e) {
      return onDisk;
    }
  }

  /** The metadata of a file, symlink or directory that nobody wrote through this store. */
  static Map<String, String> ofDisk(FileStat stat) {
    return Map.of(
        "mode", Integer.toString(stat.mode()),
        "uid", Integer.toUnsignedString(stat.uid()),
        "gid", Integer.toUnsignedString(stat.gid()),
        "mtime", seconds(stat.mtimeNanos()));
  }

  /** As s3fs writes times: seconds, a point, nine digits. */
  private static String seconds(long nanos) {
    String fraction = Long.toString(NANOS_PER_SECOND + Math.floorMod(nanos, NANOS_PER_SECOND));
    return Math.floorDiv(nanos, NANOS_PER_SECOND) + "." + fraction.substring(1);
  }
}
