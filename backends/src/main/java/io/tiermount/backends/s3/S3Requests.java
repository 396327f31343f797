package io.tiermount.backends.s3;

import io.tiermount.backends.ListRequest;
import io.tiermount.backends.ObjectAttributes;
import io.tiermount.backends.Version;
import io.tiermount.backends.WriteCondition;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.awscore.AwsRequestOverrideConfiguration;
import software.amazon.awssdk.services.s3.model.AbortMultipartUploadRequest;
import software.amazon.awssdk.services.s3.model.CompleteMultipartUploadRequest;
import software.amazon.awssdk.services.s3.model.CompletedPart;
import software.amazon.awssdk.services.s3.model.CreateMultipartUploadRequest;
import software.amazon.awssdk.services.s3.model.DeleteObjectRequest;
import software.amazon.awssdk.services.s3.model.EncodingType;
import software.amazon.awssdk.services.s3.model.HeadObjectRequest;
import software.amazon.awssdk.services.s3.model.ListMultipartUploadsRequest;
import software.amazon.awssdk.services.s3.model.ListObjectsV2Request;
import software.amazon.awssdk.services.s3.model.ListPartsRequest;
import software.amazon.awssdk.services.s3.model.PutObjectRequest;
import software.amazon.awssdk.services.s3.model.RequestPayer;
import software.amazon.awssdk.services.s3.model.UploadPartCopyRequest;
import software.amazon.awssdk.services.s3.model.UploadPartRequest;

/** The requests to one bucket, with what the configuration adds to each. */
record S3Requests(String bucket, PutOptions put) {
  @Nullable RequestPayer payer() {
    return put.requestPayer() ? RequestPayer.REQUESTER : null;
  }

  HeadObjectRequest head(String key) {
    return HeadObjectRequest.builder().bucket(bucket).key(key).requestPayer(payer()).build();
  }

  ListObjectsV2Request list(ListRequest request) {
    return ListObjectsV2Request.builder()
        .bucket(bucket)
        .prefix(request.prefix().isEmpty() ? null : request.prefix())
        .delimiter(request.delimiter())
        .continuationToken(request.token())
        .startAfter(request.token() == null ? request.startAfter() : null)
        .maxKeys(request.maxKeys())
        .encodingType(EncodingType.URL) // XML can't carry every key; the SDK decodes
        .requestPayer(payer())
        .build();
  }

  /**
   * The object's own headers, as they are: the SDK's setters would refuse an Expires that is no
   * date ({@code 0}, {@code -1}), which web servers have always been given.
   */
  static AwsRequestOverrideConfiguration headers(ObjectAttributes attributes) {
    AwsRequestOverrideConfiguration.Builder headers = AwsRequestOverrideConfiguration.builder();
    attributes.headersWritten().forEach(headers::putHeader);
    return headers.build();
  }

  PutObjectRequest put(
      String key,
      long sizeBytes,
      ObjectAttributes attributes,
      Map<String, String> metadata,
      WriteCondition condition) {
    return PutObjectRequest.builder()
        .bucket(bucket)
        .key(key)
        .contentLength(sizeBytes)
        .contentType(attributes.contentType())
        .overrideConfiguration(headers(attributes))
        .metadata(metadata)
        .ifMatch(S3Write.ifMatch(condition))
        .ifNoneMatch(S3Write.ifNoneMatch(condition))
        .serverSideEncryption(put.sse())
        .ssekmsKeyId(put.kmsKeyId())
        .acl(put.acl())
        .storageClass(put.storageClass())
        .requestPayer(payer())
        .build();
  }

  CreateMultipartUploadRequest.Builder create(
      String key, ObjectAttributes attributes, Map<String, String> metadata) {
    return CreateMultipartUploadRequest.builder()
        .bucket(bucket)
        .key(key)
        .contentType(attributes.contentType())
        .overrideConfiguration(headers(attributes))
        .metadata(metadata)
        .serverSideEncryption(put.sse())
        .ssekmsKeyId(put.kmsKeyId())
        .acl(put.acl())
        .storageClass(put.storageClass())
        .requestPayer(payer());
  }

  UploadPartRequest part(String key, String uploadId, int number, long sizeBytes) {
    return UploadPartRequest.builder()
        .bucket(bucket)
        .key(key)
        .uploadId(uploadId)
        .partNumber(number)
        .contentLength(sizeBytes)
        .requestPayer(payer())
        .build();
  }

  UploadPartCopyRequest copyPart(
      String sourceKey,
      Version sourceVersion,
      long offsetBytes,
      long lengthBytes,
      String key,
      String uploadId,
      int number) {
    return UploadPartCopyRequest.builder()
        .sourceBucket(bucket)
        .sourceKey(sourceKey)
        .copySourceIfMatch(S3Answers.etag(sourceVersion))
        .copySourceRange("bytes=" + offsetBytes + "-" + (offsetBytes + lengthBytes - 1))
        .destinationBucket(bucket)
        .destinationKey(key)
        .uploadId(uploadId)
        .partNumber(number)
        .requestPayer(payer())
        .build();
  }

  CompleteMultipartUploadRequest complete(
      String key, String uploadId, List<CompletedPart> parts, WriteCondition condition) {
    return CompleteMultipartUploadRequest.builder()
        .bucket(bucket)
        .key(key)
        .uploadId(uploadId)
        .multipartUpload(upload -> upload.parts(parts))
        .ifMatch(S3Write.ifMatch(condition))
        .ifNoneMatch(S3Write.ifNoneMatch(condition))
        .requestPayer(payer())
        .build();
  }

  ListPartsRequest listParts(String key, String uploadId) {
    return ListPartsRequest.builder()
        .bucket(bucket)
        .key(key)
        .uploadId(uploadId)
        .requestPayer(payer())
        .build();
  }

  AbortMultipartUploadRequest abort(String key, String uploadId) {
    return AbortMultipartUploadRequest.builder()
        .bucket(bucket)
        .key(key)
        .uploadId(uploadId)
        .requestPayer(payer())
        .build();
  }

  ListMultipartUploadsRequest uploads(String prefix) {
    return ListMultipartUploadsRequest.builder()
        .bucket(bucket)
        .prefix(prefix.isEmpty() ? null : prefix)
        .encodingType(EncodingType.URL)
        .requestPayer(payer())
        .build();
  }

  DeleteObjectRequest delete(String key) {
    return DeleteObjectRequest.builder().bucket(bucket).key(key).requestPayer(payer()).build();
  }
}
