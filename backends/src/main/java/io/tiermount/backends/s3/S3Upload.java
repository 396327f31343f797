package io.tiermount.backends.s3;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.tiermount.backends.ByteSource;
import io.tiermount.backends.Keys;
import io.tiermount.backends.ObjectAttributes;
import io.tiermount.backends.ObjectInfo;
import io.tiermount.backends.StoreException;
import io.tiermount.backends.StoreException.Kind;
import io.tiermount.backends.StoreLimits;
import io.tiermount.backends.Upload;
import io.tiermount.backends.Version;
import io.tiermount.backends.WriteCondition;
import io.tiermount.backends.s3.S3Calls.Patience;
import java.io.IOException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.CompleteMultipartUploadRequest;
import software.amazon.awssdk.services.s3.model.CompleteMultipartUploadResponse;
import software.amazon.awssdk.services.s3.model.CompletedPart;
import software.amazon.awssdk.services.s3.model.HeadObjectResponse;
import software.amazon.awssdk.services.s3.model.NoSuchUploadException;
import software.amazon.awssdk.services.s3.model.S3Exception;
import software.amazon.awssdk.services.s3.model.UploadPartCopyRequest;
import software.amazon.awssdk.services.s3.model.UploadPartResponse;

/**
 * A multipart upload. Remembers the ETag of each part; one that was resumed asks the store for them
 * (ListParts) when it is completed.
 *
 * <p>A completion whose answer was lost is recognised by the write id of {@link S3Write}; for a
 * resumed upload, which does not know that id, by the ETag that S3 makes of its parts' ETags. A
 * resumed upload that an earlier process had completed already is NOT_FOUND: HEAD the key then.
 */
final class S3Upload implements Upload {
  private record Part(String etag, long sizeBytes) {}

  private final S3Calls calls;
  private final S3Requests requests;
  private final StoreLimits limits;
  private final String key;
  private final String uploadId;
  private final @Nullable S3Write write;
  private final @Nullable ObjectAttributes attributes;

  @GuardedBy("this")
  private final TreeMap<Integer, Part> parts = new TreeMap<>();

  @GuardedBy("this")
  private @Nullable ObjectInfo completed;

  /**
   * An upload just begun.
   *
   * @param write null for one that is resumed, {@code attributes} too
   */
  S3Upload(
      S3Calls calls,
      S3Requests requests,
      StoreLimits limits,
      String key,
      String uploadId,
      @Nullable S3Write write,
      @Nullable ObjectAttributes attributes) {
    this.calls = calls;
    this.requests = requests;
    this.limits = limits;
    this.key = key;
    this.uploadId = uploadId;
    this.write = write;
    this.attributes = attributes;
  }

  @Override
  public String uploadId() {
    return uploadId;
  }

  @Override
  public void part(int number, ByteSource body) throws StoreException {
    checkNumber(number);
    long size = body.sizeBytes();
    if (size > limits.maxPartBytes()) {
      throw new StoreException(
          Kind.TOO_LARGE, key, "part " + number + " of " + key + " is larger than a part may be");
    }
    UploadPartResponse answer =
        calls.run(
            "PUT part " + number + " of",
            key,
            Patience.LONG,
            (client, call) -> {
              S3Body content = new S3Body(key, body, call);
              try {
                return client.uploadPart(
                    requests.part(key, uploadId, number, size), content.request(null));
              } finally {
                content.check();
              }
            });
    note(number, answer.eTag(), size);
  }

  @Override
  public void copyPart(
      int number, String sourceKey, Version sourceVersion, long offsetBytes, long lengthBytes)
      throws StoreException {
    checkNumber(number);
    Keys.check(sourceKey, limits);
    checkRange(number, offsetBytes, lengthBytes);
    UploadPartCopyRequest request =
        requests.copyPart(
            sourceKey, sourceVersion, offsetBytes, lengthBytes, key, uploadId, number);
    String etag =
        calls.run(
            "COPY part " + number + " of",
            key,
            Patience.LONG,
            (client, call) -> client.uploadPartCopy(request).copyPartResult().eTag());
    note(number, etag, lengthBytes);
  }

  private void checkRange(int number, long offsetBytes, long lengthBytes) throws StoreException {
    if (offsetBytes < 0 || lengthBytes < 1) {
      throw new StoreException(
          Kind.INVALID,
          key,
          "part " + number + " of " + key + " would be " + offsetBytes + "+" + lengthBytes);
    }
    if (lengthBytes > limits.maxPartBytes()) {
      throw new StoreException(
          Kind.TOO_LARGE, key, "part " + number + " of " + key + " is larger than a part may be");
    }
  }

