package io.tiermount.daemon.cli;

import com.fasterxml.jackson.databind.JsonNode;
import io.tiermount.daemon.admin.AdminClient;
import io.tiermount.daemon.admin.AdminException;
import io.tiermount.daemon.admin.RunDirectory;
import io.tiermount.daemon.config.TiermountConfig;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
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
  private static final long LOOK_MILLIS = 500;

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
    MountStart start = new MountStart(context, source, path, options);
    if (!foreground) {
      print(start.start(config, Supervision.none()));
      return ExitCode.OK.code();
    }
    Path socket = context.runDirectory().socket(MountStart.cache(config));
    if (!RunDirectory.answers(socket)) {
      return context.program().runDaemon(config, true).code();
    }
    AdminClient client = new AdminClient(socket, context.json());
    client.mount(start.order(), MountStart.MOUNT_DEADLINE);
    context.program().announceReady(path + " is mounted by the daemon that runs already");
    return stay(client, path).code();
  }

  /** Until somebody unmounts it; a daemon that ends before that is a failure. */
  private ExitCode stay(AdminClient client, Path path) throws InterruptedException {
    Thread unmount =
        Thread.ofPlatform()
            .unstarted(() -> {
              try {
                client.unmount(path.toString(), MountStart.MOUNT_DEADLINE);
              } catch (AdminException | IOException e) {
                context.err().println("tiermount: " + e.getMessage());
                context.err().flush();
              }
            });
    Runtime.getRuntime().addShutdownHook(unmount);
    ExitCode code = ExitCode.OK;
    try {
      while (MountStart.mountedReport(client, path) != null) {
        Thread.sleep(LOOK_MILLIS);
      }
    } catch (IOException | AdminException | CommandException e) {
      context.err().println("tiermount: the mount is gone: " + e.getMessage());
      code = ExitCode.FAILED;
    }
    boolean _ = Runtime.getRuntime().removeShutdownHook(unmount);
    return code;
  }

  private void print(JsonNode report) {
    if (output.json()) {
      context.out().println(context.json().pretty(report));
    }
  }
}
