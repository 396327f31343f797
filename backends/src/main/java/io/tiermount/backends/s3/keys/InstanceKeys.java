package io.tiermount.backends.s3.keys;

import java.io.IOException;
import java.net.URI;
import java.util.Map;

/**
 * The role of this machine, from its metadata server (Amazon EC2 User Guide, "Use IMDSv2": a
 * session token first, then the role's name, then its keys).
 */
final class InstanceKeys implements KeySource {
  private static final String ROLES = "/latest/meta-data/iam/security-credentials/";

  private final AwsEnvironment environment;

  InstanceKeys(AwsEnvironment environment) {
    this.environment = environment;
  }

  @Override
  public Keys fetch() throws NoKeysException {
    if (environment.isTrue("AWS_EC2_METADATA_DISABLED")) {
      throw NoKeysException.unset("the instance metadata is switched off");
    }
    String named = environment.get("AWS_EC2_METADATA_SERVICE_ENDPOINT");
    String server = named.isEmpty() ? "http://169.254.169.254" : named.replaceFirst("/+$", "");
    try {
      MetadataHttp.Answer token =
          MetadataHttp.ask(
              "PUT",
              URI.create(server + "/latest/api/token"),
              Map.of("X-aws-ec2-metadata-token-ttl-seconds", "300"));
      if (token.status() != 200) {
        throw NoKeysException.unset("the instance metadata answers HTTP " + token.status());
      }
      Map<String, String> headers = Map.of("X-aws-ec2-metadata-token", token.body().strip());
      MetadataHttp.Answer roles = MetadataHttp.ask("GET", URI.create(server + ROLES), headers);
      String role = roles.body().lines().findFirst().orElse("").strip();
      if (roles.status() != 200 || role.isEmpty()) {
        throw NoKeysException.unset("this instance has no role");
      }
      MetadataHttp.Answer keys =
          MetadataHttp.ask("GET", URI.create(server + ROLES + role), headers);
      if (keys.status() != 200) {
        throw NoKeysException.failed(
            "the instance metadata answers HTTP " + keys.status() + " for role " + role);
      }
      return KeyJson.read("the instance metadata", keys.body(), "Token");
    } catch (IOException | IllegalArgumentException e) {
      throw NoKeysException.unset("no instance metadata at " + server);
    }
  }
}