  private synchronized void note(int number, String etag, long sizeBytes) {
    parts.put(number, new Part(etag, sizeBytes));
  }

  private void checkNumber(int number) throws StoreException {
    if (number < 1 || number > limits.maxParts()) {
      throw new StoreException(
          Kind.INVALID,
          key,
          "part " + number + " of " + key + ": parts are 1 to " + limits.maxParts());
    }
  }

  @Override
  public ObjectInfo complete(WriteCondition condition) throws StoreException {
    ObjectInfo before = completed();
    if (before != null) {
      return before;
    }
    if (write == null) {
      askForParts();
    }
    List<CompletedPart> inOrder = inOrder();
    long size = sizeBytes();
    CompleteMultipartUploadRequest request = requests.complete(key, uploadId, inOrder, condition);
    Predicate<HeadObjectResponse> ours = ours(inOrder);
    S3Write named = write == null ? new S3Write(requests.bucket(), key) : write;
    ObjectInfo info =
        calls.run(
            "COMPLETE",
            key,
            Patience.LONG,
            (client, call) ->
                named.attempt(
                    client,
                    call,
                    condition,
                    ours,
                    () -> completeOnce(client, call, request, ours, size)));
    return complete(info);
  }

  private synchronized @Nullable ObjectInfo completed() {
    return completed;
  }

  private synchronized ObjectInfo complete(ObjectInfo info) {
    completed = info;
    return info;
  }

  private ObjectInfo completeOnce(
      S3Client client,
      S3Call call,
      CompleteMultipartUploadRequest request,
      Predicate<HeadObjectResponse> ours,
      long size)
      throws IOException {
    try {
      CompleteMultipartUploadResponse answer = client.completeMultipartUpload(request);
      return S3Answers.written(key, size, answer.eTag(), answer, attributes);
    } catch (NoSuchUploadException e) {
      if (call.retried()) {
        HeadObjectResponse there = client.headObject(requests.head(key));
        if (ours.test(there)) {
          return S3Answers.head(key, there);
        }
      }
      throw e;
    }
  }

  private Predicate<HeadObjectResponse> ours(List<CompletedPart> inOrder) {
    S3Write own = write;
    if (own != null) {
      return own::isOurs;
    }
    String expected = etagOf(inOrder);
    return there -> S3Answers.version(there.eTag(), null).token().equals(expected);
  }

  /** S3's ETag of a multipart object: MD5 of the parts' MD5s, and their count. */
  private static @Nullable String etagOf(List<CompletedPart> inOrder) {
    try {
      MessageDigest digest = MessageDigest.getInstance("MD5");
      for (CompletedPart part : inOrder) {
        digest.update(HexFormat.of().parseHex(part.eTag().replace("\"", "")));
      }
      return HexFormat.of().formatHex(digest.digest()) + "-" + inOrder.size();
    } catch (IllegalArgumentException e) {
      return null; // a store whose ETags are no hex digits: its uploads can't be recognised
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has MD5", e);
    }
  }

  private void askForParts() throws StoreException {
    Map<Integer, Part> there = new TreeMap<>();
    calls.run(
        "LIST parts of",
        key,
        Patience.QUICK,
        (client, call) -> {
          for (var part : client.listPartsPaginator(requests.listParts(key, uploadId)).parts()) {
            there.put(part.partNumber(), new Part(part.eTag(), part.size()));
            call.progress();
          }
          return there;
        });
    synchronized (this) {
      parts.putAll(there);
    }
  }

  private synchronized long sizeBytes() {
    return parts.values().stream().mapToLong(Part::sizeBytes).sum();
  }

  private synchronized List<CompletedPart> inOrder() throws StoreException {
    List<CompletedPart> inOrder = new ArrayList<>(parts.size());
    for (Map.Entry<Integer, Part> part : parts.entrySet()) {
      int number = inOrder.size() + 1;
      if (part.getKey() != number) {
        throw new StoreException(
            Kind.INVALID, key, "part " + number + " of " + key + " is missing: send it");
      }
      inOrder.add(CompletedPart.builder().partNumber(number).eTag(part.getValue().etag()).build());
    }
    if (inOrder.isEmpty()) {
      throw new StoreException(
          Kind.INVALID, key, "the upload of " + key + " has no parts: put it instead");
    }
    return inOrder;
  }

  @Override
  public void abort() throws StoreException {
    Keys.check(key, limits);
    calls.run(
        "ABORT",
        key,
        Patience.QUICK,
        (client, call) -> {
          try {
            client.abortMultipartUpload(requests.abort(key, uploadId));
            return true;
          } catch (S3Exception e) {
            if (e.statusCode() == 404) {
              return false; // completed or aborted before
            }
            throw e;
          }
        });
  }
}
