package io.tiermount.backends.s3;

import io.tiermount.backends.ObjectAttributes;
import io.tiermount.backends.ObjectInfo;
import io.tiermount.backends.StoreException;
import io.tiermount.backends.StoreException.Kind;
import io.tiermount.backends.Version;
import io.tiermount.backends.WriteCondition;
import java.io.IOException;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.HeadObjectRequest;
import software.amazon.awssdk.services.s3.model.HeadObjectResponse;
import software.amazon.awssdk.services.s3.model.NoSuchKeyException;
import software.amazon.awssdk.services.s3.model.S3Exception;

/**
 * Writes whose outcome must be known. The answer of a conditional write can be lost after the store
 * did it; its retry then meets its own success as 412 (or, for an upload, as 404). So each such
 * write carries an id in the object's metadata ({@code x-amz-meta-tm-write}, 128 random bits), and
 * a retry that is refused asks by HEAD whose object is there: ours means that it succeeded.
 */
final class S3Write {
  private static final SecureRandom RANDOM = new SecureRandom();

  private final String bucket;
  private final String key;
  private final String writeId;

  S3Write(String bucket, String key) {
    this.bucket = bucket;
    this.key = key;
    byte[] id = new byte[16];
    RANDOM.nextBytes(id);
    this.writeId = Base64.getUrlEncoder().withoutPadding().encodeToString(id);
  }

  /** What the id takes of the store's limit on metadata. */
  static int reservedBytes() {
    return S3Answers.WRITE_ID.length() + 22;
  }

  Map<String, String> metadata(ObjectAttributes attributes) {
    Map<String, String> marked = new HashMap<>(attributes.metadata());
    marked.put(S3Answers.WRITE_ID, writeId);
    return marked;
  }

  boolean isOurs(HeadObjectResponse there) {
    return writeId.equals(S3Answers.writeId(there.metadata()));
  }

  /** The write itself. */
  @FunctionalInterface
  interface Attempt {
    ObjectInfo run() throws IOException;
  }

  /**
   * One try of a conditional write.
   *
   * @param ours tells whether what is there now is what this write made
   * @throws StoreException {@code PRECONDITION_FAILED} where the condition does not hold
   */
  ObjectInfo attempt(
      S3Client client,
      S3Call call,
      WriteCondition condition,
      Predicate<HeadObjectResponse> ours,
      Attempt write)
      throws IOException {
    try {
      return write.run();
    } catch (S3Exception e) {
      if (!isRefused(e, condition)) {
        throw e;
      }
      if (call.retried()) {
        HeadObjectResponse there = head(client);
        if (there != null && ours.test(there)) {
          return S3Answers.head(key, there);
        }
      }
      throw refused(key, condition, e);
    }
  }

  private @Nullable HeadObjectResponse head(S3Client client) {
    try {
      return client.headObject(HeadObjectRequest.builder().bucket(bucket).key(key).build());
    } catch (NoSuchKeyException e) {
      return null; // the object is gone, whoever wrote it
    }
  }

  /** 412, or 404 for a version of an object that is gone. A missing bucket or upload is neither. */
  static boolean isRefused(AwsServiceException e, WriteCondition condition) {
    return e.statusCode() == 412
        || (condition instanceof WriteCondition.IfVersion
            && e.statusCode() == 404
            && S3Errors.code(e).equals("NoSuchKey"));
  }

  static StoreException refused(String key, WriteCondition condition, @Nullable Throwable cause) {
    String why =
        switch (condition) {
          case WriteCondition.Always _ -> " was refused by the store's own precondition";
          case WriteCondition.IfAbsent _ -> " exists already: somebody else made it";
          case WriteCondition.IfVersion(Version version) ->
              " is not version " + version + " any more: somebody else wrote or deleted it";
        };
    return new StoreException(Kind.PRECONDITION_FAILED, key, key + why, cause);
  }

  static @Nullable String ifMatch(WriteCondition condition) {
    return switch (condition) {
      case WriteCondition.Always _, WriteCondition.IfAbsent _ -> null;
      case WriteCondition.IfVersion(Version version) -> S3Answers.etag(version);
    };
  }

  static @Nullable String ifNoneMatch(WriteCondition condition) {
    return switch (condition) {
      case WriteCondition.IfAbsent _ -> "*";
      case WriteCondition.Always _, WriteCondition.IfVersion _ -> null;
    };
  }

  @Override
  public String toString() {
    return Objects.toString(key) + "#" + writeId;
  }
}
