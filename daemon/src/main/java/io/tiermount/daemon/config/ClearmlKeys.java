package io.tiermount.daemon.config;

import io.tiermount.fs.write.WriteOptions;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;

/**
 * The keys of a pasted clearml.conf that mean something here, without its {@code sdk} root: texts
 * that are {@code ""} are not set, as in its own files.
 */
final class ClearmlKeys {
  private static final String S3 = "aws.s3.";
  private static final String ENTRY = "aws.s3.credentials.[].";
  private static final String AZURE = "azure.storage.containers.[].";
  private static final String GOOGLE = "google.storage.credentials.[].";

  static final S3Keys DEFAULT = new S3Keys(S3, "api.verify_certificate");
  static final Key<List<Node.Section>> ENTRIES =
      Key.open(
              "aws.s3.credentials",
              new ValueType.Sections("a list of sections: [ { bucket = b, key = K, secret = S } ]"),
              "none",
              "S3: keys for one bucket or host each")
          .hidden();
  static final Key<String> BUCKET =
      Key.open(ENTRY + "bucket", ValueTypes.ANY_TEXT, "every bucket of the host", "which bucket");
  static final Key<String> SUBDIR =
      Key.open(ENTRY + "subdir", ValueTypes.ANY_TEXT, "the whole bucket", "which part of it");
  static final Key<String> HOST =
      Key.open(ENTRY + "host", ValueTypes.ANY_TEXT, "AWS", "another endpoint, with its port");
  static final S3Keys OF_ENTRY = new S3Keys(ENTRY, "aws.s3.verify");

  static final Key<Long> POOL_CONNECTIONS =
      Key.of(
          "aws.boto3.pool_connections",
          ValueTypes.number(1, 10_000),
          "128",
          "S3: HTTP connections of one mount");
  static final Key<Long> MULTIPART_CONCURRENCY =
      Key.open(
          "aws.boto3.max_multipart_concurrency",
          ValueTypes.number(1, 256),
          "write.upload_threads of the mount",
          "S3: parts of one transfer at the same time");

  static final Key<List<Node.Section>> CONTAINERS =
      Key.open(
              "azure.storage.containers",
              new ValueType.Sections(
                  "a list of sections: [ { account_name = a, account_key = K } ]"),
              "none",
              "Azure: keys for one container or account each")
          .from(Key.Effect.WITH_STORES)
          .hidden();
  static final Key<String> ACCOUNT_NAME =
      Key.open(AZURE + "account_name", ValueTypes.TEXT, "required", "whose key it is")
          .from(Key.Effect.WITH_STORES);
  static final Key<String> ACCOUNT_KEY =
      Key.open(AZURE + "account_key", ValueTypes.ANY_TEXT, "none", "the account's key")
          .hidden()
          .from(Key.Effect.WITH_STORES);
  static final Key<String> CONTAINER_NAME =
      Key.open(
              AZURE + "container_name", ValueTypes.ANY_TEXT, "the whole account", "which container")
          .from(Key.Effect.WITH_STORES);
  static final Key<Boolean> DEFAULT_CREDENTIAL =
      Key.of(
              AZURE + "use_default_credential",
              ValueTypes.PYTHON_BOOLEAN,
              "false",
              "the identity of the machine")
          .from(Key.Effect.WITH_STORES);

  static final Key<String> PROJECT =
      Key.open("google.storage.project", ValueTypes.ANY_TEXT, "none", "Google: the project")
          .from(Key.Effect.WITH_STORES);
  static final Key<String> CREDENTIALS_JSON =
      Key.open(
              "google.storage.credentials_json",
              ValueTypes.ANY_TEXT,
              "none",
              "Google: a key file for every bucket without an entry")
          .from(Key.Effect.WITH_STORES);
  static final Key<List<Node.Section>> GOOGLE_ENTRIES =
      Key.open(
              "google.storage.credentials",
              new ValueType.Sections(
                  "a list of sections: [ { bucket = b, credentials_json = F } ]"),
              "none",
              "Google: key files for one bucket or part of it each")
          .from(Key.Effect.WITH_STORES)
          .hidden();
  static final Key<String> GOOGLE_BUCKET =
      Key.open(GOOGLE + "bucket", ValueTypes.TEXT, "required", "which bucket")
          .from(Key.Effect.WITH_STORES);
  static final Key<String> GOOGLE_SUBDIR =
      Key.open(GOOGLE + "subdir", ValueTypes.ANY_TEXT, "the whole bucket", "which part of it")
          .from(Key.Effect.WITH_STORES);
  static final Key<String> GOOGLE_PROJECT =
      Key.open(GOOGLE + "project", ValueTypes.ANY_TEXT, "none", "its project")
          .from(Key.Effect.WITH_STORES);
  static final Key<String> GOOGLE_FILE =
      Key.open(GOOGLE + "credentials_json", ValueTypes.TEXT, "required", "its key file")
          .from(Key.Effect.WITH_STORES);

