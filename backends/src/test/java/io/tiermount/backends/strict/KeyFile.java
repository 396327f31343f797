package io.tiermount.backends.strict;

import io.tiermount.backends.Credentials;
import io.tiermount.backends.s3.keys.AwsEnvironment;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Map;

/**
 * A profile whose keys somebody rotates, and the server that accepts them. Not for several threads.
 */
public final class KeyFile {
  private final StrictS3Server server;
  private final Path file;
  private int number;

  public KeyFile(StrictS3Server server, Path directory) {
    this.server = server;
    this.file = directory.resolve("aws-credentials");
  }

  public static Credentials credentials() {
    return new Credentials.S3Profile("rotated");
  }

  public AwsEnvironment environment() {
    return new AwsEnvironment(
        Map.of("AWS_SHARED_CREDENTIALS_FILE", file.toString()), file.resolveSibling("none"));
  }

  /** The file itself: AWS_SHARED_CREDENTIALS_FILE. */
  public Path path() {
    return file;
  }

  public String accessKey() {
    return "ROTATED" + number;
  }

  /** Makes other keys, which the server knows, and writes them down. */
  public void renew() throws IOException {
    number++;
    server.keys().add(accessKey(), secret(), token());
    write(secret());
  }

  /** Other keys, and the old ones have expired once they are written down. */
  public void rotate() throws IOException {
    String old = accessKey();
    renew();
    server.keys().expire(old);
  }

  /** Writes keys down that no server knows. */
  public void spoil() throws IOException {
    write(TestSecrets.of("wrong"));
  }

  private String secret() {
    return TestSecrets.of("secret" + number);
  }

  private String token() {
    return TestSecrets.of("token" + number);
  }

  private void write(String secret) throws IOException {
    Path next = file.resolveSibling("next");
    Files.writeString(
        next,
        """
        [rotated]
        aws_access_key_id = %s
        aws_secret_access_key = %s
        aws_session_token = %s
        """
            .formatted(accessKey(), secret, token()));
    Files.move(next, file, StandardCopyOption.ATOMIC_MOVE);
  }
}
