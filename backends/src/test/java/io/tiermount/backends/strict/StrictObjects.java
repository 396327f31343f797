package io.tiermount.backends.strict;

import io.tiermount.backends.ByteSource;
import io.tiermount.backends.MemoryStore;
import io.tiermount.backends.ObjectAttributes;
import io.tiermount.backends.ObjectInfo;
import io.tiermount.backends.ReadTarget;
import io.tiermount.backends.StoreException;
import io.tiermount.backends.StoreException.Kind;
import io.tiermount.backends.Version;
import io.tiermount.backends.WriteCondition;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Objects of one bucket. */
final class StrictObjects {
  private static final Pattern RANGE = Pattern.compile("bytes=(\\d+)-(\\d+)");

  private final MemoryStore store;
  private final StrictS3Options options;

  StrictObjects(MemoryStore store, StrictS3Options options) {
    this.store = store;
    this.options = options;
  }

  private ObjectInfo require(String key) throws StoreException, S3Refusal {
    return store
        .head(key)
        .orElseThrow(() -> new S3Refusal(404, "NoSuchKey", "there is no object " + key));
  }

  WireResponse head(WireRequest request, String key) throws StoreException, S3Refusal {
    ObjectInfo info = require(key);
    checkRead(request, info);
    return described(info, false, new byte[0], 200, info.sizeBytes());
  }

  WireResponse get(WireRequest request, String key) throws StoreException, S3Refusal {
    while (true) {
      try {
        return getOnce(request, key);
      } catch (StoreException e) {
        if (e.kind() != Kind.PRECONDITION_FAILED) {
          throw e;
        }
        // Replaced between head and read: describe and send the new one.
      }
    }
  }

  private WireResponse getOnce(WireRequest request, String key) throws StoreException, S3Refusal {
    ObjectInfo info = require(key);
    checkRead(request, info);
    String range = request.header("range");
    if (range == null) {
      byte[] body = content(info, 0, info.sizeBytes());
      boolean checksums = request.header("x-amz-checksum-mode", "").equals("ENABLED");
      return described(info, checksums, body, 200, body.length);
    }
    Matcher parts = RANGE.matcher(range);
    if (!parts.matches()) {
      throw new S3Refusal(400, "InvalidArgument", "range " + range);
    }
    long first = Long.parseLong(parts.group(1));
    long last = Math.min(Long.parseLong(parts.group(2)), info.sizeBytes() - 1);
    if (first > last) {
      throw new S3Refusal(416, "InvalidRange", "the object has " + info.sizeBytes() + " bytes");
    }
    byte[] body = content(info, first, last - first + 1);
    return described(info, false, body, 206, body.length)
        .with("Content-Range", "bytes " + first + "-" + last + "/" + info.sizeBytes());
  }

  private byte[] content(ObjectInfo info, long offset, long length) throws StoreException {
    ByteBuffer buffer = ByteBuffer.allocate((int) length);
    store.read(info.key(), info.version(), offset, length, ReadTarget.into(buffer));
    return buffer.array();
  }

  private static WireResponse described(
      ObjectInfo info, boolean checksums, byte[] body, int status, long declaredBytes) {
    WireResponse response =
        new WireResponse(
                status, StoredHeaders.outgoing(info.metadata(), checksums), body, declaredBytes)
            .with("ETag", quoted(info.version()))
            .with("Last-Modified", httpDate(info.lastModified()))
            .with("Accept-Ranges", "bytes");
    return info.contentType() == null
        ? response
        : response.with("Content-Type", info.contentType());
  }

  private static void checkRead(WireRequest request, ObjectInfo info) throws S3Refusal {
    String match = request.header("if-match");
    if (match != null && !match.equals(quoted(info.version()))) {
      throw new S3Refusal(412, "PreconditionFailed", "the ETag is " + info.version());
    }
  }

  static String httpDate(Instant time) {
    return DateTimeFormatter.RFC_1123_DATE_TIME.format(time.atZone(ZoneOffset.UTC));
  }

  static String quoted(Version version) {
    return "\"" + version.token() + "\"";
  }

  WireResponse put(WireRequest request, String key) throws StoreException, S3Refusal {
    ObjectAttributes attributes =
        StoredHeaders.withChecksum(StoredHeaders.attributes(request), request.body());
    ObjectInfo info =
        store.put(key, ByteSource.of(request.body()), attributes, condition(request, key));
    return WireResponse.empty(200).with("ETag", quoted(info.version()));
  }

