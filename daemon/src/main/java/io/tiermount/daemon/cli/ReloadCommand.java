package io.tiermount.daemon.cli;

import com.fasterxml.jackson.databind.JsonNode;
import io.tiermount.daemon.admin.AdminException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

@Command(
    name = "reload",
    description = {
      "Let the daemons that run here read their configuration again, and say what changed.",
      "Mounts that did not change are not touched. A wrong file changes nothing and ends with 4;",
      "1 says that something stays as it was, since it is in use or needs a new start."
    })
final class ReloadCommand implements Callable<Integer> {
  /** Every mount may have changes to send first. */
  private static final Duration DEADLINE = Duration.ofMinutes(10);

  private final Context context;
  @Mixin private Output output = new Output();

  ReloadCommand(Context context) {
    this.context = context;
  }

  @Override
  public Integer call() throws Exception {
    List<JsonNode> reports = new ArrayList<>();
    String without = "no daemon runs here: start one with tiermount daemon";
    for (Daemons.Found daemon : new Daemons(context).all()) {
      try {
        reports.add(daemon.client().reload(DEADLINE));
      } catch (AdminException e) {
        if (e.kind() != AdminException.Kind.NOT_FOUND) {
          throw e;
        }
        without = String.valueOf(e.getMessage());
      }
    }
    if (reports.isEmpty()) {
      throw new CommandException(ExitCode.NOT_MOUNTED, without);
    }
    boolean complete = true;
    for (JsonNode report : reports) {
      for (JsonNode step : report.path("steps")) {
        String outcome = step.path("outcome").asText().toLowerCase(Locale.ROOT);
        complete &= !outcome.equals("kept") && !outcome.equals("failed");
        if (!output.json()) {
          String reason = step.path("reason").asText();
          context
              .out()
              .println(
                  step.path("what").asText()
                      + " "
                      + outcome
                      + (reason.isEmpty() ? "" : ": " + reason));
        }
      }
    }
    if (output.json()) {
      context.out().println(context.json().pretty(Map.of("reloads", reports)));
    }
    return (complete ? ExitCode.OK : ExitCode.FAILED).code();
  }
}
