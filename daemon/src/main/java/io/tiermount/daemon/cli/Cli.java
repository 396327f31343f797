package io.tiermount.daemon.cli;

import io.tiermount.daemon.admin.AdminException;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The command line as a whole. */
@Command(
    name = "tiermount",
    description =
        "Mounts object buckets and local directories as plain directories, with a cache on local NVMe.",
    subcommands = CommandLine.HelpCommand.class)
public final class Cli implements Runnable {
  @Spec private CommandSpec spec = CommandSpec.create();

  private Cli() {}

  /** Runs one command and says how it ended. */
  public static int run(Context context, String... args) {
    CommandLine root = new CommandLine(new Cli());
    root.addSubcommand(new DaemonCommand(context));
    root.addSubcommand(new MountCommand(context));
    root.addSubcommand(new UmountCommand(context));
    root.addSubcommand(new MountHelperCommand(context));
    root.addSubcommand(new UmountHelperCommand(context));
    root.addSubcommand(new StopCommand(context));
    root.addSubcommand(new StatusCommand(context));
    root.addSubcommand(new ReloadCommand(context));
    root.addSubcommand(new SyncCommand(context));
    root.addSubcommand(RecoverCommand.line(context));
    root.addSubcommand(CacheCommand.line(context));
    root.addSubcommand(ScopeCommand.line(context));
    root.addSubcommand(new CheckConfigCommand(context));
    root.addSubcommand(RunCommand.line(context));
    root.addSubcommand(new ImportCommand(context));
    root.addSubcommand(new PathCommand(context));
    root.addSubcommand(new EnvCommand(context));
    root.addSubcommand(new ManualCommand(context));
    root.addSubcommand(new DoctorCommand(context));
    root.addSubcommand(new VersionCommand(context));
    describeExitCodes(root);
    // @x is a file's or a job's name, not a list of arguments.
    root.setExpandAtFiles(false);
    root.setOut(context.out());
    root.setErr(context.err());
    root.setParameterExceptionHandler((e, a) -> usage(context, e));
    root.setExecutionExceptionHandler((e, line, parsed) -> failed(context, e, line));
    int code = root.execute(args);
    context.out().flush();
    context.err().flush();
    return code;
  }

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "which command? tiermount help lists them");
  }

  private static void describeExitCodes(CommandLine line) {
    line.getCommandSpec()
        .usageMessage()
        .exitCodeListHeading("%nExit codes:%n")
        .exitCodeList(exitCodes());
    line.getSubcommands().values().forEach(Cli::describeExitCodes);
  }

  private static Map<String, String> exitCodes() {
    Map<String, String> codes = new LinkedHashMap<>();
    for (ExitCode each : ExitCode.values()) {
      codes.put(String.valueOf(each.code()), each.meaning());
    }
    return codes;
  }

  private static int usage(Context context, ParameterException e) {
    context.err().println("tiermount: " + e.getMessage());
    CommandLine.UnmatchedArgumentException.printSuggestions(e, context.err());
    context
        .err()
        .println(
            "Try: tiermount help"
                + e.getCommandLine().getCommandSpec().qualifiedName().replace("tiermount", ""));
    return ExitCode.USAGE.code();
  }

  private static int failed(Context context, Exception e, CommandLine line) {
    ExitCode code =
        switch (e) {
          case CommandException command -> command.exitCode();
          case AdminException admin -> ExitCode.of(admin.kind());
          case AccessDeniedException _ -> ExitCode.NOT_PERMITTED;
          default -> ExitCode.FAILED;
        };
    String message =
        switch (e) {
          case AccessDeniedException denied ->
              denied.getFile() + ": permission denied: run as root or as the daemon's own user";
          case IOException io when io.getMessage() != null -> io.getMessage();
          case CommandException command -> Objects.toString(command.getMessage(), "");
          case AdminException admin -> Objects.toString(admin.getMessage(), "");
          default -> "a defect in tiermount: " + e;
        };
    if (wantsJson(line)) {
      context
          .out()
          .println(context.json().pretty(Map.of("error", message, "exit_code", code.code())));
    }
    context.err().println("tiermount: " + message);
    return code.code();
  }

  private static boolean wantsJson(CommandLine line) {
    return line.getMixins().values().stream()
        .anyMatch(mixin -> mixin instanceof Output output && output.json());
  }
}
