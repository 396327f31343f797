package io.tiermount.backends;

import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** How a mount proves who it is. Never printed: {@code toString} shows no secret. */
public sealed interface Credentials {
  /** Nothing is sent. Only where the configuration says so in so many words. */
  record Anonymous() implements Credentials {}

  /** Keys as they stand. */
  record S3Static(String accessKey, String secretKey, @Nullable String sessionToken)
      implements Credentials {
    public S3Static {
      if (accessKey.isEmpty() || secretKey.isEmpty()) {
        throw new IllegalArgumentException("access_key and secret_key go together");
      }
    }

    @Override
    public String toString() {
      return "S3Static[" + lastFour(accessKey) + "]";
    }
  }

  /** A profile of the AWS configuration files. */
  record S3Profile(String name) implements Credentials {}

  /** A web identity token file, as the environment names it. */
  record S3WebIdentity() implements Credentials {}

  /** AWS's credential_process: a program that prints the keys as JSON. */
  record S3Process(List<String> command) implements Credentials {
    public S3Process {
      command = List.copyOf(command);
    }

    /** Not its arguments, which may be secrets. */
    @Override
    public String toString() {
      return "S3Process[" + (command.isEmpty() ? "" : command.getFirst()) + "]";
    }
  }

  /** The provider's own chain: environment, profile file, container or instance metadata. */
  record Chain() implements Credentials {}

  /** A Google service-account or workload identity file. */
  record GcsKeyFile(Path path) implements Credentials {}

  /** One of Azure's ways. Exactly one is set. */
  record Azure(
      @Nullable String accountKey,
      @Nullable String connectionString,
      @Nullable String sasToken,
      boolean managedIdentity)
      implements Credentials {
    @Override
    public String toString() {
      return "Azure[…]";
    }
  }

  /** The last four characters of a secret's name, the rest dotted out. */
  static String lastFour(String text) {
    return "…" + text.substring(Math.max(0, text.length() - 4));
  }
}
