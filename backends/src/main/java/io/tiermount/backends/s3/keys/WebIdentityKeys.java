package io.tiermount.backends.s3.keys;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Keys for the token in a file that somebody (Kubernetes) renews: read anew for each exchange, and
 * exchanged when the file changes.
 */
final class WebIdentityKeys implements KeySource {
  private static final String FILE = "AWS_WEB_IDENTITY_TOKEN_FILE";
  private static final String ROLE = "AWS_ROLE_ARN";

  private final String file;
  private final String role;
  private final String session;
  private final Sts sts;

  WebIdentityKeys(String file, String role, String session, Sts sts) {
    this.file = file;
    this.role = role;
    this.session = session.isEmpty() ? "tiermount" : session;
    this.sts = sts;
  }

  /** As the environment names them. */
  static WebIdentityKeys of(AwsEnvironment environment) {
    return new WebIdentityKeys(
        environment.get(FILE),
        environment.get(ROLE),
        environment.get("AWS_ROLE_SESSION_NAME"),
        new Sts(environment));
  }

  @Override
  public List<Path> files() {
    return file.isEmpty() ? List.of() : List.of(Path.of(file));
  }

  @Override
  public Keys fetch() throws NoKeysException, InterruptedException {
    if (file.isEmpty() && role.isEmpty()) {
      throw NoKeysException.unset("no " + FILE + " in the environment");
    }
    if (file.isEmpty() || role.isEmpty()) {
      throw NoKeysException.failed(FILE + " and " + ROLE + " go together: one of them is not set");
    }
    String token;
    try {
      token = Files.readString(Path.of(file)).strip();
    } catch (IOException e) {
      throw NoKeysException.failed("the token file " + file + " can't be read");
    }
    if (token.isEmpty()) {
      throw NoKeysException.failed("the token file " + file + " is empty");
    }
    return sts.withWebIdentity(role, session, token);
  }
}
