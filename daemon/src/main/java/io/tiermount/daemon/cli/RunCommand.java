package io.tiermount.daemon.cli;

import io.tiermount.backends.os.Errno;
import io.tiermount.backends.os.ErrnoException;
import io.tiermount.daemon.config.InvalidConfigException;
import io.tiermount.daemon.config.Polyaxonfile;
import io.tiermount.daemon.config.TiermountConfig;
import io.tiermount.daemon.jobs.JobEnvironment;
import io.tiermount.daemon.jobs.JobRunner;
import io.tiermount.daemon.jobs.JobView;
import io.tiermount.daemon.jobs.JobVolumeException;
import io.tiermount.daemon.jobs.JobVolumesChoice;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
    name = "run",
    description = {
      "Run a command that sees of all mounts only the volumes it names, in a mount namespace of its own.",
      "A job that names none gets all data volumes, and the first outputs volume that can be written."
          + " It finds them by TIERMOUNT_DATA_PATHS (JSON) and TIERMOUNT_OUTPUTS_PATH, the run's own"
          + " directory; both also as POLYAXON_RUN_…. The rest of its environment stays as it is.",
      "For root; for others where user namespaces are allowed. Ends as the command does; 127 where"
          + " there is no such command, 126 where it can't be executed."
    })
final class RunCommand implements Callable<Integer> {
  private static final int NOT_FOUND = 127;
  private static final int NOT_EXECUTABLE = 126;
  private static final DateTimeFormatter RUN_ID =
      DateTimeFormatter.ofPattern("'run'-yyyyMMdd-HHmmss").withZone(ZoneOffset.UTC);

  private final Context context;
  @Mixin private ConfigOption config = new ConfigOption();

  @Option(names = "--data", paramLabel = "NAME,…", split = ",", description = "Data volumes.")
  private @Nullable List<String> data;

  @Option(names = "--outputs", paramLabel = "NAME", description = "The outputs volume.")
  private @Nullable String outputs;

  @Option(
      names = "--run-id",
      paramLabel = "ID",
      description =
          "The run's directory in the outputs volume, made if missing. Default: a new one.")
  private @Nullable String runId;

  @Option(
      names = "--polyaxonfile",
      paramLabel = "FILE",
      description = "Takes data and outputs from its environment.persistence; the options win.")
  private @Nullable Path polyaxonfile;

  @Parameters(
      arity = "1..*",
      paramLabel = "COMMAND",
      description = "Behind --, with its arguments.")
  private List<String> command = List.of();

  private RunCommand(Context context) {
    this.context = context;
  }

  static CommandLine line(Context context) {
    // Options behind the command are the command's.
    return new CommandLine(new RunCommand(context)).setStopAtPositional(true);
  }

  @Override
  public Integer call() throws Exception {
    TiermountConfig known = config.read(context);
    JobVolumesChoice choice = choice(known);
    String run = runId == null ? newRunId() : runId;
    Map<String, String> variables;
    Optional<Path> outputsPath;
    JobRunner.View view = () -> JobView.of(known, choice, context.program().mounted());
    JobView seen;
    try {
      outputsPath = JobEnvironment.outputsPath(choice, run);
      variables = new TreeMap<>(JobEnvironment.of(known, choice, run, context.json()));
      seen = view.look();
    } catch (IllegalArgumentException e) {
      throw new CommandException(ExitCode.USAGE, String.valueOf(e.getMessage()), e);
    } catch (JobVolumeException e) {
      throw new CommandException(ExitCode.NOT_MOUNTED, String.valueOf(e.getMessage()), e);
    }
    variables.put("TIERMOUNT_RUN_ID", run);
    Path here = Path.of("").toAbsolutePath();
    if (seen.hides(here)) {
      throw new CommandException(
          ExitCode.USAGE,
          "the working directory "
              + here
              + " is in a volume that the job does not get: cd / first");
    }
    Optional<Path> program =
        JobRunner.find(
            command.getFirst(), context.environment().getOrDefault("PATH", "/usr/bin:/bin"), here);
    if (program.isEmpty()) {
      context.err().println("tiermount: " + command.getFirst() + ": no such command");
      return NOT_FOUND;
    }
    if (outputsPath.isPresent()) {
      make(outputsPath.get());
    }
    return exec(view, variables, program.get());
  }

  private JobVolumesChoice choice(TiermountConfig known) throws CommandException {
    @Nullable List<String> wantedData = data;
    @Nullable String wantedOutputs = outputs;
    try {
      if (polyaxonfile != null) {
        Polyaxonfile file = Polyaxonfile.read(polyaxonfile);
        wantedData = wantedData == null ? file.data() : wantedData;
        wantedOutputs = wantedOutputs == null ? file.outputs() : wantedOutputs;
      }
      // --data "" names no data, in so many words.
      if (wantedData != null) {
        wantedData = wantedData.stream().filter(name -> !name.isEmpty()).toList();
      }
      return JobVolumesChoice.of(known, wantedData, wantedOutputs);
    } catch (InvalidConfigException e) {
      throw new CommandException(
          ExitCode.BAD_CONFIG, polyaxonfile + " is refused:\n" + String.valueOf(e.getMessage()), e);
    } catch (IllegalArgumentException e) {
      throw new CommandException(ExitCode.USAGE, String.valueOf(e.getMessage()), e);
    }
  }

  /** Names sort by time; the process id tells runs of one second apart. */
  private static String newRunId() {
    return RUN_ID.format(Instant.now()) + "-" + ProcessHandle.current().pid();
  }

  private static void make(Path directory) throws IOException, CommandException {
    try {
      Files.createDirectory(directory);
    } catch (FileAlreadyExistsException e) {
      if (!Files.isDirectory(directory)) {
        throw new CommandException(
            ExitCode.FAILED,
            directory + " is there and is no directory: choose another --run-id",
            e);
      }
    }
  }

  private int exec(JobRunner.View view, Map<String, String> variables, Path program)
      throws IOException, CommandException {
    context.out().flush();
    List<String> unset =
        Boolean.getBoolean("tiermount.locale.added") ? List.of("LC_ALL") : List.of();
    try {
      new JobRunner(view, variables, unset).exec(program, words(command.size()));
      throw new IllegalStateException("exec returned");
    } catch (JobVolumeException e) {
      throw new CommandException(ExitCode.NOT_MOUNTED, String.valueOf(e.getMessage()), e);
    } catch (JobRunner.NotPermittedException e) {
      throw new CommandException(ExitCode.NOT_PERMITTED, String.valueOf(e.getMessage()), e);
    } catch (ErrnoException e) {
      if (e.errno() == Errno.EACCES || e.errno() == Errno.ENOEXEC) {
        context.err().println("tiermount: " + program + ": " + Errno.text(e.errno()));
        return NOT_EXECUTABLE;
      }
      throw e;
    }
  }

  /** The last words of this process's own command line, byte by byte: not all are UTF-8. */
  private static List<byte[]> words(int count) throws IOException {
    byte[] line = Files.readAllBytes(Path.of("/proc/self/cmdline"));
    List<byte[]> words = new ArrayList<>();
    int begin = 0;
    for (int i = 0; i < line.length; i++) {
      if (line[i] == 0) {
        words.add(java.util.Arrays.copyOfRange(line, begin, i));
        begin = i + 1;
      }
    }
    return words.subList(words.size() - count, words.size());
  }
}
