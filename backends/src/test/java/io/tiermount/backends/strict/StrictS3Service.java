package io.tiermount.backends.strict;

import io.tiermount.backends.MemoryStore;
import io.tiermount.backends.StoreException;
import java.time.InstantSource;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** From a request to its answer: who asks, whether they may, which bucket, which operation. */
final class StrictS3Service {
  private record Bucket(StrictObjects objects, StrictUploads uploads, StrictListing listing) {}

  private final StrictS3Options options;
  private final StrictKeys keys = new StrictKeys();
  private final SigV4 signatures;
  private final Map<String, Bucket> buckets = new ConcurrentHashMap<>();

  StrictS3Service(StrictS3Options options) {
    this.options = options;
    keys.add(options.accessKey(), options.secretKey(), null);
    this.signatures = new SigV4(keys, options.region());
  }

  StrictKeys keys() {
    return keys;
  }

  void createBucket(String name) {
    MemoryStore store = new MemoryStore(options.limits(), false, InstantSource.system());
    buckets.putIfAbsent(
        name,
        new Bucket(
            new StrictObjects(store, options),
            new StrictUploads(store, options),
            new StrictListing(store)));
  }

  WireResponse respond(WireRequest signed) {
    try {
      SigV4.Seed seed = signatures.verify(signed);
      return dispatch(AwsChunked.decode(signed, seed));
    } catch (S3Refusal e) {
      return e.response();
    } catch (StoreException e) {
      return refusal(e).response();
    }
  }

  private WireResponse dispatch(WireRequest request) throws S3Refusal, StoreException {
    String path = request.path().substring(1);
    int slash = path.indexOf('/');
    String name = slash < 0 ? path : path.substring(0, slash);
    String key = slash < 0 ? "" : path.substring(slash + 1);
    if (key.isEmpty() && request.method().equals("PUT")) {
      createBucket(name);
      return WireResponse.empty(200);
    }
    checkPrefix(request, key);
    Bucket bucket = buckets.get(name);
    if (bucket == null) {
      throw new S3Refusal(404, "NoSuchBucket", "there is no bucket " + name);
    }
    return key.isEmpty() ? bucketCall(request, bucket) : objectCall(request, bucket, name, key);
  }

  private void checkPrefix(WireRequest request, String key) throws S3Refusal {
    String only = options.onlyPrefix();
    if (only == null) {
      return;
    }
    String asked = key.isEmpty() ? request.query().getOrDefault("prefix", "") : key;
    String source = request.header("x-amz-copy-source");
    boolean sourceInside =
        source == null || UrlText.decode(source).replaceFirst("^/?[^/]+/", "").startsWith(only);
    if (!asked.startsWith(only) || !sourceInside) {
      throw new S3Refusal(403, "AccessDenied", "only " + only + " is yours");
    }
  }

  private static WireResponse bucketCall(WireRequest request, Bucket bucket)
      throws S3Refusal, StoreException {
    Map<String, String> query = request.query();
    return switch (request.method()) {
      case "HEAD" -> WireResponse.empty(200);
      case "GET" -> {
        if (query.containsKey("uploads")) {
          yield bucket.uploads.pending(request);
        }
        if (query.getOrDefault("list-type", "").equals("2")) {
          yield bucket.listing.page(request);
        }
        throw unknown(request);
      }
      default -> throw unknown(request);
    };
  }

  private WireResponse objectCall(WireRequest request, Bucket bucket, String name, String key)
      throws S3Refusal, StoreException {
    Map<String, String> query = request.query();
    boolean upload = query.containsKey("uploadId");
    boolean copy = request.header("x-amz-copy-source") != null;
    return switch (request.method()) {
      case "HEAD" -> bucket.objects.head(request, key);
      case "GET" -> {
        if (query.containsKey("tagging")) {
          yield bucket.objects.tags(key);
        }
        yield upload ? bucket.uploads.parts(request, key) : bucket.objects.get(request, key);
      }
      case "PUT" -> {
        if (upload) {
          yield copy
              ? bucket.uploads.partCopy(request, name, key)
              : bucket.uploads.part(request, key);
        }
        if (copy) {
          yield bucket.objects.copy(request, name, key);
        }
        checkHasChecksum(request);
        yield bucket.objects.put(request, key);
      }
      case "POST" -> {
        if (query.containsKey("uploads")) {
          yield bucket.uploads.start(request, name, key);
        }
        if (upload) {
          yield bucket.uploads.complete(request, key);
        }
        throw unknown(request);
      }
      case "DELETE" -> upload ? bucket.uploads.abort(request, key) : bucket.objects.delete(key);
      default -> throw unknown(request);
    };
  }

  private void checkHasChecksum(WireRequest request) throws S3Refusal {
    boolean has =
        PayloadChecksums.NAMES.stream().anyMatch(name -> request.header(name) != null)
            || request.header("x-amz-trailer") != null;
    if (options.requireChecksum() && !has) {
      throw new S3Refusal(400, "InvalidRequest", "this bucket wants a checksum with each put");
    }
  }

  private static S3Refusal unknown(WireRequest request) {
    return new S3Refusal(
        501, "NotImplemented", request.method() + " with " + request.query().keySet());
  }

  private static S3Refusal refusal(StoreException e) {
    String text = e.getMessage() == null ? "" : e.getMessage();
    return switch (e.kind()) {
      case NOT_FOUND -> new S3Refusal(404, "NoSuchKey", text);
      case PRECONDITION_FAILED -> new S3Refusal(412, "PreconditionFailed", text);
      case TOO_LARGE -> new S3Refusal(400, "EntityTooLarge", text);
      case INVALID -> new S3Refusal(400, "InvalidArgument", text);
      case UNSUPPORTED -> new S3Refusal(501, "NotImplemented", text);
      case ACCESS_DENIED,
          KEYS_REFUSED,
          THROTTLED,
          UNAVAILABLE,
          TIMEOUT,
          CORRUPT,
          INTERRUPTED,
          CLOSED,
          LOCAL_IO ->
          new S3Refusal(500, "InternalError", text);
    };
  }
}
