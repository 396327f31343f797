package io.tiermount.backends.s3;

import io.tiermount.backends.ByteSource;
import io.tiermount.backends.Credentials;
import io.tiermount.backends.Keys;
import io.tiermount.backends.ListPage;
import io.tiermount.backends.ListRequest;
import io.tiermount.backends.MetadataRules;
import io.tiermount.backends.ObjectAttributes;
import io.tiermount.backends.ObjectInfo;
import io.tiermount.backends.ObjectStore;
import io.tiermount.backends.ReadTarget;
import io.tiermount.backends.StoreException;
import io.tiermount.backends.StoreException.Kind;
import io.tiermount.backends.StoreLimits;
import io.tiermount.backends.Upload;
import io.tiermount.backends.Version;
import io.tiermount.backends.WriteCondition;
import io.tiermount.backends.s3.S3Calls.Patience;
import io.tiermount.backends.s3.keys.AwsEnvironment;
import io.tiermount.backends.s3.keys.S3Keys;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.HeadObjectRequest;
import software.amazon.awssdk.services.s3.model.HeadObjectResponse;
import software.amazon.awssdk.services.s3.model.ListObjectsV2Response;
import software.amazon.awssdk.services.s3.model.PutObjectRequest;
import software.amazon.awssdk.services.s3.model.PutObjectResponse;
import software.amazon.awssdk.services.s3.model.S3Exception;

/**
 * A bucket of S3 or of anything that speaks its protocol.
 *
 * <p><b>Requests.</b> {@link #head} is one HEAD, {@link #read} one ranged GET (and one HEAD more
 * where the range is empty or behind the end: HTTP 416 tells no object), {@link #list} one
 * ListObjectsV2, {@link #put} one PutObject, {@link #copy} a HEAD of the source and a CopyObject.
 * Nothing else is ever asked: no HeadBucket, no location, no session. The client is made at the
 * first call, so that a store which is down costs a mount nothing.
 *
 * <p><b>Failures.</b> 5xx, throttling, resets and stalls are tried again ({@link Backoff}); a read
 * goes on where it was cut ({@link S3Read}). A call fails with TIMEOUT when nothing moved for the
 * deadline; a quick request that stands still for a third of it is given up and sent anew. Table of
 * errors: {@link S3Errors}. Lost answers of conditional writes: {@link S3Write}.
 *
 * <p><b>Integrity.</b> Over http the payload's SHA-256 is signed; over https TLS protects it. No
 * further checksum is sent (Ceph RGW and others refuse them); those that the store sends are
 * verified. Stores send them with whole objects only, not with ranges: who reads all of an object
 * asks for {@code 0 + Long.MAX_VALUE} bytes, which goes without a Range header.
 *
 * <p>Any thread may call; calls from platform threads are carried out on a virtual one, because
 * only there an interrupt ends a socket's wait.
 */
public final class S3Store implements ObjectStore {
  private static final long MIB = 1L << 20;

  private final String id;
  private final StoreLimits limits;
  private final S3Requests requests;
  private final S3Calls calls;
  private final S3Copy copy;
  private final S3Keys keys;

  /** Connects to nothing yet. */
  public S3Store(S3Options options) {
    this(options, S3Tuning.SERVICE);
  }

  /** With the environment that keys may come from. */
  public S3Store(S3Options options, AwsEnvironment environment) {
    this(options, S3Tuning.SERVICE, environment);
  }

  S3Store(S3Options options, S3Tuning tuning) {
    this(options, tuning, AwsEnvironment.ofProcess());
  }

  S3Store(S3Options options, S3Tuning tuning, AwsEnvironment environment) {
    String where = options.endpoint() == null ? "" : options.endpoint().getAuthority() + "/";
    this.id = "s3://" + where + options.bucket();
    this.limits =
        new StoreLimits(
            5L << 30,
            5 * MIB,
            5L << 30,
            10_000,
            5L << 40,
            1024,
            2048 - S3Write.reservedBytes(),
            false,
            true,
            options.multipart());
    this.requests = new S3Requests(options.bucket(), options.put());
    this.keys = new S3Keys(options.credentials(), environment, InstantSource.system());
    S3Clients clients = new S3Clients(options, keys);
    this.calls = new S3Calls(options, tuning, clients, new S3Errors(id, options.bucket()));
    this.copy = new S3Copy(calls, requests, limits, tuning);
  }

  @Override
  public void changeCredentials(Credentials credentials) {
    keys.replace(credentials);
  }

  @Override
  public void begin() {
    keys.begin();
  }

  @Override
  public @Nullable String trouble() {
    String none = keys.trouble();
    return none == null ? null : "no keys to sign with: " + none;
  }

  @Override
  public String id() {
    return id;
  }

  @Override
  public StoreLimits limits() {
    return limits;
  }

  @Override
  public Optional<ObjectInfo> head(String key) throws StoreException {
    check(key);
    return calls.run(
        "HEAD",
        key,
        Patience.QUICK,
        (client, call) -> {
          HeadObjectResponse answer = headOrNull(client, requests.head(key));
          return answer == null ? Optional.empty() : Optional.of(S3Answers.head(key, answer));
        });
  }

  static @Nullable HeadObjectResponse headOrNull(S3Client client, HeadObjectRequest request) {
    try {
      return client.headObject(request);
    } catch (S3Exception e) {
      if (e.statusCode() == 404) {
        return null;
      }
      throw e;
    }
  }

