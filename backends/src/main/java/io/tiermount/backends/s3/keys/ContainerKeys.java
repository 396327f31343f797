package io.tiermount.backends.s3.keys;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The role of this container (ECS, EKS Pod Identity): "AWS SDKs and Tools Reference Guide",
 * "Container credential provider".
 */
final class ContainerKeys implements KeySource {
  private static final String RELATIVE = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
  private static final String FULL = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
  private static final String TOKEN = "AWS_CONTAINER_AUTHORIZATION_TOKEN";
  private static final String TOKEN_FILE = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";

  /** Where a token may be sent in clear: this machine and the two known servers. */
  private static final Set<String> PLAIN_HOSTS =
      Set.of(
          "localhost", "127.0.0.1", "[::1]", "169.254.170.2", "169.254.170.23", "[fd00:ec2::23]");

  private final AwsEnvironment environment;

  ContainerKeys(AwsEnvironment environment) {
    this.environment = environment;
  }

  @Override
  public List<Path> files() {
    String file = environment.get(TOKEN_FILE);
    return file.isEmpty() ? List.of() : List.of(Path.of(file));
  }

  @Override
  public Keys fetch() throws NoKeysException {
    String relative = environment.get(RELATIVE);
    String full = environment.get(FULL);
    if (relative.isEmpty() && full.isEmpty()) {
      throw NoKeysException.unset("no container metadata");
    }
    try {
      URI uri = URI.create(relative.isEmpty() ? full : "http://169.254.170.2" + relative);
      if (!"https".equals(uri.getScheme()) && !PLAIN_HOSTS.contains(uri.getHost())) {
        throw NoKeysException.failed(
            FULL + " names " + uri.getHost() + ": over http only this machine may be asked");
      }
      String token = token();
      MetadataHttp.Answer answer =
          MetadataHttp.ask("GET", uri, token.isEmpty() ? Map.of() : Map.of("Authorization", token));
      if (answer.status() != 200) {
        throw NoKeysException.failed("the container metadata answers HTTP " + answer.status());
      }
      return KeyJson.read("the container metadata", answer.body(), "Token");
    } catch (IOException | IllegalArgumentException e) {
      throw NoKeysException.failed(
          "the container metadata of "
              + (relative.isEmpty() ? FULL : RELATIVE)
              + " does not answer");
    }
  }

  private String token() throws NoKeysException {
    String file = environment.get(TOKEN_FILE);
    if (file.isEmpty()) {
      return environment.get(TOKEN);
    }
    try {
      return Files.readString(Path.of(file)).strip();
    } catch (IOException e) {
      throw NoKeysException.failed(file + " (" + TOKEN_FILE + ") can't be read");
    }
  }
}
