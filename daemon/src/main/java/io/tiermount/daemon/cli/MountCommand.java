package io.tiermount.daemon.cli;

import com.fasterxml.jackson.databind.JsonNode;
import io.tiermount.daemon.admin.AdminApi.MountOrder;
import io.tiermount.daemon.admin.AdminClient;
import io.tiermount.daemon.admin.AdminException;
import io.tiermount.daemon.admin.RunDirectory;
import io.tiermount.daemon.config.TiermountConfig;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
    name = "mount",
    description = {
      "Mount one source without a configuration file; return once the mount answers.",
      "The daemon that owns the cache directory serves it, and is started when there is none; a daemon"
          + " started so ends with its last mount. Credentials are found as the provider's SDK does."
    })
final class MountCommand implements Callable<Integer> {
  /** A cold JVM on a loaded machine, a RocksDB with much to replay. */
  private static final Duration START_DEADLINE = Duration.ofSeconds(60);

  private static final Duration MOUNT_DEADLINE = Duration.ofSeconds(60);
  private static final long POLL_MILLIS = 20;

  private final Context context;
  @Mixin private Output output = new Output();

  @Parameters(
      index = "0",
      paramLabel = "SOURCE",
      description = "s3://bucket[/prefix], file:///dir?as=bucket, file:///dir")
  private String source = "";

  @Parameters(index = "1", paramLabel = "DIR", description = "Where; made when missing.")
  private Path directory = Path.of("");

  @Option(
      names = "-o",
      paramLabel = "KEY=VALUE,…",
      description = {
        "A mount's own keys (endpoint=…, path_style=true, read_only=true), and cache.*, fuse.*,",
        "memory.*; cache.dir is the cache directory."
      })
  private List<String> options = new ArrayList<>();

  @Option(names = "--foreground", description = "Stay until it is unmounted; SIGINT unmounts.")
  private boolean foreground;

  MountCommand(Context context) {
    this.context = context;
  }

  @Override
  public Integer call() throws Exception {
    Path path = directory.toAbsolutePath().normalize();
    TiermountConfig config = context.program().configuration(source, path, options);
    Path cache = config.cache().directories().getFirst().path();
    Path socket = context.runDirectory().socket(cache);
    AdminClient client = new AdminClient(socket, context.json());
    if (RunDirectory.answers(socket)) {
      JsonNode report = client.mount(order(path), MOUNT_DEADLINE);
      if (foreground) {
        stay(client, path);
      } else {
        print(report);
      }
      return ExitCode.OK.code();
    }
    if (foreground) {
      return context.program().runDaemon(config, true).code();
    }
    print(startDaemon(client, socket, path));
    return ExitCode.OK.code();
  }

  private MountOrder order(Path path) {
    return new MountOrder(source, path.toString(), options, relevantEnvironment());
  }

  /** What credentials, regions and identities are found by; the daemon has its own environment. */
  private Map<String, String> relevantEnvironment() {
    Map<String, String> relevant = new TreeMap<>();
    context
        .environment()
        .forEach((name, value) -> {
          if (name.startsWith("AWS_")
              || name.startsWith("TIERMOUNT_")
              || name.startsWith("ANYSCALE_")) {
            relevant.put(name, value);
          }
        });
    return relevant;
  }

  /** The new daemon is this very command in the foreground of a session of its own. */
  private JsonNode startDaemon(AdminClient client, Path socket, Path path)
      throws IOException, AdminException, CommandException, InterruptedException {
    context.runDirectory().create();
    List<String> arguments = new ArrayList<>(List.of("mount", "--foreground", source));
    arguments.add(path.toString());
    for (String option : options) {
      arguments.add("-o");
      arguments.add(option);
    }
    Launch launch = Launch.start(arguments, socket);
    long endNanos = System.nanoTime() + START_DEADLINE.toNanos();
    while (System.nanoTime() < endNanos) {
      if (RunDirectory.answers(socket)) {
        @Nullable JsonNode report = mountedReport(client, path);
        if (report != null) {
          return report;
        }
      } else if (!launch.process().isAlive()) {
        // Another mount command may have won the race to start one: then that daemon is ours too.
        if (RunDirectory.answers(socket)) {
          return client.mount(order(path), MOUNT_DEADLINE);
        }
        throw new CommandException(ExitCode.FAILED, launch.lastWords());
      }
      Thread.sleep(POLL_MILLIS);
    }
    launch.process().destroy();
    throw new CommandException(
        ExitCode.TIMEOUT,
        "the daemon did not come up within %d s: see %s"
            .formatted(START_DEADLINE.toSeconds(), launch.errors()));
  }

  /** Null while it is starting. */
  private static @Nullable JsonNode mountedReport(AdminClient client, Path path)
      throws IOException, AdminException, CommandException {
    for (JsonNode mount : client.status(Daemons.STATUS_DEADLINE).path("mounts")) {
      if (mount.path("path").asText().equals(path.toString())) {
        String state = mount.path("state").asText();
        if (state.equals("failed")) {
          throw new CommandException(ExitCode.FAILED, mount.path("reason").asText());
        }
        return state.equals("starting") ? null : mount;
      }
    }
    return null;
  }

  private void stay(AdminClient client, Path path) throws InterruptedException {
    Thread unmount =
        Thread.ofPlatform()
            .unstarted(() -> {
              try {
                client.unmount(path.toString(), MOUNT_DEADLINE);
              } catch (AdminException | IOException e) {
                context.err().println("tiermount: " + e.getMessage());
                context.err().flush();
              }
            });
    Runtime.getRuntime().addShutdownHook(unmount);
    try {
      while (mountedReport(client, path) != null) {
        Thread.sleep(500);
      }
    } catch (IOException | AdminException | CommandException e) {
      context.err().println("tiermount: the mount is gone: " + e.getMessage());
    }
    boolean _ = Runtime.getRuntime().removeShutdownHook(unmount);
  }

  private void print(JsonNode report) {
    if (output.json()) {
      context.out().println(context.json().pretty(report));
    }
  }
}
