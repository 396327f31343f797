package io.tiermount.backends.s3.keys;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The provider's own chain: the first source that somebody set up. One that is set up and fails
 * ends it, so that a mistake does not quietly become another identity.
 */
final class ChainKeys implements KeySource {
  private final List<KeySource> sources;

  private ChainKeys(List<KeySource> sources) {
    this.sources = sources;
  }

  /** Environment, web identity, profile files, container, instance. */
  static ChainKeys of(AwsEnvironment environment) {
    return new ChainKeys(
        List.of(
            new EnvironmentKeys(environment),
            WebIdentityKeys.of(environment),
            new ProfileKeys(environment.profile(), environment),
            new ContainerKeys(environment),
            new InstanceKeys(environment)));
  }

  @Override
  public List<Path> files() {
    return sources.stream().flatMap(source -> source.files().stream()).distinct().toList();
  }

  @Override
  public Keys fetch() throws NoKeysException, InterruptedException {
    List<String> tried = new ArrayList<>();
    for (KeySource source : sources) {
      try {
        return source.fetch();
      } catch (NoKeysException e) {
        if (!e.isUnset()) {
          throw e;
        }
        tried.add(e.text());
      }
    }
    throw NoKeysException.failed(
        String.join(", ", tried) + ": set one up, or name credentials for the mount");
  }
}
