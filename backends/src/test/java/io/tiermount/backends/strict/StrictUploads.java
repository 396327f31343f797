package io.tiermount.backends.strict;

import io.tiermount.backends.ByteSource;
import io.tiermount.backends.MemoryStore;
import io.tiermount.backends.ObjectInfo;
import io.tiermount.backends.ReadTarget;
import io.tiermount.backends.StoreException;
import io.tiermount.backends.StoreException.Kind;
import io.tiermount.backends.Upload;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Multipart uploads of one bucket. */
final class StrictUploads {
  private static final Pattern RANGE = Pattern.compile("bytes=(\\d+)-(\\d+)");
  private static final Pattern PART = Pattern.compile("<Part>(.*?)</Part>", Pattern.DOTALL);
  private static final Pattern NUMBER = Pattern.compile("<PartNumber>(\\d+)</PartNumber>");
  private static final Pattern ETAG =
      Pattern.compile("<ETag>(?:\"|&quot;)?([^<&\"]+)(?:\"|&quot;)?</ETag>");

  private record Sent(String etag, long sizeBytes) {}

  private record Pending(String key, Upload upload, NavigableMap<Integer, Sent> parts) {}

  private final MemoryStore store;
  private final StrictS3Options options;
  private final Map<String, Pending> uploads = new ConcurrentHashMap<>();

  StrictUploads(MemoryStore store, StrictS3Options options) {
    this.store = store;
    this.options = options;
  }

  WireResponse start(WireRequest request, String bucket, String key)
      throws StoreException, S3Refusal {
    Upload upload = store.startUpload(key, StoredHeaders.attributes(request));
    uploads.put(upload.uploadId(), new Pending(key, upload, new ConcurrentSkipListMap<>()));
    return WireResponse.xml(
        200,
        "<InitiateMultipartUploadResult>"
            + S3Xml.element("Bucket", bucket)
            + S3Xml.element("Key", key)
            + S3Xml.element("UploadId", upload.uploadId())
            + "</InitiateMultipartUploadResult>");
  }

  private Pending require(WireRequest request, String key) throws S3Refusal {
    Pending pending = uploads.get(request.query().getOrDefault("uploadId", ""));
    if (pending == null || !pending.key.equals(key)) {
      throw new S3Refusal(404, "NoSuchUpload", "there is no such upload of " + key);
    }
    return pending;
  }

  WireResponse part(WireRequest request, String key) throws StoreException, S3Refusal {
    String etag = send(require(request, key), request, request.body());
    return WireResponse.empty(200).with("ETag", "\"" + etag + "\"");
  }

  private static String send(Pending pending, WireRequest request, byte[] body)
      throws StoreException {
    int number = Integer.parseInt(request.query().getOrDefault("partNumber", "0"));
    pending.upload.part(number, ByteSource.of(body));
    String etag = md5(body);
    pending.parts.put(number, new Sent(etag, body.length));
    return etag;
  }

  WireResponse partCopy(WireRequest request, String bucket, String key)
      throws StoreException, S3Refusal {
    Pending pending = require(request, key);
    ObjectInfo source = StrictObjects.source(store, request, bucket).info();
    String asked = request.header("x-amz-copy-source-range");
    long first = 0;
    long last = source.sizeBytes() - 1;
    if (asked != null) {
      Matcher range = RANGE.matcher(asked);
      if (!range.matches()) {
        throw new S3Refusal(400, "InvalidArgument", "the range " + asked);
      }
      first = Long.parseLong(range.group(1));
      last = Long.parseLong(range.group(2));
    }
    if (first > last || last >= source.sizeBytes() || last - first + 1 > options.maxCopyBytes()) {
      throw new S3Refusal(400, "InvalidArgument", "the range is not within source and limit");
    }
    ByteBuffer buffer = ByteBuffer.allocate((int) (last - first + 1));
    store.read(source.key(), source.version(), first, buffer.capacity(), ReadTarget.into(buffer));
    String etag = send(pending, request, buffer.array());
    return WireResponse.xml(
        200,
        "<CopyPartResult>"
            + S3Xml.element("ETag", "\"" + etag + "\"")
            + S3Xml.element("LastModified", source.lastModified())
            + "</CopyPartResult>");
  }