  static final Key<Long> MAX_RETRIES =
      Key.of(
          "network.iteration.max_retries_on_server_error",
          ValueTypes.number(0, 100),
          "5",
          "retries of a request to a store");
  static final Key<Duration> BACKOFF_FACTOR =
      Key.of(
          "network.iteration.retry_backoff_factor_sec",
          ValueTypes.SECONDS,
          "0.2",
          "the delay before the first retry at least, doubled before each further one");
  static final Key<Long> UPLOAD_THREADS =
      Key.of(
          "network.metrics.file_upload_threads",
          ValueTypes.number(1, WriteOptions.MAX_UPLOAD_THREADS),
          "8",
          "uploads at the same time of mounts without write.upload_threads");
  static final Key<Duration> STARVATION_WARNING =
      Key.of(
          "network.metrics.file_upload_starvation_warning_sec",
          ValueTypes.SECONDS,
          "120",
          "a warning when queued uploads have not moved for so long");

  static final Key<String> API_VERIFY =
      Key.of(
          "api.verify_certificate",
          ValueTypes.TRUST,
          "true",
          "TLS certificates of every endpoint that says nothing itself");
  static final Key<Boolean> RELOAD =
      Key.of(
          "agent.reload_config",
          ValueTypes.PYTHON_BOOLEAN,
          "false",
          "changes of the files are followed without being told");

  static final List<Key<?>> ALL =
      Stream.of(
              DEFAULT.all(),
              List.<Key<?>>of(ENTRIES, BUCKET, SUBDIR, HOST),
              OF_ENTRY.all(),
              List.<Key<?>>of(
                  POOL_CONNECTIONS,
                  MULTIPART_CONCURRENCY,
                  CONTAINERS,
                  ACCOUNT_NAME,
                  ACCOUNT_KEY,
                  CONTAINER_NAME,
                  DEFAULT_CREDENTIAL,
                  PROJECT,
                  CREDENTIALS_JSON,
                  GOOGLE_ENTRIES,
                  GOOGLE_BUCKET,
                  GOOGLE_SUBDIR,
                  GOOGLE_PROJECT,
                  GOOGLE_FILE,
                  MAX_RETRIES,
                  BACKOFF_FACTOR,
                  UPLOAD_THREADS,
                  STARVATION_WARNING,
                  API_VERIFY,
                  RELOAD))
          .flatMap(List::stream)
          .toList();

  private ClearmlKeys() {}

  /**
   * What an entry and the default have in common.
   *
   * @param key the access key's id
   */
  record S3Keys(
      Key<String> key,
      Key<String> secret,
      Key<String> token,
      Key<String> region,
      Key<String> profile,
      Key<Boolean> chain,
      Key<Boolean> secure,
      Key<Boolean> multipart,
      Key<String> verify) {
    S3Keys(String below, String verifyDefault) {
      this(
          Key.open(below + "key", ValueTypes.ANY_TEXT, "none", "S3: the key's id").hidden(),
          Key.open(below + "secret", ValueTypes.ANY_TEXT, "none", "S3: the key's secret").hidden(),
          Key.open(below + "token", ValueTypes.ANY_TEXT, "none", "S3: of temporary keys").hidden(),
          Key.open(
              below + "region",
              ValueTypes.ANY_TEXT,
              "from the environment or profile, else us-east-1",
              "S3: the region"),
          Key.open(below + "profile", ValueTypes.ANY_TEXT, "none", "S3: a profile of AWS's files"),
          Key.of(
              below + "use_credentials_chain",
              ValueTypes.PYTHON_BOOLEAN,
              "false",
              "S3: environment, profile file, container or instance metadata"),
          Key.of(below + "secure", ValueTypes.PYTHON_BOOLEAN, "false", "S3: TLS to the host"),
          Key.of(
              below + "multipart",
              ValueTypes.PYTHON_BOOLEAN,
              "true",
              "S3: large objects are sent in parts"),
          Key.open(
              below + "verify",
              ValueTypes.TRUST,
              verifyDefault,
              "S3: TLS certificates: verified, not verified, or by a PEM file"));
    }

    List<Key<?>> all() {
      return List.of(key, secret, token, region, profile, chain, secure, multipart, verify);
    }
  }
}
