package io.tiermount.backends.s3;

import io.tiermount.backends.ObjectAttributes;
import io.tiermount.backends.ObjectInfo;
import io.tiermount.backends.StoreException;
import io.tiermount.backends.StoreException.Kind;
import io.tiermount.backends.StoreLimits;
import io.tiermount.backends.Version;
import io.tiermount.backends.WriteCondition;
import io.tiermount.backends.s3.S3Calls.Patience;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadFactory;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.CopyObjectRequest;
import software.amazon.awssdk.services.s3.model.CopyObjectResponse;
import software.amazon.awssdk.services.s3.model.CreateMultipartUploadRequest;
import software.amazon.awssdk.services.s3.model.GetObjectTaggingRequest;
import software.amazon.awssdk.services.s3.model.HeadObjectResponse;
import software.amazon.awssdk.services.s3.model.MetadataDirective;
import software.amazon.awssdk.services.s3.model.Tagging;

/**
 * Copies on the server side: a HEAD of the source (S3 forgets storage class and encryption
 * otherwise, and with new metadata every other header), then CopyObject, or UploadPartCopy in
 * parallel above its limit. The copy is pinned to the version that the HEAD saw.
 *
 * <p>A condition on the target goes with the request; stores older than conditional copies would
 * ignore it silently, so a HEAD of the target checks it first as well.
 */
final class S3Copy {
  private static final int PARALLEL_PARTS = 4;

  private final S3Calls calls;
  private final S3Requests requests;
  private final StoreLimits limits;
  private final S3Tuning tuning;

  S3Copy(S3Calls calls, S3Requests requests, StoreLimits limits, S3Tuning tuning) {
    this.calls = calls;
    this.requests = requests;
    this.limits = limits;
    this.tuning = tuning;
  }

  ObjectInfo copy(
      String sourceKey,
      @Nullable Version sourceVersion,
      String key,
      @Nullable ObjectAttributes attributes,
      WriteCondition condition)
      throws StoreException {
    HeadObjectResponse source =
        calls.run(
            "HEAD",
            sourceKey,
            Patience.QUICK,
            (client, call) -> client.headObject(requests.head(sourceKey)));
    Version version = S3Answers.version(source.eTag(), source.lastModified());
    if (sourceVersion != null && !sourceVersion.equals(version)) {
      throw new StoreException(
          Kind.PRECONDITION_FAILED,
          sourceKey,
          sourceKey + " is version " + version + " now, not " + sourceVersion + ": not copied");
    }
    checkTarget(key, condition);
    if (source.contentLength() > tuning.maxCopyBytes()) {
      return copyParts(sourceKey, source, version, key, attributes, condition);
    }
    S3Write write = new S3Write(requests.bucket(), key);
    CopyObjectRequest request =
        request(sourceKey, source, version, key, attributes, condition, write);
    return calls.run(
        "COPY " + sourceKey + " to",
        key,
        Patience.LONG,
        (client, call) -> {
          long startedSecond = System.currentTimeMillis() / 1000;
          return write.attempt(
              client,
              call,
              condition,
              there ->
                  attributes != null
                      ? write.isOurs(there)
                      : looksCopied(there, version, startedSecond),
              () -> copyOnce(client, request, key, source, attributes));
        });
  }

  /** A plain copy carries no id of its own: same content, written since, is taken for ours. */
  private static boolean looksCopied(
      HeadObjectResponse there, Version version, long startedSecond) {
    return S3Answers.version(there.eTag(), there.lastModified()).equals(version)
        && there.lastModified().getEpochSecond() >= startedSecond - 60;
  }

  private void checkTarget(String key, WriteCondition condition) throws StoreException {
    if (condition instanceof WriteCondition.Always) {
      return;
    }
    Version there =
        calls
            .run(
                "HEAD",
                key,
                Patience.QUICK,
                (client, call) -> {
                  HeadObjectResponse answer = S3Store.headOrNull(client, requests.head(key));
                  return new Found(
                      answer == null
                          ? null
                          : S3Answers.version(answer.eTag(), answer.lastModified()));
                })
            .version();
    boolean holds =
        switch (condition) {
          case WriteCondition.Always _ -> true;
          case WriteCondition.IfAbsent _ -> there == null;
          case WriteCondition.IfVersion(Version version) -> version.equals(there);
        };
    if (!holds) {
      throw S3Write.refused(key, condition, null);
    }
  }

  private record Found(@Nullable Version version) {}

