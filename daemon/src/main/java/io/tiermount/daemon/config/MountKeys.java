package io.tiermount.daemon.config;

import io.tiermount.fs.fuse.FuseOptions;
import io.tiermount.fs.scope.ScopeKind;
import io.tiermount.fs.volume.VolumeOptions;
import io.tiermount.fs.write.WriteOptions;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/** The keys of one mount. */
final class MountKeys {
  static final Key<String> PATH =
      Key.open("mounts.*.path", ValueTypes.ABSOLUTE_PATH, "required", "where it is mounted");
  static final Key<ScopeKind> SCOPE =
      Key.open(
          "mounts.*.scope",
          ValueTypes.choice(ScopeKind.class),
          "required",
          "whom it belongs to: decides prefix, who may enter, how long data lives");
  static final Key<String> SOURCE =
      Key.open(
          "mounts.*.source",
          new ValueType.Single<>(
              "a source: s3://bucket/prefix, file:///dir, file:///dir?as=bucket, gs://, azure://, nfs://",
              text -> text),
          "in local scopes a directory on NVMe, in others the bucket of ANYSCALE_CLOUD_STORAGE_BUCKET",
          "what it shows");
  static final Key<String> PREFIX =
      Key.open(
          "mounts.*.prefix",
          ValueTypes.ANY_TEXT,
          "by scope, where the source names no path",
          "the part below the source that is mounted");
  static final Key<Boolean> READ_ONLY =
      Key.of("mounts.*.read_only", ValueTypes.BOOLEAN, "false", "nothing can be changed");
  static final Key<VolumeOptions.AttributeMode> ATTRIBUTES =
      Key.of(
          "mounts.*.attributes",
          ValueTypes.choice(VolumeOptions.AttributeMode.class),
          "full",
          "where modes and times come from");

  static final Key<String> CREDENTIALS =
      Key.open(
          "mounts.*.credentials",
          ValueTypes.TEXT,
          "as aws.s3, azure.storage and google.storage say, else the provider's own chain",
          "an entry of credentials");
  static final Key<String> ENDPOINT =
      Key.open(
          "mounts.*.endpoint",
          new ValueType.Single<>("http://host:port or https://host:port", EndpointText::checked),
          "the provider's own",
          "where the store is");
  static final Key<String> REGION =
      Key.open(
          "mounts.*.region",
          ValueTypes.TEXT,
          "from the environment or profile, else us-east-1",
          "the bucket's region");
  static final Key<Boolean> PATH_STYLE =
      Key.open(
          "mounts.*.path_style",
          ValueTypes.BOOLEAN,
          "true with an endpoint, else false",
          "the bucket in the path instead of the host name");
  static final Key<String> VERIFY =
      Key.open(
          "mounts.*.verify",
          ValueTypes.TRUST,
          "as aws.s3 and api.verify_certificate say, else true",
          "TLS certificates: verified, not verified, or by a PEM file");

  static final Key<FuseOptions.Transport> FUSE_TRANSPORT =
      Key.open(
          "mounts.*.fuse.transport",
          ValueTypes.choice(FuseOptions.Transport.class),
          "fuse.transport",
          "how the daemon speaks to the kernel");
  static final Key<Boolean> FUSE_PASSTHROUGH =
      Key.open(
          "mounts.*.fuse.passthrough",
          ValueTypes.SWITCH,
          "fuse.passthrough",
          "the kernel reads whole cached files by itself");
  static final Key<FuseOptions.Open> FUSE_OPEN =
      Key.open(
          "mounts.*.fuse.open",
          ValueTypes.choice(FuseOptions.Open.class),
          "fuse.open",
          "whether the daemon hears of opens");

  static final Key<SourceConfig.LocalMode> LOCAL_MODE =
      Key.open(
          "mounts.*.local.mode",
          ValueTypes.choice(SourceConfig.LocalMode.class),
          "bind, or fuse where permissions or quota ask for it",
          "how file:///dir is mounted");

