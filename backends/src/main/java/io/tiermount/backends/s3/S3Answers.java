package io.tiermount.backends.s3;

import io.tiermount.backends.ObjectAttributes;
import io.tiermount.backends.ObjectInfo;
import io.tiermount.backends.Version;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.core.SdkResponse;
import software.amazon.awssdk.services.s3.model.GetObjectResponse;
import software.amazon.awssdk.services.s3.model.HeadObjectResponse;
import software.amazon.awssdk.services.s3.model.S3Object;

/**
 * S3's answers as {@link ObjectInfo}. Times are cut to whole seconds: headers have no more,
 * listings of some stores do, and the two must be equal for one version.
 */
final class S3Answers {
  /** Our own mark on a write ({@link S3Write}); never shown to callers. */
  static final String WRITE_ID = "tm-write";

  private S3Answers() {}

  static ObjectInfo head(String key, HeadObjectResponse answer) {
    return new ObjectInfo(
        key,
        answer.contentLength() == null ? 0 : answer.contentLength(),
        version(answer.eTag(), answer.lastModified()),
        seconds(answer.lastModified()),
        answer.contentType(),
        visible(answer.metadata()),
        headers(
            answer.cacheControl(),
            answer.contentDisposition(),
            answer.contentEncoding(),
            answer.contentLanguage(),
            answer.expiresString()));
  }

  static ObjectInfo get(String key, GetObjectResponse answer, long sizeBytes) {
    return new ObjectInfo(
        key,
        sizeBytes,
        version(answer.eTag(), answer.lastModified()),
        seconds(answer.lastModified()),
        answer.contentType(),
        visible(answer.metadata()),
        headers(
            answer.cacheControl(),
            answer.contentDisposition(),
            answer.contentEncoding(),
            answer.contentLanguage(),
            answer.expiresString()));
  }

  private static Map<String, String> headers(
      @Nullable String cacheControl,
      @Nullable String contentDisposition,
      @Nullable String contentEncoding,
      @Nullable String contentLanguage,
      @Nullable String expires) {
    Map<String, String> headers = new HashMap<>();
    headers.put("cache-control", text(cacheControl));
    headers.put("content-disposition", text(contentDisposition));
    headers.put("content-encoding", text(contentEncoding));
    headers.put("content-language", text(contentLanguage));
    headers.put("expires", text(expires));
    headers.values().removeIf(String::isEmpty);
    return headers;
  }

  private static String text(@Nullable String value) {
    return value == null ? "" : value.strip();
  }

  static ObjectInfo listed(S3Object entry) {
    return new ObjectInfo(
        entry.key(),
        entry.size() == null ? 0 : entry.size(),
        version(entry.eTag(), entry.lastModified()),
        seconds(entry.lastModified()),
        null,
        null);
  }

  /** What was written: the answer names its ETag, and its Date stands for the time. */
  static ObjectInfo written(
      String key,
      long sizeBytes,
      @Nullable String etag,
      SdkResponse answer,
      @Nullable ObjectAttributes attributes) {
    Instant now = date(answer);
    return new ObjectInfo(
        key,
        sizeBytes,
        version(etag, now),
        seconds(now),
        attributes == null ? null : attributes.contentType(),
        attributes == null ? null : attributes.metadata(),
        attributes == null ? null : attributes.headersWritten());
  }

  private static @Nullable Instant date(SdkResponse answer) {
    return time(answer.sdkHttpResponse().firstMatchingHeader("Date").orElse(null));
  }

  /** A time of a header, null where there is none or none that can be read. */
  static @Nullable Instant time(@Nullable String text) {
    if (text == null) {
      return null;
    }
    try {
      return ZonedDateTime.parse(text, DateTimeFormatter.RFC_1123_DATE_TIME).toInstant();
    } catch (DateTimeException e) {
      return null;
    }
  }

  /** The ETag without quotes; where a store gives none, a mark of the time that matches nothing. */
  static Version version(@Nullable String etag, @Nullable Instant lastModified) {
    if (etag == null || etag.isEmpty() || etag.equals("\"\"")) {
      return new Version("no-etag-" + lastModified);
    }
    boolean quoted = etag.length() > 2 && etag.startsWith("\"") && etag.endsWith("\"");
    return new Version(quoted ? etag.substring(1, etag.length() - 1) : etag);
  }

  static String etag(Version version) {
    return "\"" + version.token() + "\"";
  }

  static Instant seconds(@Nullable Instant time) {
    return time == null ? Instant.EPOCH : time.truncatedTo(ChronoUnit.SECONDS);
  }

  private static Map<String, String> visible(Map<String, String> metadata) {
    Map<String, String> shown = lowerCase(metadata);
    shown.remove(WRITE_ID);
    return shown;
  }

  static @Nullable String writeId(Map<String, String> metadata) {
    return lowerCase(metadata).get(WRITE_ID);
  }

  /** Servers may write header names in any case. */
  private static Map<String, String> lowerCase(Map<String, String> metadata) {
    Map<String, String> names = HashMap.newHashMap(metadata.size());
    metadata.forEach((name, value) -> names.put(name.toLowerCase(Locale.ROOT), value));
    return names;
  }
}