  private CopyObjectRequest request(
      String sourceKey,
      HeadObjectResponse source,
      Version version,
      String key,
      @Nullable ObjectAttributes attributes,
      WriteCondition condition,
      S3Write write) {
    CopyObjectRequest.Builder request =
        CopyObjectRequest.builder()
            .sourceBucket(requests.bucket())
            .sourceKey(sourceKey)
            .copySourceIfMatch(S3Answers.etag(version))
            .destinationBucket(requests.bucket())
            .destinationKey(key)
            .ifMatch(S3Write.ifMatch(condition))
            .ifNoneMatch(S3Write.ifNoneMatch(condition))
            .acl(requests.put().acl())
            .storageClass(source.storageClassAsString())
            .serverSideEncryption(source.serverSideEncryptionAsString())
            .ssekmsKeyId(source.ssekmsKeyId())
            .requestPayer(requests.payer());
    if (attributes == null) {
      request.metadataDirective(MetadataDirective.COPY);
    } else {
      boolean plain = condition instanceof WriteCondition.Always;
      request
          .metadataDirective(MetadataDirective.REPLACE)
          .contentType(attributes.contentType())
          .metadata(plain ? attributes.metadata() : write.metadata(attributes))
          .overrideConfiguration(S3Requests.headers(kept(key, source, attributes)));
    }
    return request.build();
  }

  private static ObjectInfo copyOnce(
      S3Client client,
      CopyObjectRequest request,
      String key,
      HeadObjectResponse source,
      @Nullable ObjectAttributes attributes) {
    CopyObjectResponse answer = client.copyObject(request);
    String etag = answer.copyObjectResult().eTag();
    return S3Answers.written(
        key, source.contentLength(), etag, answer, kept(key, source, attributes));
  }

  private static ObjectAttributes kept(
      String key, HeadObjectResponse source, @Nullable ObjectAttributes attributes) {
    return ObjectAttributes.ofCopy(S3Answers.head(key, source), attributes);
  }

  private ObjectInfo copyParts(
      String sourceKey,
      HeadObjectResponse source,
      Version version,
      String key,
      @Nullable ObjectAttributes attributes,
      WriteCondition condition)
      throws StoreException {
    if (!limits.multipart()) {
      throw new StoreException(
          Kind.UNSUPPORTED,
          key,
          sourceKey + " is too large for one copy, and multipart is off: set multipart = true");
    }
    S3Write write = new S3Write(requests.bucket(), key);
    ObjectAttributes kept = kept(key, source, attributes);
    CreateMultipartUploadRequest create = createRequest(sourceKey, source, key, kept, write);
    String uploadId =
        calls
            .run(
                "POST upload of",
                key,
                Patience.QUICK,
                (client, call) -> client.createMultipartUpload(create))
            .uploadId();
    S3Upload upload = new S3Upload(calls, requests, limits, key, uploadId, write, kept);
    try {
      copyAll(sourceKey, source.contentLength(), version, key, upload);
      return upload.complete(condition);
    } catch (StoreException e) {
      abort(upload, e);
      throw e;
    }
  }

  private static void abort(S3Upload upload, StoreException failure) {
    if (failure.kind() == Kind.INTERRUPTED || failure.kind() == Kind.CLOSED) {
      return; // no more requests; pendingUploads finds it later
    }
    try {
      upload.abort();
    } catch (StoreException e) {
      failure.addSuppressed(e);
    }
  }

  private CreateMultipartUploadRequest createRequest(
      String sourceKey, HeadObjectResponse source, String key, ObjectAttributes kept, S3Write write)
      throws StoreException {
    CreateMultipartUploadRequest.Builder create =
        requests
            .create(key, kept, write.metadata(kept))
            .storageClass(source.storageClassAsString())
            .serverSideEncryption(source.serverSideEncryptionAsString())
            .ssekmsKeyId(source.ssekmsKeyId());
    if (source.tagCount() != null && source.tagCount() > 0) {
      GetObjectTaggingRequest ask =
          GetObjectTaggingRequest.builder().bucket(requests.bucket()).key(sourceKey).build();
      Tagging tags =
          calls.run(
              "GET tags of",
              sourceKey,
              Patience.QUICK,
              (client, call) ->
                  Tagging.builder().tagSet(client.getObjectTagging(ask).tagSet()).build());
      create.tagging(tags);
    }
    return create.build();
  }

  private void copyAll(
      String sourceKey, long sizeBytes, Version version, String key, S3Upload upload)
      throws StoreException {
    long least = (sizeBytes + limits.maxParts() - 1) / limits.maxParts();
    long partBytes = Math.max(tuning.copyPartBytes(), least);
    List<Callable<Integer>> parts = new ArrayList<>();
    int number = 0;
    for (long from = 0; from < sizeBytes; from += partBytes) {
      long first = from;
      long length = Math.min(sizeBytes - from, partBytes);
      int part = ++number;
      parts.add(() -> {
        upload.copyPart(part, sourceKey, version, first, length);
        return part;
      });
    }
    ThreadFactory threads = Thread.ofVirtual().name("s3-copy-", 0).factory();
    try (ExecutorService pool = Executors.newFixedThreadPool(PARALLEL_PARTS, threads)) {
      for (Future<Integer> part : pool.invokeAll(parts)) {
        part.get();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new StoreException(
          Kind.INTERRUPTED, key, "the copy of " + sourceKey + " was given up by its caller", e);
    } catch (ExecutionException e) {
      throw e.getCause() instanceof StoreException own
          ? own
          : new StoreException(Kind.UNAVAILABLE, key, "a part was not copied", e);
    }
  }
}