  WireResponse complete(WireRequest request, String key) throws StoreException, S3Refusal {
    Pending pending = require(request, key);
    checkList(new String(request.body(), StandardCharsets.UTF_8), pending);
    var condition = StrictObjects.condition(store, request, key);
    ObjectInfo info;
    try {
      info = pending.upload.complete(condition);
    } catch (StoreException e) {
      if (e.kind() == Kind.INVALID) {
        throw new S3Refusal(400, "EntityTooSmall", "" + e.getMessage());
      }
      throw e;
    }
    uploads.remove(pending.upload.uploadId());
    return WireResponse.xml(
        200,
        "<CompleteMultipartUploadResult>"
            + S3Xml.element("ETag", StrictObjects.quoted(info.version()))
            + "</CompleteMultipartUploadResult>");
  }

  /** The list must name every part that was sent, in order, with its ETag. */
  private static void checkList(String document, Pending pending) throws S3Refusal {
    int count = 0;
    for (Matcher part = PART.matcher(document); part.find(); ) {
      Matcher number = NUMBER.matcher(part.group(1));
      Matcher etag = ETAG.matcher(part.group(1));
      if (!number.find() || !etag.find()) {
        throw new S3Refusal(400, "MalformedXML", "a part lacks its number or ETag");
      }
      count++;
      if (Integer.parseInt(number.group(1)) != count) {
        throw new S3Refusal(400, "InvalidPartOrder", "part " + number.group(1) + " at " + count);
      }
      Sent sent = pending.parts.get(count);
      if (sent == null || !sent.etag.equals(etag.group(1))) {
        throw new S3Refusal(400, "InvalidPart", "part " + count + " has another ETag");
      }
    }
    if (count == 0 || count != pending.parts.size()) {
      throw new S3Refusal(400, "InvalidPart", "not all parts are named");
    }
  }

  WireResponse abort(WireRequest request, String key) throws StoreException, S3Refusal {
    Pending pending = require(request, key);
    pending.upload.abort();
    uploads.remove(pending.upload.uploadId());
    return WireResponse.empty(204);
  }

  WireResponse parts(WireRequest request, String key) throws S3Refusal {
    Pending pending = require(request, key);
    int after = Integer.parseInt(request.query().getOrDefault("part-number-marker", "0"));
    StringBuilder xml = new StringBuilder("<ListPartsResult><IsTruncated>false</IsTruncated>");
    pending
        .parts
        .tailMap(after, false)
        .forEach((number, sent) ->
            xml.append("<Part>")
                .append(S3Xml.element("PartNumber", number))
                .append(S3Xml.element("ETag", "\"" + sent.etag + "\""))
                .append(S3Xml.element("Size", sent.sizeBytes))
                .append("</Part>"));
    return WireResponse.xml(200, xml + "</ListPartsResult>");
  }

  WireResponse pending(WireRequest request) {
    Map<String, String> query = request.query();
    boolean url = query.getOrDefault("encoding-type", "").equals("url");
    String prefix = query.getOrDefault("prefix", "");
    int max = Integer.parseInt(query.getOrDefault("max-uploads", "1000"));
    String marker =
        query.getOrDefault("key-marker", "") + "\0" + query.getOrDefault("upload-id-marker", "");
    List<Pending> rest =
        uploads.values().stream()
            .filter(each -> each.key.startsWith(prefix))
            .filter(each -> place(each).compareTo(marker) > 0)
            .sorted(Comparator.comparing(StrictUploads::place))
            .toList();
    List<Pending> page = rest.subList(0, Math.min(max, rest.size()));
    StringBuilder xml = new StringBuilder("<ListMultipartUploadsResult>");
    xml.append(url ? "<EncodingType>url</EncodingType>" : "")
        .append(S3Xml.element("IsTruncated", page.size() < rest.size()));
    if (page.size() < rest.size()) {
      xml.append(S3Xml.element("NextKeyMarker", StrictListing.text(page.getLast().key, url)))
          .append(S3Xml.element("NextUploadIdMarker", page.getLast().upload.uploadId()));
    }
    for (Pending each : page) {
      xml.append("<Upload>")
          .append(S3Xml.element("Key", StrictListing.text(each.key, url)))
          .append(S3Xml.element("UploadId", each.upload.uploadId()))
          .append("</Upload>");
    }
    return WireResponse.xml(200, xml + "</ListMultipartUploadsResult>");
  }

  private static String place(Pending pending) {
    return pending.key + "\0" + pending.upload.uploadId();
  }

  private static String md5(byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("MD5").digest(bytes));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }
}
