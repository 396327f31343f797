package io.tiermount.daemon.cli;

import io.tiermount.daemon.config.PathSubstitution;
import io.tiermount.daemon.config.SourcePlace;
import io.tiermount.daemon.config.TiermountConfig;
import io.tiermount.fs.volume.KeyPath;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

@Command(
    name = "path",
    description = {
      "Say where an object's URL is among the mounts, and which URL a path below a mount has.",
      "storage.path_substitution is asked first, by its first rule that matches; then the mounts."
          + " Of several mounts that show an object the one that shows the least answers. Reads the"
          + " configuration alone: nothing needs to be mounted, or to exist."
    })
final class PathCommand implements Callable<Integer> {
  private final Context context;
  @Mixin private Output output = new Output();
  @Mixin private ConfigOption config = new ConfigOption();

  @Parameters(arity = "1..*", paramLabel = "URL|PATH", description = "s3://bucket/key, /mnt/a/b")
  private List<String> places = List.of();

  PathCommand(Context context) {
    this.context = context;
  }

  @Override
  public Integer call() throws Exception {
    TiermountConfig known = config.read(context);
    Map<String, String> answers = new LinkedHashMap<>();
    for (String place : places) {
      Optional<String> answer = substituted(known.node().paths(), place);
      if (answer.isEmpty()) {
        answer = place.contains("://") ? path(known, place) : url(known, place);
      }
      answers.put(
          place,
          answer.orElseThrow(() ->
              new CommandException(
                  ExitCode.NOT_MOUNTED,
                  place
                      + " is in no mount of the configuration: tiermount check-config lists them")));
    }
    if (output.json()) {
      context.out().println(context.json().pretty(answers));
    } else {
      answers.values().forEach(context.out()::println);
    }
    return ExitCode.OK.code();
  }

  /** The rules that people have come before what the mounts say. */
  private static Optional<String> substituted(PathSubstitution rules, String place) {
    Optional<String> local = rules.toLocal(place);
    return local.isPresent() ? local : rules.toRegistered(place);
  }

  private static Optional<String> path(TiermountConfig config, String url) throws CommandException {
    try {
      return SourcePlace.ofUrl(config.mounts(), url)
          .map(found -> found.mount().path().resolve(KeyPath.of(found.text())).toString());
    } catch (IllegalArgumentException e) {
      throw new CommandException(ExitCode.USAGE, String.valueOf(e.getMessage()), e);
    }
  }

  private static Optional<String> url(TiermountConfig config, String text) throws CommandException {
    Path path = Path.of(text).toAbsolutePath().normalize();
    try {
      return SourcePlace.ofPath(
              config.mounts(),
              path,
              below ->
                  KeyPath.key(below)
                      .orElseThrow(() ->
                          new IllegalArgumentException(
                              path + " is a name that stands for no key by itself")))
          .map(SourcePlace.Found::text);
    } catch (IllegalArgumentException e) {
      throw new CommandException(ExitCode.FAILED, String.valueOf(e.getMessage()), e);
    }
  }
}
