package io.tiermount.backends.s3.keys;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/**
 * AWS's {@code credential_process}: a program that prints keys as JSON. It gets the daemon's
 * environment without the keys in it, since those serve only mounts that name no credentials; what
 * it writes to standard error is thrown away, for it may be a secret.
 */
final class ProcessKeys implements KeySource {
  private static final int SECONDS = 60;
  private static final int MAX_BYTES = 64 << 10;
  private static final Set<String> KEYS =
      Set.of("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN");

  private final List<String> command;
  private final AwsEnvironment environment;

  ProcessKeys(List<String> command, AwsEnvironment environment) {
    this.command = command;
    this.environment = environment;
  }

  @Override
  public Keys fetch() throws NoKeysException, InterruptedException {
    Process process;
    try {
      ProcessBuilder builder =
          new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD);
      builder.environment().clear();
      environment
          .variables()
          .forEach((name, value) -> {
            if (!KEYS.contains(name)) {
              builder.environment().put(name, value);
            }
          });
      process = builder.start();
      process.getOutputStream().close();
    } catch (IOException e) {
      throw failed("could not be started: see that it is there and may be executed");
    }
    Thread limit = Thread.startVirtualThread(() -> endLate(process));
    try {
      String said = output(process);
      int code = process.waitFor();
      if (code != 0) {
        throw failed(
            code > 128 ? "was ended after " + SECONDS + " s" : "ended with exit code " + code);
      }
      return KeyJson.read(name(), said, "SessionToken");
    } finally {
      limit.interrupt();
      process.destroyForcibly();
    }
  }

  private static void endLate(Process process) {
    try {
      if (!process.waitFor(SECONDS, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private String output(Process process) throws NoKeysException {
    try (InputStream in = process.getInputStream()) {
      byte[] said = in.readNBytes(MAX_BYTES + 1);
      if (said.length > MAX_BYTES) {
        throw failed("printed more than 64 KiB");
      }
      return new String(said, StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw failed("could not be read");
    }
  }

  private NoKeysException failed(String why) {
    return NoKeysException.failed(name() + " " + why + "; run it by hand");
  }

  /** Not its arguments, which may be secrets. */
  private String name() {
    return "the credentials process " + command.getFirst();
  }
}
