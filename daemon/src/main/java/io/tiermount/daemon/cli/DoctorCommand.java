package io.tiermount.daemon.cli;

import io.tiermount.daemon.cli.Doctor.Finding;
import io.tiermount.daemon.cli.Doctor.Level;
import io.tiermount.daemon.config.TiermountConfig;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
    name = "doctor",
    description = {
      "Say what this machine can do, and what to do about what it can't.",
      "Looks at kernel, /dev/fuse, capabilities, libfuse, Java; with a configuration also at the cache's"
          + " disk and each store. Every line is OK, WARN or FAIL; ends with 1 where one says FAIL."
    })
final class DoctorCommand implements Callable<Integer> {
  private final Context context;
  @Mixin private Output output = new Output();

  @Option(names = "--config", paramLabel = "FILE", description = "The configuration to look at.")
  private @Nullable Path file;

  DoctorCommand(Context context) {
    this.context = context;
  }

  @Override
  public Integer call() throws Exception {
    Doctor doctor = new Doctor(Path.of("/"), context.program());
    List<Finding> findings = new ArrayList<>(doctor.machine());
    if (file != null) {
      TiermountConfig config = context.program().configuration(file);
      findings.addAll(doctor.configured(config));
    }
    if (output.json()) {
      context.out().println(context.json().pretty(Map.of("findings", findings)));
    } else {
      for (Finding finding : findings) {
        context.out().printf("%-4s  %s: %s%n", finding.level(), finding.check(), finding.found());
        if (!finding.advice().isEmpty()) {
          context.out().println("      " + finding.advice());
        }
      }
    }
    boolean failed = findings.stream().anyMatch(finding -> finding.level() == Level.FAIL);
    return (failed ? ExitCode.FAILED : ExitCode.OK).code();
  }
}
