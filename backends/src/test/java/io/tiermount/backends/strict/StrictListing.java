package io.tiermount.backends.strict;

import io.tiermount.backends.ListPage;
import io.tiermount.backends.ListRequest;
import io.tiermount.backends.MemoryStore;
import io.tiermount.backends.ObjectInfo;
import io.tiermount.backends.StoreException;
import java.util.Map;

/** ListObjectsV2. */
final class StrictListing {
  private final MemoryStore store;

  StrictListing(MemoryStore store) {
    this.store = store;
  }

  WireResponse page(WireRequest request) throws StoreException, S3Refusal {
    Map<String, String> query = request.query();
    int maxKeys = Integer.parseInt(query.getOrDefault("max-keys", "1000"));
    if (maxKeys < 1) {
      throw new S3Refusal(400, "InvalidArgument", "max-keys " + maxKeys);
    }
    String delimiter = query.get("delimiter");
    ListRequest asked =
        new ListRequest(
            query.getOrDefault("prefix", ""),
            delimiter == null || delimiter.isEmpty() ? null : delimiter,
            query.get("continuation-token"),
            query.get("start-after"),
            Math.min(maxKeys, ListRequest.MAX_KEYS));
    ListPage page = store.list(asked);
    boolean url = query.getOrDefault("encoding-type", "").equals("url");
    StringBuilder xml = new StringBuilder("<ListBucketResult>");
    xml.append(S3Xml.element("Prefix", text(asked.prefix(), url)))
        .append(S3Xml.element("MaxKeys", maxKeys))
        .append(S3Xml.element("KeyCount", page.objects().size() + page.commonPrefixes().size()))
        .append(S3Xml.element("IsTruncated", page.nextToken() != null));
    if (url) {
      xml.append("<EncodingType>url</EncodingType>");
    }
    if (delimiter != null) {
      xml.append(S3Xml.element("Delimiter", text(delimiter, url)));
    }
    if (page.nextToken() != null) {
      xml.append(S3Xml.element("NextContinuationToken", page.nextToken()));
    }
    for (ObjectInfo info : page.objects()) {
      xml.append("<Contents>")
          .append(S3Xml.element("Key", text(info.key(), url)))
          // Listings of some stores carry fractions that the headers don't have.
          .append(S3Xml.element("LastModified", info.lastModified().plusMillis(789)))
          .append(S3Xml.element("ETag", StrictObjects.quoted(info.version())))
          .append(S3Xml.element("Size", info.sizeBytes()))
          .append("<StorageClass>STANDARD</StorageClass></Contents>");
    }
    for (String prefix : page.commonPrefixes()) {
      xml.append("<CommonPrefixes>")
          .append(S3Xml.element("Prefix", text(prefix, url)))
          .append("</CommonPrefixes>");
    }
    return WireResponse.xml(200, xml + "</ListBucketResult>");
  }

  static String text(String key, boolean url) {
    return url ? UrlText.encode(key, true).replace("%20", "+") : key;
  }
}
