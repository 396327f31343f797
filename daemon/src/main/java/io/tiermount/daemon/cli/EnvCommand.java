package io.tiermount.daemon.cli;

import io.tiermount.daemon.config.AnyscaleVariables;
import io.tiermount.daemon.config.TiermountConfig;
import io.tiermount.daemon.jobs.JobEnvironment;
import io.tiermount.daemon.jobs.JobVolumesChoice;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

@Command(
    name = "env",
    description = {
      "Print the variables by which jobs find this node's storage, as a shell reads them:"
          + " eval \"$(tiermount env)\".",
      "They are those of a job that names no volumes; no secret is among them."
    })
final class EnvCommand implements Callable<Integer> {
  private final Context context;
  @Mixin private Output output = new Output();
  @Mixin private ConfigOption config = new ConfigOption();

  EnvCommand(Context context) {
    this.context = context;
  }

  @Override
  public Integer call() throws Exception {
    TiermountConfig known = config.read(context);
    Map<String, String> variables =
        new TreeMap<>(
            JobEnvironment.of(known, JobVolumesChoice.of(known, null, null), null, context.json()));
    variables.putAll(AnyscaleVariables.of(context.environment()));
    if (output.json()) {
      context.out().println(context.json().pretty(variables));
    } else {
      variables.forEach(
          (name, value) -> context.out().println("export " + name + "=" + quoted(value)));
    }
    return ExitCode.OK.code();
  }

  private static String quoted(String value) {
    return "'" + value.replace("'", "'\\''") + "'";
  }
}
