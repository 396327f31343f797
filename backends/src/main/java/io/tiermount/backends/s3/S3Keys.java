package io.tiermount.backends.s3;

import io.tiermount.backends.Credentials;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.auth.credentials.AnonymousCredentialsProvider;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.auth.credentials.AwsSessionCredentials;
import software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider;
import software.amazon.awssdk.auth.credentials.ProcessCredentialsProvider;
import software.amazon.awssdk.auth.credentials.ProfileCredentialsProvider;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.auth.credentials.WebIdentityTokenFileCredentialsProvider;
import software.amazon.awssdk.utils.SdkAutoCloseable;

/**
 * The keys of one store, from where its {@link Credentials} say and nowhere else: no way falls back
 * to another, and only {@link Credentials.Anonymous} sends unsigned requests. Providers cache and
 * renew by expiry themselves; {@link #renew} drops what they hold when the store calls it expired.
 */
final class S3Keys implements AwsCredentialsProvider, AutoCloseable {
  private final Credentials credentials;
  private @Nullable AwsCredentialsProvider provider; // guarded by this

  S3Keys(Credentials credentials) {
    this.credentials = credentials;
  }

  @Override
  public AwsCredentials resolveCredentials() {
    try {
      return provider().resolveCredentials();
    } catch (RuntimeException e) {
      throw new S3CredentialsException(advice(credentials) + ": " + e.getMessage(), e);
    }
  }

  AwsCredentialsProvider signer() {
    return credentials instanceof Credentials.Anonymous
        ? AnonymousCredentialsProvider.create()
        : this;
  }

  private synchronized AwsCredentialsProvider provider() {
    if (provider == null) {
      provider = create(credentials);
    }
    return provider;
  }

  /** The next request asks the source again. */
  synchronized void renew() {
    close();
  }

  @Override
  public synchronized void close() {
    if (provider instanceof SdkAutoCloseable closeable) {
      closeable.close();
    }
    provider = null;
  }

  private static AwsCredentialsProvider create(Credentials credentials) {
    return switch (credentials) {
      case Credentials.Anonymous _ -> AnonymousCredentialsProvider.create();
      case Credentials.S3Static(String access, String secret, String token) ->
          StaticCredentialsProvider.create(
              token == null
                  ? AwsBasicCredentials.create(access, secret)
                  : AwsSessionCredentials.create(access, secret, token));
      case Credentials.S3Profile(String name) ->
          ProfileCredentialsProvider.builder().profileName(name).build();
      case Credentials.S3WebIdentity _ -> WebIdentityTokenFileCredentialsProvider.create();
      case Credentials.S3Process(var command) ->
          ProcessCredentialsProvider.builder().command(command).build();
      // A new one each: the shared instance would outlive the store.
      case Credentials.Chain _ -> DefaultCredentialsProvider.builder().build();
      case Credentials.GcsKeyFile _, Credentials.Azure _ ->
          throw new IllegalArgumentException("an s3 mount takes credentials of type s3");
    };
  }

  private static String advice(Credentials credentials) {
    return switch (credentials) {
      case Credentials.Anonymous _ -> "anonymous";
      case Credentials.S3Static _ -> "the keys of the configuration can't be used";
      case Credentials.S3Profile(String name) ->
          "profile " + name + " gives no keys, check ~/.aws/credentials";
      case Credentials.S3WebIdentity _ ->
          "no web identity, check AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN";
      case Credentials.S3Process(var command) ->
          "the credentials process " + command.getFirst() + " gave no keys, run it by hand";
      case Credentials.Chain _ ->
          "no keys in environment, profile file or instance metadata, name credentials for the"
              + " mount";
      case Credentials.GcsKeyFile _, Credentials.Azure _ -> "wrong type of credentials";
    };
  }
}
