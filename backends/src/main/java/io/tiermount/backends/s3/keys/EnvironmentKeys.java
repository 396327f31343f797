package io.tiermount.backends.s3.keys;

/** Keys in environment variables. They can't change while a process lives. */
final class EnvironmentKeys implements KeySource {
  private final AwsEnvironment environment;

  EnvironmentKeys(AwsEnvironment environment) {
    this.environment = environment;
  }

  @Override
  public Keys fetch() throws NoKeysException {
    String access = environment.get("AWS_ACCESS_KEY_ID");
    String secret = environment.get("AWS_SECRET_ACCESS_KEY");
    if (access.isEmpty() && secret.isEmpty()) {
      throw NoKeysException.unset("no AWS_ACCESS_KEY_ID in the environment");
    }
    if (access.isEmpty() || secret.isEmpty()) {
      throw NoKeysException.failed(
          "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY go together: one of them is not set");
    }
    String token = environment.get("AWS_SESSION_TOKEN");
    return new Keys(access, secret, token.isEmpty() ? null : token, null);
  }
}
