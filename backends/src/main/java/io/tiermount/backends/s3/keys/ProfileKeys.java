package io.tiermount.backends.s3.keys;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import software.amazon.awssdk.profiles.Profile;
import software.amazon.awssdk.profiles.ProfileFile;

/**
 * A profile of AWS's configuration and credentials files, read anew for each fetch: keys as they
 * stand, {@code credential_process}, {@code role_arn} with {@code web_identity_token_file}, {@code
 * source_profile} or {@code credential_source} ("AWS SDKs and Tools Reference Guide", "Shared
 * config and credentials files").
 */
final class ProfileKeys implements KeySource {
  /** Profiles that take a role from each other in a circle end here. */
  private static final int MAX_STEPS = 5;

  private final String name;
  private final AwsEnvironment environment;

  ProfileKeys(String name, AwsEnvironment environment) {
    this.name = name;
    this.environment = environment;
  }

  @Override
  public List<Path> files() {
    return List.of(environment.credentialsFile(), environment.configFile());
  }

  @Override
  public Keys fetch() throws NoKeysException, InterruptedException {
    return keys(name, read(), MAX_STEPS);
  }

  private ProfileFile read() throws NoKeysException {
    ProfileFile.Aggregator all = ProfileFile.aggregator();
    add(all, environment.credentialsFile(), ProfileFile.Type.CREDENTIALS);
    add(all, environment.configFile(), ProfileFile.Type.CONFIGURATION);
    return all.build();
  }

  private static void add(ProfileFile.Aggregator all, Path file, ProfileFile.Type type)
      throws NoKeysException {
    if (!Files.exists(file)) {
      return;
    }
    try {
      all.addFile(ProfileFile.builder().content(file).type(type).build());
    } catch (RuntimeException e) {
      // Its words quote the line.
      throw NoKeysException.failed(file + " can't be read as a file of AWS profiles");
    }
  }

  private Keys keys(String profileName, ProfileFile file, int steps)
      throws NoKeysException, InterruptedException {
    Optional<Profile> there = file.profile(profileName);
    if (there.isEmpty()) {
      throw NoKeysException.unset(
          "there is no profile %s in %s or %s"
              .formatted(profileName, environment.credentialsFile(), environment.configFile()));
    }
    Profile profile = there.get();
    String role = value(profile, "role_arn");
    if (!role.isEmpty()) {
      return withRole(profile, role, file, steps);
    }
    String access = value(profile, "aws_access_key_id");
    String secret = value(profile, "aws_secret_access_key");
    if (!access.isEmpty() && !secret.isEmpty()) {
      String token = value(profile, "aws_session_token");
      return new Keys(access, secret, token.isEmpty() ? null : token, null);
    }
    String process = value(profile, "credential_process");
    if (!process.isEmpty()) {
      return new ProcessKeys(words(process), environment).fetch();
    }
    if (profile.properties().keySet().stream().anyMatch(key -> key.startsWith("sso_"))) {
      throw NoKeysException.failed(
          "profile %1$s signs in by SSO, which needs a person: use process = [\"aws\", \"configure\", \"export-credentials\", \"--profile\", \"%1$s\"]"
              .formatted(profileName));
    }
    // One that sets a region alone is common, and no reason to end a chain.
    throw NoKeysException.unset(
        "profile "
            + profileName
            + " has no aws_access_key_id with aws_secret_access_key, no role_arn and no credential_process");
  }

  private Keys withRole(Profile profile, String role, ProfileFile file, int steps)
      throws NoKeysException, InterruptedException {
    String session = value(profile, "role_session_name");
    Sts sts = new Sts(environment);
    String token = value(profile, "web_identity_token_file");
    if (!token.isEmpty()) {
      return new WebIdentityKeys(token, role, session, sts).fetch();
    }
    String source = value(profile, "source_profile");
    String kind = value(profile, "credential_source");
    Keys own;
    if (!source.isEmpty()) {
      if (steps == 0) {
        throw NoKeysException.failed(
            "profile " + name + " leads through more than " + MAX_STEPS + " source_profile");
      }
      // A profile that names itself has its keys beside the role.
      own = source.equals(profile.name()) ? itself(profile) : keys(source, file, steps - 1);
    } else {
      own =
          switch (kind.toLowerCase(Locale.ROOT)) {
            case "environment" -> new EnvironmentKeys(environment).fetch();
            case "ecscontainer" -> new ContainerKeys(environment).fetch();
            case "ec2instancemetadata" -> new InstanceKeys(environment).fetch();
            default ->
                throw NoKeysException.failed(
                    "profile "
                        + profile.name()
                        + " has a role_arn and no source_profile, credential_source or web_identity_token_file");
          };
    }
    return sts.withKeys(
        role,
        session.isEmpty() ? "tiermount" : session,
        value(profile, "external_id"),
        own.credentials());
  }

  private static Keys itself(Profile profile) throws NoKeysException {
    String access = value(profile, "aws_access_key_id");
    String secret = value(profile, "aws_secret_access_key");
    if (access.isEmpty() || secret.isEmpty()) {
      throw NoKeysException.failed("profile " + profile.name() + " has no keys of its own");
    }
    String token = value(profile, "aws_session_token");
    return new Keys(access, secret, token.isEmpty() ? null : token, null);
  }

  private static String value(Profile profile, String property) {
    return profile.property(property).orElse("").strip();
  }

  /** As a shell would part them: by spaces, double quotes holding together. */
  private static List<String> words(String line) {
    List<String> words = new ArrayList<>();
    StringBuilder word = new StringBuilder();
    boolean quoted = false;
    boolean begun = false;
    for (int i = 0; i < line.length(); i++) {
      char c = line.charAt(i);
      if (c == '"') {
        quoted = !quoted;
        begun = true;
      } else if (c == ' ' && !quoted) {
        if (begun) {
          words.add(word.toString());
        }
        word.setLength(0);
        begun = false;
      } else {
        word.append(c);
        begun = true;
      }
    }
    if (begun) {
      words.add(word.toString());
    }
    return words;
  }
}
