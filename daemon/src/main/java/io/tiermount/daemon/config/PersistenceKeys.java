package io.tiermount.daemon.config;

import java.util.List;
import java.util.stream.Stream;

/** The keys of {@code persistence}: volumes of jobs as Polyaxon's values name them. */
final class PersistenceKeys {
  static final Key<String> SECRETS_DIR =
      Key.of(
          "persistence.secrets_dir",
          ValueTypes.ABSOLUTE_PATH,
          "/var/run/secrets/tiermount",
          "where secrets are files: SECRET/SECRETKEY");
  static final Key<String> CLAIMS_DIR =
      Key.of(
          "persistence.claims_dir",
          ValueTypes.ABSOLUTE_PATH,
          "/var/lib/tiermount/claims",
          "where claims are directories");

  static final Volume DATA = Volume.of("data");
  static final Volume OUTPUTS = Volume.of("outputs");

  static final List<Key<?>> ALL =
      Stream.of(List.<Key<?>>of(SECRETS_DIR, CLAIMS_DIR), DATA.all(), OUTPUTS.all())
          .flatMap(List::stream)
          .toList();

  private PersistenceKeys() {}

  /** {@code store}. */
  enum Store {
    S3,
    GCS,
    AZURE
  }

  /** The keys of one kind of volume; the names are Polyaxon's. */
  record Volume(
      String parent,
      Key<String> mountPath,
      Key<String> hostPath,
      Key<String> existingClaim,
      Key<Store> store,
      Key<String> bucket,
      Key<String> secret,
      Key<String> secretKey,
      Key<Boolean> readOnly) {
    static Volume of(String kind) {
      String entry = "persistence." + kind + ".*.";
      return new Volume(
          "persistence." + kind,
          Key.open(
              entry + "mountPath", ValueTypes.ABSOLUTE_PATH, "/mnt/NAME", "where it is mounted"),
          Key.open(
              entry + "hostPath", ValueTypes.ABSOLUTE_PATH, "none", "a directory of this node"),
          Key.open(
              entry + "existingClaim", ValueTypes.FILE_NAME, "none", "a directory in claims_dir"),
          Key.open(
              entry + "store", ValueTypes.choice(Store.class), "none", "the kind of the bucket"),
          Key.open(
              entry + "bucket",
              new ValueType.Single<>(
                  "a bucket: s3://bucket, gs://bucket,"
                      + " wasbs://container@account.blob.core.windows.net/",
                  text -> text),
              "none",
              "the bucket, with the scheme of its store"),
          Key.open(
              entry + "secret",
              ValueTypes.FILE_NAME,
              "the provider's own chain",
              "a directory in secrets_dir"),
          Key.open(
              entry + "secretKey", ValueTypes.FILE_NAME, "none", "the file in it, with the keys"),
          Key.of(entry + "readOnly", ValueTypes.BOOLEAN, "false", "nothing can be changed"));
    }

    List<Key<?>> all() {
      return List.of(
          mountPath, hostPath, existingClaim, store, bucket, secret, secretKey, readOnly);
    }
  }
}
