package io.tiermount.backends.s3.keys;

import java.io.IOException;
import java.net.URI;
import java.util.Map;
import java.util.Optional;

/**
 * Whether this machine is about to be taken away (Amazon EC2 User Guide, "Spot Instance
 * interruption notices": two minutes before, {@code spot/instance-action} answers). By IMDSv2, as
 * {@link InstanceKeys}.
 */
public final class SpotNotice {
  private static final String ACTION = "/latest/meta-data/spot/instance-action";

  private final String server;

  public SpotNotice(AwsEnvironment environment) {
    String named = environment.get("AWS_EC2_METADATA_SERVICE_ENDPOINT");
    server = named.isEmpty() ? "http://169.254.169.254" : named.replaceFirst("/+$", "");
  }

  /**
   * What will be done to it and when, in the provider's words; empty where nothing is said.
   *
   * @throws IOException where there is nobody to ask
   */
  public Optional<String> ask() throws IOException {
    MetadataHttp.Answer token =
        MetadataHttp.ask(
            "PUT",
            URI.create(server + "/latest/api/token"),
            Map.of("X-aws-ec2-metadata-token-ttl-seconds", "60"));
    if (token.status() != 200) {
      throw new IOException("the instance metadata answers HTTP " + token.status());
    }
    MetadataHttp.Answer action =
        MetadataHttp.ask(
            "GET",
            URI.create(server + ACTION),
            Map.of("X-aws-ec2-metadata-token", token.body().strip()));
    return action.status() == 200 ? Optional.of(action.body().strip()) : Optional.empty();
  }
}
