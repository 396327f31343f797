package io.tiermount.backends.s3;

import org.jspecify.annotations.Nullable;

/**
 * Headers of every object written; {@code mounts.*.put}. Null: the bucket's own default.
 *
 * @param sse x-amz-server-side-encryption: AES256, aws:kms or aws:kms:dsse
 * @param kmsKeyId the key's id or ARN; only with a kms encryption
 * @param acl a canned ACL such as bucket-owner-full-control
 * @param storageClass such as STANDARD_IA
 * @param requestPayer the caller pays; sent with reads and listings too
 */
public record PutOptions(
    @Nullable String sse,
    @Nullable String kmsKeyId,
    @Nullable String acl,
    @Nullable String storageClass,
    boolean requestPayer) {
  /** Nothing is sent. */
  public static final PutOptions DEFAULTS = new PutOptions(null, null, null, null, false);

  public PutOptions {
    if (kmsKeyId != null && (sse == null || !sse.startsWith("aws:kms"))) {
      throw new IllegalArgumentException("kms_key_id goes with sse = aws:kms or aws:kms:dsse");
    }
  }
}