  @Override
  public ObjectInfo read(
      String key, @Nullable Version version, long offsetBytes, long lengthBytes, ReadTarget target)
      throws StoreException {
    check(key);
    if (offsetBytes < 0 || lengthBytes < 0) {
      throw new IllegalArgumentException("negative range: " + offsetBytes + "+" + lengthBytes);
    }
    if (!Thread.currentThread().isVirtual()) {
      return VirtualCall.read(
          key, target, handed -> read(key, version, offsetBytes, lengthBytes, handed));
    }
    if (lengthBytes > 0) {
      S3Read read =
          new S3Read(
              requests.bucket(), requests.payer(), key, version, offsetBytes, lengthBytes, target);
      Optional<ObjectInfo> info =
          calls.run(
              "GET",
              key,
              Patience.QUICK,
              (client, call) -> Optional.ofNullable(read.attempt(client, call)));
      if (info.isPresent()) {
        return info.get();
      }
    }
    return headPinned(key, version);
  }

  private ObjectInfo headPinned(String key, @Nullable Version version) throws StoreException {
    ObjectInfo info =
        head(key)
            .orElseThrow(
                () -> new StoreException(Kind.NOT_FOUND, key, "there is no object " + key));
    if (version != null && !version.equals(info.version())) {
      throw new StoreException(
          Kind.PRECONDITION_FAILED,
          key,
          key + " is version " + info.version() + " now, not " + version + ": open it again");
    }
    return info;
  }

  @Override
  public ListPage list(ListRequest request) throws StoreException {
    calls.checkOpen(request.prefix());
    ListObjectsV2Response answer =
        calls.run(
            "LIST",
            request.prefix(),
            Patience.QUICK,
            (client, call) -> client.listObjectsV2(requests.list(request)));
    // S3 still rolls keys behind startAfter up to a prefix that is not behind it.
    String after = request.token() == null ? request.startAfter() : null;
    List<String> prefixes =
        answer.commonPrefixes().stream()
            .map(prefix -> prefix.prefix())
            .filter(prefix -> after == null || Keys.ORDER.compare(prefix, after) > 0)
            .toList();
    List<ObjectInfo> objects = answer.contents().stream().map(S3Answers::listed).toList();
    boolean more = Boolean.TRUE.equals(answer.isTruncated());
    return new ListPage(objects, prefixes, more ? answer.nextContinuationToken() : null);
  }

  @Override
  public ObjectInfo put(
      String key, ByteSource body, ObjectAttributes attributes, WriteCondition condition)
      throws StoreException {
    check(key);
    MetadataRules.check(key, attributes, limits);
    long size = body.sizeBytes();
    if (size > limits.maxPutBytes()) {
      throw new StoreException(
          Kind.TOO_LARGE, key, key + " is larger than one put takes: upload it in parts");
    }
    S3Write write = new S3Write(requests.bucket(), key);
    boolean plain = condition instanceof WriteCondition.Always;
    PutObjectRequest request =
        requests.put(
            key,
            size,
            attributes,
            plain ? attributes.metadata() : write.metadata(attributes),
            condition);
    return calls.run(
        "PUT",
        key,
        Patience.LONG,
        (client, call) -> {
          S3Body content = new S3Body(key, body, call);
          return write.attempt(
              client,
              call,
              condition,
              write::isOurs,
              () -> {
                try {
                  PutObjectResponse answer =
                      client.putObject(request, content.request(attributes.contentType()));
                  return S3Answers.written(key, size, answer.eTag(), answer, attributes);
                } finally {
                  content.check();
                }
              });
        });
  }

  @Override
  public Upload startUpload(String key, ObjectAttributes attributes) throws StoreException {
    check(key);
    requireMultipart(key);
    MetadataRules.check(key, attributes, limits);
    S3Write write = new S3Write(requests.bucket(), key);
    String uploadId =
        calls
            .run(
                "POST upload of",
                key,
                Patience.QUICK,
                (client, call) ->
                    client.createMultipartUpload(
                        requests.create(key, attributes, write.metadata(attributes)).build()))
            .uploadId();
    return new S3Upload(calls, requests, limits, key, uploadId, write, attributes);
  }

  @Override
  public Upload resumeUpload(String key, String uploadId) throws StoreException {
    check(key);
    requireMultipart(key);
    return new S3Upload(calls, requests, limits, key, uploadId, null, null);
  }

  private void requireMultipart(String key) throws StoreException {
    if (!limits.multipart()) {
      throw new StoreException(
          Kind.UNSUPPORTED, key, "multipart = false is set for " + id + ": put " + key + " whole");
    }
  }

  @Override
  public List<PendingUpload> pendingUploads(String prefix) throws StoreException {
    calls.checkOpen(prefix);
    return calls.run(
        "LIST uploads",
        prefix,
        Patience.QUICK,
        (client, call) -> {
          List<PendingUpload> pending = new ArrayList<>();
          for (var upload :
              client.listMultipartUploadsPaginator(requests.uploads(prefix)).uploads()) {
            pending.add(new PendingUpload(upload.key(), upload.uploadId()));
            call.progress();
          }
          return pending;
        });
  }

  @Override
  public ObjectInfo copy(
      String sourceKey,
      @Nullable Version sourceVersion,
      String key,
      @Nullable ObjectAttributes attributes,
      WriteCondition condition)
      throws StoreException {
    check(sourceKey);
    check(key);
    if (attributes != null) {
      MetadataRules.check(key, attributes, limits);
    }
    return copy.copy(sourceKey, sourceVersion, key, attributes, condition);
  }

  @Override
  public void delete(String key) throws StoreException {
    check(key);
    calls.run(
        "DELETE",
        key,
        Patience.QUICK,
        (client, call) -> client.deleteObject(requests.delete(key)).sdkHttpResponse());
  }

  private void check(String key) throws StoreException {
    calls.checkOpen(key);
    Keys.check(key, limits);
  }

  @Override
  public void close() {
    calls.close();
  }

  /** Where it is and which keys it holds, no secrets; for debugging. */
  @Override
  public String toString() {
    return id + " with " + keys;
  }
}
