package io.tiermount.daemon.config;

import java.util.List;

/** The keys of one entry of {@code credentials}. */
final class CredentialKeys {
  static final Key<Kind> TYPE =
      Key.open(
          "credentials.*.type",
          ValueTypes.choice(Kind.class),
          "required",
          "the kind of store that the entry is for");

  static final Key<String> ACCESS_KEY =
      Key.open("credentials.*.access_key", ValueTypes.TEXT, "none", "s3: the key's id").hidden();
  static final Key<String> SECRET_KEY =
      Key.open("credentials.*.secret_key", ValueTypes.TEXT, "none", "s3: the key's secret")
          .hidden();
  static final Key<String> SESSION_TOKEN =
      Key.open(
              "credentials.*.session_token",
              ValueTypes.TEXT,
              "none",
              "s3: the third part of temporary keys")
          .hidden();
  static final Key<String> PROFILE =
      Key.open(
          "credentials.*.profile",
          ValueTypes.TEXT,
          "none",
          "s3: a profile of the AWS configuration files");
  static final Key<Boolean> WEB_IDENTITY =
      Key.of(
          "credentials.*.web_identity",
          ValueTypes.BOOLEAN,
          "false",
          "s3: the token file and role that the environment names");
  static final Key<List<String>> PROCESS =
      Key.open(
              "credentials.*.process",
              ValueTypes.TEXTS,
              "none",
              "s3: a program that prints keys as AWS's credential_process JSON")
          .hidden();
  static final Key<Boolean> ANONYMOUS =
      Key.of(
          "credentials.*.anonymous",
          ValueTypes.BOOLEAN,
          "false",
          "s3: requests are not signed (public buckets)");
  static final Key<Boolean> CHAIN =
      Key.of(
          "credentials.*.chain",
          ValueTypes.BOOLEAN,
          "false",
          "s3, gcs: the provider's own chain: environment, files, metadata server");

  static final Key<String> KEY_FILE =
      Key.open(
              "credentials.*.key_file",
              ValueTypes.ABSOLUTE_PATH,
              "none",
              "gcs: a service-account or workload identity file")
          .from(Key.Effect.WITH_STORES);

  static final Key<String> ACCOUNT_KEY =
      Key.open("credentials.*.account_key", ValueTypes.TEXT, "none", "azure: the account's key")
          .hidden()
          .from(Key.Effect.WITH_STORES);
  static final Key<String> CONNECTION_STRING =
      Key.open(
              "credentials.*.connection_string",
              ValueTypes.TEXT,
              "none",
              "azure: account, key and endpoint in one")
          .hidden()
          .from(Key.Effect.WITH_STORES);
  static final Key<String> SAS_TOKEN =
      Key.open(
              "credentials.*.sas_token",
              ValueTypes.TEXT,
              "none",
              "azure: a shared access signature, without the leading ?")
          .hidden()
          .from(Key.Effect.WITH_STORES);
  static final Key<Boolean> MANAGED_IDENTITY =
      Key.of(
              "credentials.*.managed_identity",
              ValueTypes.BOOLEAN,
              "false",
              "azure: the identity of the machine")
          .from(Key.Effect.WITH_STORES);

  static final List<Key<?>> ALL =
      List.of(
          TYPE,
          ACCESS_KEY,
          SECRET_KEY,
          SESSION_TOKEN,
          PROFILE,
          WEB_IDENTITY,
          PROCESS,
          ANONYMOUS,
          CHAIN,
          KEY_FILE,
          ACCOUNT_KEY,
          CONNECTION_STRING,
          SAS_TOKEN,
          MANAGED_IDENTITY);

  private CredentialKeys() {}

  /** {@code type}. */
  enum Kind {
    S3,
    GCS,
    AZURE
  }
}