  /** The condition of a write; a version of an object that is gone is 404, as S3 answers. */
  WriteCondition condition(WireRequest request, String key) throws StoreException, S3Refusal {
    return condition(store, request, key);
  }

  static WriteCondition condition(MemoryStore store, WireRequest request, String key)
      throws StoreException, S3Refusal {
    String match = request.header("if-match");
    String noneMatch = request.header("if-none-match");
    if (match != null) {
      if (store.head(key).isEmpty()) {
        throw new S3Refusal(404, "NoSuchKey", "If-Match, but there is no object " + key);
      }
      return new WriteCondition.IfVersion(new Version(match.replace("\"", "")));
    }
    if (noneMatch == null) {
      return WriteCondition.ALWAYS;
    }
    if (!noneMatch.equals("*")) {
      throw new S3Refusal(501, "NotImplemented", "If-None-Match takes only *");
    }
    return WriteCondition.IF_ABSENT;
  }

  /** Key and content of a copy's source. */
  record Source(ObjectInfo info) {
    Map<String, String> metadata() {
      return Objects.requireNonNull(info.metadata());
    }
  }

  static Source source(MemoryStore store, WireRequest request, String bucket)
      throws StoreException, S3Refusal {
    String path = UrlText.decode(request.header("x-amz-copy-source", ""));
    String own = bucket + "/";
    String relative = path.startsWith("/") ? path.substring(1) : path;
    if (!relative.startsWith(own)) {
      throw new S3Refusal(403, "AccessDenied", "copies stay within a bucket here: " + path);
    }
    String key = relative.substring(own.length());
    ObjectInfo info =
        store
            .head(key)
            .orElseThrow(() -> new S3Refusal(404, "NoSuchKey", "there is no source " + key));
    String match = request.header("x-amz-copy-source-if-match");
    if (match != null && !match.equals(quoted(info.version()))) {
      throw new S3Refusal(412, "PreconditionFailed", "the source is " + info.version());
    }
    return new Source(info);
  }

  WireResponse copy(WireRequest request, String bucket, String key)
      throws StoreException, S3Refusal {
    Source source = source(store, request, bucket);
    if (source.info().sizeBytes() > options.maxCopyBytes()) {
      throw new S3Refusal(400, "InvalidRequest", "the source is too large for one copy");
    }
    ObjectAttributes attributes = copied(request, source);
    WriteCondition condition = condition(request, key);
    ObjectInfo info =
        store.copy(source.info().key(), source.info().version(), key, attributes, condition);
    return WireResponse.xml(
        200,
        "<CopyObjectResult>"
            + S3Xml.element("ETag", quoted(info.version()))
            + S3Xml.element("LastModified", info.lastModified())
            + "</CopyObjectResult>");
  }

  private static ObjectAttributes copied(WireRequest request, Source source) throws S3Refusal {
    @Nullable String directive = request.header("x-amz-metadata-directive");
    if (directive != null && directive.equals("REPLACE")) {
      return StoredHeaders.replaced(StoredHeaders.attributes(request), source.metadata());
    }
    String target = request.path().replaceFirst("^/[^/]+/", "");
    if (target.equals(source.info().key())) {
      throw new S3Refusal(400, "InvalidRequest", "a copy onto itself must change something");
    }
    return StoredHeaders.copied(request, source.info().contentType(), source.metadata());
  }

  WireResponse tags(String key) throws StoreException, S3Refusal {
    Map<String, String> metadata = Objects.requireNonNull(require(key).metadata());
    StringBuilder tags = new StringBuilder("<Tagging><TagSet>");
    for (String pair : metadata.getOrDefault("~x-amz-tagging", "").split("&", -1)) {
      int equals = pair.indexOf('=');
      if (equals > 0) {
        tags.append("<Tag>")
            .append(S3Xml.element("Key", UrlText.decode(pair.substring(0, equals))))
            .append(S3Xml.element("Value", UrlText.decode(pair.substring(equals + 1))))
            .append("</Tag>");
      }
    }
    return WireResponse.xml(200, tags + "</TagSet></Tagging>");
  }

  WireResponse delete(String key) throws StoreException {
    store.delete(key);
    return WireResponse.empty(204);
  }
}
