package io.tiermount.backends.s3.keys;

import io.tiermount.backends.Credentials;

/** From how a mount proves who it is to where its keys come from. */
final class KeySources {
  private KeySources() {}

  /** No way falls back to another. */
  static KeySource of(Credentials credentials, AwsEnvironment environment) {
    return switch (credentials) {
      case Credentials.Anonymous _ -> new Fixed(new Keys("anonymous", "anonymous", null, null));
      case Credentials.S3Static(String access, String secret, String token) ->
          new Fixed(new Keys(access, secret, token, null));
      case Credentials.S3Profile(String name) -> new ProfileKeys(name, environment);
      case Credentials.S3WebIdentity _ -> WebIdentityKeys.of(environment);
      case Credentials.S3Process(var command) -> new ProcessKeys(command, environment);
      case Credentials.Chain _ -> ChainKeys.of(environment);
      case Credentials.GcsKeyFile _, Credentials.Azure _ ->
          throw new IllegalArgumentException("an s3 mount takes credentials of type s3");
    };
  }

  private record Fixed(Keys keys) implements KeySource {
    @Override
    public Keys fetch() {
      return keys;
    }

    @Override
    public boolean fixed() {
      return true;
    }
  }
}
