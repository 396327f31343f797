package io.tiermount.backends.strict;

import io.tiermount.backends.MetadataRules;
import io.tiermount.backends.ObjectAttributes;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * System headers of an object, kept in the memory store's metadata under names that begin with '~',
 * so that they change atomically with it.
 */
final class StoredHeaders {
  private static final int MAX_USER_BYTES = 2048;
  private static final String MARK = "~";
  private static final List<String> KEPT =
      List.of(
          "cache-control",
          "content-disposition",
          "content-encoding",
          "content-language",
          "expires",
          "x-amz-storage-class",
          "x-amz-server-side-encryption",
          "x-amz-tagging");

  private StoredHeaders() {}

  /** What a PUT, POST or copy says about its object. */
  static ObjectAttributes attributes(WireRequest request) throws S3Refusal {
    Map<String, String> user = SigV4.metadata(request);
    if (MetadataRules.sizeBytes(user) > MAX_USER_BYTES) {
      throw new S3Refusal(400, "MetadataTooLarge", "user metadata above " + MAX_USER_BYTES);
    }
    Map<String, String> all = new HashMap<>(user);
    for (String name : KEPT) {
      String value = request.header(name, "").replaceAll(",? ?aws-chunked", "");
      if (!value.isEmpty()) {
        all.put(MARK + name, value);
      }
    }
    return new ObjectAttributes(request.header("content-type"), all);
  }

  /** Beside them the checksums of a whole body, which GET gives back. */
  static ObjectAttributes withChecksum(ObjectAttributes attributes, byte[] body) {
    Map<String, String> all = new HashMap<>(attributes.metadata());
    String name = "x-amz-checksum-crc32";
    String value = PayloadChecksums.compute(name, body);
    if (value != null) {
      all.put(MARK + name, value);
    }
    return new ObjectAttributes(attributes.contentType(), all);
  }

  /**
   * As they go out: {@code x-amz-meta-} before the user's, system headers under their own names.
   */
  static Map<String, String> outgoing(@Nullable Map<String, String> stored, boolean checksums) {
    Map<String, String> headers = new HashMap<>();
    if (stored != null) {
      stored.forEach((name, value) -> {
        if (!name.startsWith(MARK)) {
          headers.put("x-amz-meta-" + name, value);
        } else if (name.equals(MARK + "x-amz-tagging")) {
          headers.put("x-amz-tagging-count", "" + value.split("&", -1).length);
        } else if (checksums || !name.startsWith(MARK + "x-amz-checksum")) {
          headers.put(name.substring(1), value);
        }
      });
    }
    return headers;
  }

  /** For a copy with new metadata: tags stay, all else is the request's. */
  static ObjectAttributes replaced(
      ObjectAttributes replacement, Map<String, String> sourceMetadata) {
    Map<String, String> all = new HashMap<>(replacement.metadata());
    sourceMetadata.forEach((name, value) -> {
      if (name.equals(MARK + "x-amz-tagging") || name.startsWith(MARK + "x-amz-checksum")) {
        all.put(name, value);
      }
    });
    return new ObjectAttributes(replacement.contentType(), all);
  }

  /** For a plain copy: everything but what S3 takes from the request alone. */
  static ObjectAttributes copied(
      WireRequest request, @Nullable String contentType, Map<String, String> sourceMetadata) {
    Map<String, String> all = new HashMap<>(sourceMetadata);
    for (String name : List.of("x-amz-storage-class", "x-amz-server-side-encryption")) {
      String value = request.header(name);
      if (value == null) {
        all.remove(MARK + name); // S3 forgets it as well
      } else {
        all.put(MARK + name, value);
      }
    }
    return new ObjectAttributes(contentType, all);
  }
}