  static final Key<AccountName> OWNER =
      Key.open(
          "mounts.*.permissions.owner",
          ValueTypes.ACCOUNT,
          "the daemon's user",
          "owner of what has none of its own");
  static final Key<AccountName> GROUP =
      Key.open(
          "mounts.*.permissions.group",
          ValueTypes.ACCOUNT,
          "the daemon's group",
          "group of what has none of its own");
  static final Key<Integer> FILE_MODE =
      Key.of(
          "mounts.*.permissions.file_mode",
          ValueTypes.OCTAL_MODE,
          "0644",
          "mode of files that have none of their own");
  static final Key<Integer> DIR_MODE =
      Key.of(
          "mounts.*.permissions.dir_mode",
          ValueTypes.OCTAL_MODE,
          "0755",
          "mode of directories that have none of their own, and of a scope's that is created");
  static final Key<Integer> UMASK =
      Key.of(
          "mounts.*.permissions.umask",
          ValueTypes.OCTAL_MODE,
          "0000",
          "bits taken off file_mode, dir_mode and what is created");
  static final Key<Map<String, AccountName>> UID_MAP =
      Key.open(
          "mounts.*.permissions.uid_map",
          ValueTypes.ID_MAP,
          "none",
          "uid in the store = user on this node");
  static final Key<Map<String, AccountName>> GID_MAP =
      Key.open(
          "mounts.*.permissions.gid_map",
          ValueTypes.ID_MAP,
          "none",
          "gid in the store = group on this node");
  static final Key<List<AccountName>> ALLOW =
      Key.open(
          "mounts.*.permissions.allow",
          ValueTypes.PRINCIPALS,
          "everyone whom the mode bits let in",
          "who alone may enter");
  static final Key<List<AccountName>> DENY =
      Key.open("mounts.*.permissions.deny", ValueTypes.PRINCIPALS, "nobody", "who may never enter");
  static final Key<Boolean> ROOT_SQUASH =
      Key.of(
          "mounts.*.permissions.root_squash",
          ValueTypes.BOOLEAN,
          "false",
          "root is treated as nobody");

  static final Key<Duration> ATTR_TTL =
      Key.open(
          "mounts.*.consistency.attr_ttl",
          ValueTypes.DURATION_WITH_UNIT,
          "1s; 60s on read-only mounts",
          "how old attributes and listings may be");
  static final Key<Duration> ENTRY_TTL =
      Key.open(
          "mounts.*.consistency.entry_ttl",
          ValueTypes.DURATION_WITH_UNIT,
          "as attr_ttl",
          "how old a name's resolution may be");
  static final Key<Duration> NEGATIVE_TTL =
      Key.of(
          "mounts.*.consistency.negative_ttl",
          ValueTypes.DURATION_WITH_UNIT,
          "0",
          "how long a missing name is remembered");
  static final Key<VolumeOptions.Revalidate> REVALIDATE =
      Key.of(
          "mounts.*.consistency.revalidate_on_open",
          ValueTypes.choice(VolumeOptions.Revalidate.class),
          "ttl",
          "when an open asks the store for a new version");

  static final Key<WriteOptions.Durability> DURABILITY =
      Key.open(
          "mounts.*.write.durability",
          ValueTypes.choice(WriteOptions.Durability.class),
          "remote; local in local scopes",
          "when close() and fsync() return");
  static final Key<Duration> MAX_DIRTY_AGE =
      Key.of(
          "mounts.*.write.max_dirty_age",
          ValueTypes.DURATION_WITH_UNIT,
          "30s",
          "local durability: how long an upload may wait");
  static final Key<Long> UPLOAD_THREADS =
      Key.open(
          "mounts.*.write.upload_threads",
          ValueTypes.number(1, WriteOptions.MAX_UPLOAD_THREADS),
          "network.metrics.file_upload_threads, else 8",
          "uploads at the same time");
  static final Key<Boolean> SYNC_ON_CLOSE =
      Key.of(
          "mounts.*.write.sync_on_close",
          ValueTypes.BOOLEAN,
          "false",
          "local durability: close() too is safe against power loss");

  static final Key<Long> CACHE_QUOTA =
      Key.of(
              "mounts.*.cache.quota",
              ValueTypes.SIZE_OR_NONE,
              "0",
              "the most of the cache that this mount may hold")
          .from(Key.Effect.WITH_EVICTION);
  static final Key<Long> CACHE_PRIORITY =
      Key.of(
              "mounts.*.cache.priority",
              ValueTypes.number(0, 100),
              "50",
              "a higher one is evicted later")
          .from(Key.Effect.WITH_EVICTION);
  static final Key<List<String>> CACHE_PIN =
      Key.open(
              "mounts.*.cache.pin",
              ValueTypes.GLOBS,
              "none",
              "paths below the mount that are evicted last of all")
          .from(Key.Effect.WITH_EVICTION);

  static final Key<Long> QUOTA_MAX_BYTES =
      Key.of(
          "mounts.*.quota.max_bytes",
          ValueTypes.SIZE_OR_NONE,
          "0",
          "the most that the mount may hold in its store (EDQUOT)");
  static final Key<Long> QUOTA_MAX_OBJECTS =
      Key.open(
          "mounts.*.quota.max_objects",
          ValueTypes.number(1, Long.MAX_VALUE),
          "none",
          "the most files and directories (EDQUOT)");
  static final Key<Integer> QUOTA_WARN_PERCENT =
      Key.of(
          "mounts.*.quota.warn_percent",
          ValueTypes.PERCENT_BELOW_100,
          "90",
          "a warning from this share of either on");

  static final Key<String> PUT_SSE =
      Key.open(
          "mounts.*.put.sse",
          ValueTypes.word("AES256", "aws:kms", "aws:kms:dsse"),
          "the bucket's own",
          "encryption at rest of what is written");
  static final Key<String> PUT_KMS_KEY_ID =
      Key.open(
          "mounts.*.put.kms_key_id",
          ValueTypes.TEXT,
          "the account's own",
          "the key of sse = aws:kms");
  static final Key<String> PUT_ACL =
      Key.open(
          "mounts.*.put.acl",
          ValueTypes.word(
              "private",
              "public-read",
              "public-read-write",
              "authenticated-read",
              "aws-exec-read",
              "bucket-owner-read",
              "bucket-owner-full-control"),
          "none is sent",
          "a canned ACL on what is written");
  static final Key<String> PUT_STORAGE_CLASS =
      Key.open(
          "mounts.*.put.storage_class",
          ValueTypes.word(
              "STANDARD",
              "STANDARD_IA",
              "ONEZONE_IA",
              "INTELLIGENT_TIERING",
              "GLACIER_IR",
              "REDUCED_REDUNDANCY",
              "EXPRESS_ONEZONE"),
          "the bucket's own",
          "storage class of what is written (those that can be read at once)");
  static final Key<String> PUT_REQUEST_PAYER =
      Key.open(
          "mounts.*.put.request_payer",
          ValueTypes.word("requester"),
          "the bucket's owner",
          "requester: the reader's account pays");

  static final List<Key<?>> ALL =
      List.of(
          PATH,
          SCOPE,
          SOURCE,
          PREFIX,
          READ_ONLY,
          ATTRIBUTES,
          CREDENTIALS,
          ENDPOINT,
          REGION,
          PATH_STYLE,
          VERIFY,
          FUSE_TRANSPORT,
          FUSE_PASSTHROUGH,
          FUSE_OPEN,
          LOCAL_MODE,
          OWNER,
          GROUP,
          FILE_MODE,
          DIR_MODE,
          UMASK,
          UID_MAP,
          GID_MAP,
          ALLOW,
          DENY,
          ROOT_SQUASH,
          ATTR_TTL,
          ENTRY_TTL,
          NEGATIVE_TTL,
          REVALIDATE,
          DURABILITY,
          MAX_DIRTY_AGE,
          UPLOAD_THREADS,
          SYNC_ON_CLOSE,
          CACHE_QUOTA,
          CACHE_PRIORITY,
          CACHE_PIN,
          QUOTA_MAX_BYTES,
          QUOTA_MAX_OBJECTS,
          QUOTA_WARN_PERCENT,
          PUT_SSE,
          PUT_KMS_KEY_ID,
          PUT_ACL,
          PUT_STORAGE_CLASS,
          PUT_REQUEST_PAYER);

  private MountKeys() {}
}
